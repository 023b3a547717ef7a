#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <type_traits>

#include <absl/strings/ascii.h>
#include <fmt/core.h>

#include "api/schema/core_v1_volume_plugins.pb.h"
#include "api/validation/sorted_keys.h"
#include "api/validation/volume.h"
#include "api/validation/volume_sources.h"

namespace berth::api::validation {
namespace {

void RequireText(const std::string& text, const FieldPath& path, Errors& errors) {
  if (text.empty()) errors.Required(path);
}

// A partition or a logical unit. The text says 1 where the rule has 0, as upstream's does.
void ValidatePartition(int32_t partition, const FieldPath& path, Errors& errors) {
  if (partition >= 0 && partition <= 255) return;
  errors.InvalidInt(path, partition, "must be between 1 and 255, inclusive");
}

template <typename Source>
void ValidateSecretName(const Source& source, const FieldPath& path, Errors& errors) {
  if (!source.has_secret_ref() || !source.secret_ref().name().empty()) return;
  errors.Required(path.Child("secretRef.name"));
}

bool AllAlphanumeric(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
}

// iqn.2001-04.com.example:disk1
bool IsIqn(std::string_view text) {
  constexpr std::string_view kForm = "iqn.dddd-dd.";
  if (text.size() < kForm.size()) return false;
  for (size_t i = 0; i < kForm.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kForm[i] == 'd' ? !digit : text[i] != kForm[i]) return false;
  }
  text.remove_prefix(kForm.size());
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) return false;
  const std::string_view authority = text.substr(0, colon);
  return std::all_of(authority.begin(), authority.end(), [](char c) {
    return AllAlphanumeric({&c, 1}) || c == '-' || c == '.';
  }) && text.substr(colon + 1).find_first_of(",;*&$| \t\n\r\f") == std::string_view::npos;
}

// The name of a target or an initiator: one of three forms, told by their first letters.
// of_volume: of a PersistentVolume, whose complaint is shorter.
void ValidateIscsiName(const std::string& name, bool of_volume, const FieldPath& path,
                       Errors& errors) {
  const auto has_form = [&](size_t digits) {
    return name.size() == digits + 4 && AllAlphanumeric(std::string_view(name).substr(4));
  };
  bool good = false;
  if (name.starts_with("iqn")) {
    good = IsIqn(name);
  } else if (name.starts_with("eui")) {
    good = has_form(16);
  } else if (name.starts_with("naa")) {
    good = has_form(32);
  } else if (!of_volume) {
    return errors.Invalid(path, name, "must be valid format starting with iqn, eui, or naa");
  }
  if (!good) errors.Invalid(path, name, "must be valid format");
}

// "host:port", with brackets around an IPv6 address.
bool IsHostAndPort(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view host = text.substr(0, colon);
  if (host.starts_with('[')) return host.ends_with(']');
  return host.find_first_of(":[]") == std::string_view::npos &&
         text.find_first_of("[]") == std::string_view::npos;
}

template <typename Source>
void ValidateIscsi(const Source& source, const FieldPath& path, Errors& errors) {
  constexpr bool kOfVolume = std::is_same_v<Source, core::ISCSIPersistentVolumeSource>;
  RequireText(source.target_portal(), path.Child("targetPortal"), errors);
  if (source.iqn().empty()) {
    errors.Required(path.Child("iqn"));
  } else {
    ValidateIscsiName(source.iqn(), kOfVolume, path.Child("iqn"), errors);
  }
  errors.InvalidInt(path.Child("lun"), source.lun(), IsInRange(source.lun(), 0, 255));
  if ((source.chap_auth_discovery() || source.chap_auth_session()) && !source.has_secret_ref()) {
    errors.Required(path.Child("secretRef"));
  }
  if (kOfVolume) ValidateSecretName(source, path, errors);
  if (source.has_initiator_name()) {
    ValidateIscsiName(source.initiator_name(), kOfVolume, path.Child("initiatorname"), errors);
  }
}

bool IsReservedOption(std::string_view key) {
  const std::string space =
      absl::AsciiStrToLower("." + std::string(key.substr(0, key.find('/'))));
  return space.ends_with(".kubernetes.io") || space.ends_with(".k8s.io");
}

template <typename Source>
void ValidateFlex(const Source& source, const FieldPath& path, Errors& errors) {
  RequireText(source.driver(), path.Child("driver"), errors);
  const FieldPath options = path.Child("options");
  for (const std::string_view key : SortedKeys(source.options())) {
    if (!IsReservedOption(key)) continue;
    errors.Invalid(options.Key(key), key, "kubernetes.io and k8s.io namespaces are reserved");
  }
}

template <typename Source>
void ValidateMonitors(const Source& source, const FieldPath& path, Errors& errors) {
  if (source.monitors().empty()) errors.Required(path.Child("monitors"));
}

template <typename Source>
void ValidateEndpoints(const Source& source, const FieldPath& path, Errors& errors) {
  RequireText(source.endpoints(), path.Child("endpoints"), errors);
  RequireText(source.path(), path.Child("path"), errors);
}

template <typename Source>
void ValidateAzureFile(const Source& source, const FieldPath& path, Errors& errors) {
  RequireText(source.secret_name(), path.Child("secretName"), errors);
  RequireText(source.share_name(), path.Child("shareName"), errors);
}

template <typename Source>
void ValidateStorageOs(const Source& source, const FieldPath& path, Errors& errors) {
  const std::string& name = source.volume_name();
  const std::string& space = source.volume_namespace();
  if (name.empty()) {
    errors.Required(path.Child("volumeName"));
  } else {
    errors.Invalid(path.Child("volumeName"), name, IsDns1123Label(name));
  }
  if (!space.empty()) errors.Invalid(path.Child("volumeNamespace"), space, IsDns1123Label(space));
  ValidateSecretName(source, path, errors);
}

template <typename Source>
void ValidateScaleIo(const Source& source, const FieldPath& path, Errors& errors) {
  RequireText(source.gateway(), path.Child("gateway"), errors);
  RequireText(source.system(), path.Child("system"), errors);
  RequireText(source.volume_name(), path.Child("volumeName"), errors);
}

// A secret of a persistent volume says its namespace.
template <typename Source>
void ValidateSecretNamespace(const Source& source, const FieldPath& path, Errors& errors) {
  if (!source.has_secret_ref() || !source.secret_ref().namespace_().empty()) return;
  errors.Required(path.Child("secretRef.namespace"));
}

// What is wrong with a reference of a CSI volume to a secret.
void ValidateSecretReference(bool present, const core::SecretReference& secret,
                             const FieldPath& path, Errors& errors) {
  if (!present) return;
  if (secret.name().empty()) {
    errors.Required(path.Child("name"));
  } else {
    errors.Invalid(path.Child("name"), secret.name(), IsDns1123Subdomain(secret.name()));
  }
  if (secret.namespace_().empty()) {
    errors.Required(path.Child("namespace"));
  } else {
    errors.Invalid(path.Child("namespace"), secret.namespace_(),
                   IsDns1123Label(secret.namespace_()));
  }
}

}  // namespace

void ValidateBackEnd(const core::GitRepoVolumeSource& source, const FieldPath& path,
                     Errors& errors) {
  RequireText(source.repository(), path.Child("repository"), errors);
  ValidateLocalDescendingPath(source.directory(), path.Child("directory"), errors);
}

void ValidateBackEnd(const core::GCEPersistentDiskVolumeSource& source, const FieldPath& path,
                     Errors& errors) {
  RequireText(source.pd_name(), path.Child("pdName"), errors);
  ValidatePartition(source.partition(), path.Child("partition"), errors);
}

void ValidateBackEnd(const core::AWSElasticBlockStoreVolumeSource& source, const FieldPath& path,
                     Errors& errors) {
  RequireText(source.volume_id(), path.Child("volumeID"), errors);
  ValidatePartition(source.partition(), path.Child("partition"), errors);
}

void ValidateBackEnd(const core::HostPathVolumeSource& source, const FieldPath& path,
                     Errors& errors) {
  if (source.path().empty()) return errors.Required(path.Child("path"));
  ValidatePathNoBacksteps(source.path(), path.Child("path"), errors);
  static const std::initializer_list<std::string_view> kTypes = {
      "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate",
      "Socket"};
  if (source.has_type() && std::find(kTypes.begin(), kTypes.end(), source.type()) == kTypes.end()) {
    errors.NotSupported(path.Child("type"), source.type(), kTypes);
  }
}

void ValidateBackEnd(const core::NFSVolumeSource& source, const FieldPath& path, Errors& errors) {
  RequireText(source.server(), path.Child("server"), errors);
  RequireText(source.path(), path.Child("path"), errors);
  if (!source.path().starts_with('/')) {
    errors.Invalid(path.Child("path"), source.path(), "must be an absolute path");
  }
}

void ValidateBackEnd(const core::ISCSIVolumeSource& source, const FieldPath& path,
                     Errors& errors) {
  ValidateIscsi(source, path, errors);
}

void ValidateBackEnd(const core::ISCSIPersistentVolumeSource& source, const FieldPath& path,
                     Errors& errors) {
  ValidateIscsi(source, path, errors);
}

void ValidateBackEnd(const core::GlusterfsVolumeSource& source, const FieldPath& path,
                     Errors& errors) {
  ValidateEndpoints(source, path, errors);
}

void ValidateBackEnd(const core::GlusterfsPersistentVolumeSource& source, const FieldPath& path,
                     Errors& errors) {
  ValidateEndpoints(source, path, errors);
  const std::string& space = source.endpoints_namespace();
  if (!source.has_endpoints_namespace()) return;
  if (space.empty()) {
    errors.Invalid(path.Child("endpointsNamespace"), space,
                   "if the endpointnamespace is set, it must be a valid namespace name");
  } else {
    errors.Invalid(path.Child("endpointsNamespace"), space, IsDns1123Label(space));
  }
}

void ValidateBackEnd(const core::FlockerVolumeSource& source, const FieldPath& path,
                     Errors& errors) {
  if (source.dataset_name().empty() && source.dataset_uuid().empty()) {
    errors.Required(path, "one of datasetName and datasetUUID is required");
  }
  if (!source.dataset_name().empty() && !source.dataset_uuid().empty()) {
    errors.Invalid(path, "resource",
                   "datasetName and datasetUUID can not be specified simultaneously");
  }
  if (source.dataset_name().find('/') != std::string::npos) {
    errors.Invalid(path.Child("datasetName"), source.dataset_name(), "must not contain '/'");
  }
}

void ValidateBackEnd(const core::RBDVolumeSource& source, const FieldPath& path, Errors& errors) {
  ValidateMonitors(source, path, errors);
  RequireText(source.image(), path.Child("image"), errors);
}

void ValidateBackEnd(const core::RBDPersistentVolumeSource& source, const FieldPath& path,
                     Errors& errors) {
  ValidateMonitors(source, path, errors);
  RequireText(source.image(), path.Child("image"), errors);
}

void ValidateBackEnd(const core::CinderVolumeSource& source, const FieldPath& path,
                     Errors& errors) {
  RequireText(source.volume_id(), path.Child("volumeID"), errors);
  ValidateSecretName(source, path, errors);
}

void ValidateBackEnd(const core::CinderPersistentVolumeSource& source, const FieldPath& path,
                     Errors& errors) {
  RequireText(source.volume_id(), path.Child("volumeID"), errors);
  ValidateSecretName(source, path, errors);
  ValidateSecretNamespace(source, path, errors);
}

void ValidateBackEnd(const core::CephFSVolumeSource& source, const FieldPath& path,
                     Errors& errors) {
  ValidateMonitors(source, path, errors);
}

void ValidateBackEnd(const core::CephFSPersistentVolumeSource& source, const FieldPath& path,
                     Errors& errors) {
  ValidateMonitors(source, path, errors);
}

void ValidateBackEnd(const core::QuobyteVolumeSource& source, const FieldPath& path,
                     Errors& errors) {
  constexpr std::string_view kPairs =
      "must be a host:port pair or multiple pairs separated by commas";
  if (source.registry().empty()) {
    errors.Required(path.Child("registry"), kPairs);
  } else if (source.tenant().size() >= 65) {
    errors.Required(path.Child("tenant"),
                    "must be a UUID and may not exceed a length of 64 characters");
  } else {
    std::string_view rest = source.registry();
    while (true) {
      const size_t comma = rest.find(',');
      if (!IsHostAndPort(rest.substr(0, comma))) {
        errors.Invalid(path.Child("registry"), source.registry(), kPairs);
      }
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  RequireText(source.volume(), path.Child("volume"), errors);
}

void ValidateBackEnd(const core::FCVolumeSource& source, const FieldPath& path, Errors& errors) {
  if (source.target_wwns().empty() && source.wwids().empty()) {
    errors.Required(path.Child("targetWWNs"),
                    "must specify either targetWWNs or wwids, but not both");
  }
  if (source.target_wwns().empty()) return;
  if (!source.wwids().empty()) {
    std::string shown = "[";
    for (const std::string& name : source.target_wwns()) {
      shown += (shown.size() > 1 ? "," : "") + GoQuoted(name);
    }
    errors.InvalidShown(path.Child("targetWWNs"), shown + "]",
                        "targetWWNs and wwids can not be specified simultaneously");
  }
  if (!source.has_lun()) {
    errors.Required(path.Child("lun"), "lun is required if targetWWNs is specified");
  } else {
    errors.InvalidInt(path.Child("lun"), source.lun(), IsInRange(source.lun(), 0, 255));
  }
}

void ValidateBackEnd(const core::FlexVolumeSource& source, const FieldPath& path,
                     Errors& errors) {
  ValidateFlex(source, path, errors);
}

void ValidateBackEnd(const core::FlexPersistentVolumeSource& source, const FieldPath& path,
                     Errors& errors) {
  ValidateFlex(source, path, errors);
}

void ValidateBackEnd(const core::AzureFileVolumeSource& source, const FieldPath& path,
                     Errors& errors) {
  ValidateAzureFile(source, path, errors);
}

void ValidateBackEnd(const core::AzureFilePersistentVolumeSource& source, const FieldPath& path,
                     Errors& errors) {
  ValidateAzureFile(source, path, errors);
  if (!source.has_secret_namespace()) return;
  RequireText(source.secret_namespace(), path.Child("secretNamespace"), errors);
}

void ValidateBackEnd(const core::VsphereVirtualDiskVolumeSource& source, const FieldPath& path,
                     Errors& errors) {
  RequireText(source.volume_path(), path.Child("volumePath"), errors);
}

void ValidateBackEnd(const core::PhotonPersistentDiskVolumeSource& source, const FieldPath& path,
                     Errors& errors) {
  RequireText(source.pd_id(), path.Child("pdID"), errors);
}

void ValidateBackEnd(const core::PortworxVolumeSource& source, const FieldPath& path,
                     Errors& errors) {
  RequireText(source.volume_id(), path.Child("volumeID"), errors);
}

void ValidateBackEnd(const core::AzureDiskVolumeSource& source, const FieldPath& path,
                     Errors& errors) {
  RequireText(source.disk_name(), path.Child("diskName"), errors);
  RequireText(source.disk_uri(), path.Child("diskURI"), errors);
  const std::string& mode = source.caching_mode();
  if (source.has_caching_mode() && mode != "None" && mode != "ReadOnly" && mode != "ReadWrite") {
    errors.NotSupported(path.Child("cachingMode"), mode, {"None", "ReadOnly", "ReadWrite"});
  }
  if (!source.has_kind()) return;
  const std::string& kind = source.kind();
  if (kind != "Dedicated" && kind != "Managed" && kind != "Shared") {
    errors.NotSupported(path.Child("kind"), kind, {"Dedicated", "Managed", "Shared"});
  }
  if (kind == "Managed") {
    if (source.disk_uri().starts_with("/subscriptions/")) return;
    errors.NotSupported(path.Child("diskURI"), source.disk_uri(),
                        {"/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/"
                         "microsoft.compute/disks/{disk-id}"});
  } else if (!source.disk_uri().starts_with("https://")) {
    errors.NotSupported(
        path.Child("diskURI"), source.disk_uri(),
        {"https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"});
  }
}

void ValidateBackEnd(const core::StorageOSVolumeSource& source, const FieldPath& path,
                     Errors& errors) {
  ValidateStorageOs(source, path, errors);
}

void ValidateBackEnd(const core::StorageOSPersistentVolumeSource& source, const FieldPath& path,
                     Errors& errors) {
  ValidateStorageOs(source, path, errors);
  ValidateSecretNamespace(source, path, errors);
}

void ValidateBackEnd(const core::ScaleIOVolumeSource& source, const FieldPath& path,
                     Errors& errors) {
  ValidateScaleIo(source, path, errors);
}

void ValidateBackEnd(const core::ScaleIOPersistentVolumeSource& source, const FieldPath& path,
                     Errors& errors) {
  ValidateScaleIo(source, path, errors);
}

void ValidateBackEnd(const core::LocalVolumeSource& source, const FieldPath& path,
                     Errors& errors) {
  if (source.path().empty()) return errors.Required(path.Child("path"));
  ValidatePathNoBacksteps(source.path(), path.Child("path"), errors);
}

void ValidateBackEnd(const core::CSIPersistentVolumeSource& source, const FieldPath& path,
                     Errors& errors) {
  const core::CSIPersistentVolumeSource& s = source;
  ValidateCsiDriverName(s.driver(), path.Child("driver"), errors);
  RequireText(s.volume_handle(), path.Child("volumeHandle"), errors);
  const auto secret = [&](bool present, const core::SecretReference& reference,
                          std::string_view name) {
    ValidateSecretReference(present, reference, path.Child(name), errors);
  };
  secret(s.has_controller_publish_secret_ref(), s.controller_publish_secret_ref(),
         "controllerPublishSecretRef");
  secret(s.has_controller_expand_secret_ref(), s.controller_expand_secret_ref(),
         "controllerExpandSecretRef");
  secret(s.has_node_publish_secret_ref(), s.node_publish_secret_ref(), "nodePublishSecretRef");
  secret(s.has_node_expand_secret_ref(), s.node_expand_secret_ref(), "nodeExpandSecretRef");
}

void ValidateCsiDriverName(const std::string& name, const FieldPath& path, Errors& errors) {
  constexpr int64_t kBytesMax = 63;
  if (name.empty()) errors.Required(path);
  if (std::ssize(name) > kBytesMax) errors.TooLong(path, kBytesMax);
  errors.Invalid(path, name, IsDns1123Subdomain(absl::AsciiStrToLower(name)));
}

}  // namespace berth::api::validation
