#include "api/validation/volume.h"

#include <algorithm>
#include <set>

#include <fmt/core.h>

#include "api/quantity.h"
#include "api/schema/core_v1_volume.pb.h"

namespace berth::api::validation {
namespace {

constexpr int32_t kFileModeMax = 0777;
constexpr std::string_view kFileModeText =
    "must be a number between 0 and 0777 (octal), both inclusive";

template <typename T>
using List = google::protobuf::RepeatedPtrField<T>;
using Paths = std::set<std::string_view>;

void ValidateMode(bool present, int32_t mode, const FieldPath& path, Errors& errors) {
  if (present && (mode < 0 || mode > kFileModeMax)) errors.InvalidInt(path, mode, kFileModeText);
}

// A descending path that does not begin with "..".
void ValidateLocalNonReservedPath(std::string_view text, const FieldPath& path, Errors& errors) {
  ValidateLocalDescendingPath(text, path, errors);
  if (text.starts_with("..") && !text.starts_with("../")) {
    errors.Invalid(path, text, "must not start with '..'");
  }
}

void ValidateKeyToPath(const core::KeyToPath& item, const FieldPath& path, Errors& errors) {
  if (item.key().empty()) errors.Required(path.Child("key"));
  if (item.path().empty()) errors.Required(path.Child("path"));
  ValidateLocalNonReservedPath(item.path(), path.Child("path"), errors);
  ValidateMode(item.has_mode(), item.mode(), path.Child("mode"), errors);
}

void ValidateItems(const List<core::KeyToPath>& items, const FieldPath& path, Errors& errors) {
  for (int i = 0; i < items.size(); ++i) {
    ValidateKeyToPath(items[i], path.Child("items", i), errors);
  }
}

void ValidateHostPath(const core::HostPathVolumeSource& source, const FieldPath& path,
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

void ValidateDownwardFile(const core::DownwardAPIVolumeFile& file, const FieldPath& path,
                          Errors& errors) {
  if (file.path().empty()) errors.Required(path.Child("path"));
  ValidateLocalNonReservedPath(file.path(), path.Child("path"), errors);
  if (file.has_field_ref()) {
    ValidateFieldRef(file.field_ref(), true, path.Child("fieldRef"), errors);
    if (file.has_resource_field_ref()) {
      errors.Invalid(path, "resource",
                     "fieldRef and resourceFieldRef can not be specified simultaneously");
    }
  } else if (file.has_resource_field_ref()) {
    ValidateResourceFieldRef(file.resource_field_ref(), true, path.Child("resourceFieldRef"),
                             errors);
  } else {
    errors.Required(path, "one of fieldRef and resourceFieldRef is required");
  }
  ValidateMode(file.has_mode(), file.mode(), path.Child("mode"), errors);
}

// Two sources must not write one file.
void ClaimPath(std::string_view file, std::string_view owner, const FieldPath& path, Paths& taken,
               Errors& errors) {
  if (file.empty() || taken.insert(file).second) return;
  errors.Invalid(path, owner, "conflicting duplicate paths");
}

void ValidateToken(const core::ServiceAccountTokenProjection& token, const FieldPath& path,
                   Errors& errors) {
  constexpr int64_t kMinSeconds = 600, kMaxSeconds = int64_t{1} << 32;
  if (token.has_expiration_seconds() && token.expiration_seconds() < kMinSeconds) {
    errors.InvalidInt(path.Child("expirationSeconds"), token.expiration_seconds(),
                      "may not specify a duration less than 10 minutes");
  }
  if (token.has_expiration_seconds() && token.expiration_seconds() > kMaxSeconds) {
    errors.InvalidInt(path.Child("expirationSeconds"), token.expiration_seconds(),
                      "may not specify a duration larger than 2^32 seconds");
  }
  if (token.path().empty()) {
    errors.Required(path.Child("path"));
  } else {
    ValidateLocalNonReservedPath(token.path(), path.Child("path"), errors);
  }
}

template <typename Source>
void ValidateKeyed(const Source& source, const FieldPath& path, const FieldPath& all, Paths& taken,
                   Errors& errors) {
  const std::string& name = source.local_object_reference().name();
  if (name.empty()) errors.Required(path.Child("name"));
  for (int i = 0; i < source.items_size(); ++i) {
    ValidateKeyToPath(source.items(i), path.Child("items", i), errors);
    ClaimPath(source.items(i).path(), name, all, taken, errors);
  }
}

void ValidateProjection(const core::VolumeProjection& source, const FieldPath& path,
                        const FieldPath& all, Paths& taken, Errors& errors) {
  int sources = 0;
  if (source.has_secret()) {
    ++sources;
    ValidateKeyed(source.secret(), path.Child("secret"), all, taken, errors);
  }
  if (source.has_config_map()) {
    ++sources;
    ValidateKeyed(source.config_map(), path.Child("configMap"), all, taken, errors);
  }
  if (source.has_downward_api()) {
    ++sources;
    const FieldPath at = path.Child("downwardAPI");
    for (const auto& file : source.downward_api().items()) {
      ValidateDownwardFile(file, at, errors);
      ClaimPath(file.path(), "downwardAPI", all, taken, errors);
    }
  }
  if (source.has_service_account_token()) {
    ++sources;
    ValidateToken(source.service_account_token(), path.Child("serviceAccountToken"), errors);
    ClaimPath(source.service_account_token().path(), "serviceAccountToken", all, taken, errors);
  }
  if (source.has_cluster_trust_bundle() || source.has_pod_certificate()) ++sources;
  if (sources == 0) {
    errors.Required(path, "must specify at least one projection source");
  } else if (sources > 1) {
    errors.Forbidden(path, "may not specify more than 1 volume type");
  }
}

void ValidateProjected(const core::ProjectedVolumeSource& source, const FieldPath& path,
                       Errors& errors) {
  ValidateMode(source.has_default_mode(), source.default_mode(), path.Child("defaultMode"),
               errors);
  Paths taken;
  for (int i = 0; i < source.sources_size(); ++i) {
    ValidateProjection(source.sources(i), path.Child("sources", i), path, taken, errors);
  }
}

void ValidateCsi(const core::CSIVolumeSource& source, const FieldPath& path, Errors& errors) {
  const FieldPath driver = path.Child("driver");
  if (source.driver().empty()) {
    errors.Required(driver);
  } else {
    if (source.driver().size() > 63) errors.TooLong(driver, 63);
    std::string lower = source.driver();
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    errors.Invalid(driver, source.driver(), IsDns1123Subdomain(lower));
  }
  if (source.has_node_publish_secret_ref() && source.node_publish_secret_ref().name().empty()) {
    const FieldPath secret = path.Child("nodePublishSecretRef");
    errors.Required(secret.Child("name"));
  }
}

void ValidateNfs(const core::NFSVolumeSource& source, const FieldPath& path, Errors& errors) {
  if (source.server().empty()) errors.Required(path.Child("server"));
  if (source.path().empty()) errors.Required(path.Child("path"));
  if (!source.path().starts_with('/')) {
    errors.Invalid(path.Child("path"), source.path(), "must be an absolute path");
  }
}

void ValidateEphemeral(const core::EphemeralVolumeSource& source, const FieldPath& path,
                       Errors& errors) {
  const FieldPath claim = path.Child("volumeClaimTemplate");
  if (!source.has_volume_claim_template()) return errors.Required(claim);
  const auto& spec = source.volume_claim_template().spec();
  const FieldPath spec_path = claim.Child("spec");
  if (spec.access_modes().empty()) {
    errors.Required(spec_path.Child("accessModes"), "at least 1 access mode is required");
  }
  if (!spec.resources().requests().contains("storage")) {
    const FieldPath resources = spec_path.Child("resources");
    errors.Required(resources.Key("storage"));
  }
}

// Checks the one source that is set; every further one is an error. Order is upstream's.
class VolumeSourceRules {
 public:
  VolumeSourceRules(const core::VolumeSource& source, const FieldPath& path, Errors& errors)
      : source_(source), path_(path), errors_(errors) {}

  void Validate() {
    if (source_.has_empty_dir()) {
      ++count_;
      const auto& limit = source_.empty_dir().size_limit();
      if (source_.empty_dir().has_size_limit() && ToQuantity(limit).Sign() < 0) {
        errors_.Forbidden(path_.Child("emptyDir.sizeLimit"),
                          "SizeLimit field must be a valid resource quantity");
      }
    }
    ValidateCommon();
    ValidateRemoved();
    if (count_ == 0) errors_.Required(path_, "must specify a volume type");
  }

 private:
  // True when the source is the first one seen.
  bool First(bool present, std::string_view name) {
    if (!present) return false;
    if (count_++ == 0) return true;
    errors_.Forbidden(path_.Child(name), "may not specify more than 1 volume type");
    return false;
  }

  void ValidateCommon() {
    if (First(source_.has_host_path(), "hostPath")) {
      ValidateHostPath(source_.host_path(), path_.Child("hostPath"), errors_);
    }
    if (First(source_.has_secret(), "secret")) {
      const FieldPath at = path_.Child("secret");
      const auto& secret = source_.secret();
      if (secret.secret_name().empty()) errors_.Required(at.Child("secretName"));
      ValidateMode(secret.has_default_mode(), secret.default_mode(), at.Child("defaultMode"),
                   errors_);
      ValidateItems(secret.items(), at, errors_);
    }
    if (First(source_.has_nfs(), "nfs")) ValidateNfs(source_.nfs(), path_.Child("nfs"), errors_);
    if (First(source_.has_persistent_volume_claim(), "persistentVolumeClaim") &&
        source_.persistent_volume_claim().claim_name().empty()) {
      errors_.Required(path_.Child("persistentVolumeClaim.claimName"));
    }
    if (First(source_.has_downward_api(), "downwarAPI")) {  // upstream's own spelling
      const FieldPath at = path_.Child("downwardAPI");
      const auto& downward = source_.downward_api();
      ValidateMode(downward.has_default_mode(), downward.default_mode(), at.Child("defaultMode"),
                   errors_);
      for (const auto& file : downward.items()) ValidateDownwardFile(file, at, errors_);
    }
    if (First(source_.has_config_map(), "configMap")) {
      const FieldPath at = path_.Child("configMap");
      const auto& map = source_.config_map();
      if (map.local_object_reference().name().empty()) errors_.Required(at.Child("name"));
      ValidateMode(map.has_default_mode(), map.default_mode(), at.Child("defaultMode"), errors_);
      ValidateItems(map.items(), at, errors_);
    }
    if (First(source_.has_projected(), "projected")) {
      ValidateProjected(source_.projected(), path_.Child("projected"), errors_);
    }
    if (First(source_.has_csi(), "csi")) ValidateCsi(source_.csi(), path_.Child("csi"), errors_);
    if (First(source_.has_ephemeral(), "ephemeral")) {
      ValidateEphemeral(source_.ephemeral(), path_.Child("ephemeral"), errors_);
    }
    if (First(source_.has_image(), "image")) ValidateImage();
  }

  void ValidateImage() {
    const FieldPath at = path_.Child("image");
    if (source_.image().reference().empty()) errors_.Required(at.Child("reference"));
    errors_.OneOf(at.Child("pullPolicy"), source_.image().pull_policy(),
                  {"Always", "IfNotPresent", "Never"});
  }

  void ValidateRemoved() {
    First(source_.has_git_repo(), "gitRepo");
    First(source_.has_gce_persistent_disk(), "gcePersistentDisk");
    First(source_.has_aws_elastic_block_store(), "awsElasticBlockStore");
    First(source_.has_iscsi(), "iscsi");
    First(source_.has_glusterfs(), "glusterfs");
    First(source_.has_flocker(), "flocker");
    First(source_.has_rbd(), "rbd");
    First(source_.has_cinder(), "cinder");
    First(source_.has_cephfs(), "cephFS");
    First(source_.has_quobyte(), "quobyte");
    First(source_.has_fc(), "fc");
    First(source_.has_flex_volume(), "flexVolume");
    First(source_.has_azure_file(), "azureFile");
    First(source_.has_vsphere_volume(), "vsphereVolume");
    First(source_.has_photon_persistent_disk(), "photonPersistentDisk");
    First(source_.has_portworx_volume(), "portworxVolume");
    First(source_.has_azure_disk(), "azureDisk");
    First(source_.has_storageos(), "storageos");
    First(source_.has_scale_io(), "scaleIO");
  }

  const core::VolumeSource& source_;
  const FieldPath& path_;
  Errors& errors_;
  int count_ = 0;
};

bool IsHugePagesPath(std::string_view resource) {
  return resource.starts_with("limits.hugepages-") || resource.starts_with("requests.hugepages-");
}

void ValidateDivisor(const core::ResourceFieldSelector& selector, const FieldPath& path,
                     Errors& errors) {
  const std::string divisor = ToQuantity(selector.divisor()).ToString();
  if (divisor == "0") return;
  const std::string& resource = selector.resource();
  const FieldPath at = path.Child("divisor");
  if (resource.ends_with(".cpu")) {
    if (divisor == "1" || divisor == "1m") return;
    return errors.Invalid(at, resource,
                          "only divisor's values 1m and 1 are supported with the cpu resource");
  }
  static constexpr std::string_view kSizes[] = {"1",  "1k",  "1M",  "1G",  "1T",  "1P", "1E",
                                                "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"};
  if (std::find(std::begin(kSizes), std::end(kSizes), divisor) != std::end(kSizes)) return;
  std::string_view what;
  if (resource.ends_with(".memory")) what = "memory resource";
  if (resource.ends_with(".ephemeral-storage")) what = "local ephemeral storage resource";
  if (IsHugePagesPath(resource)) what = "hugepages resource";
  if (what.empty()) return;
  errors.Invalid(at, resource,
                 fmt::format("only divisor's values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, "
                             "1Ti, 1Pi, 1Ei are supported with the {}",
                             what));
}

}  // namespace

bool HasBacksteps(std::string_view text) {
  while (true) {
    const size_t slash = text.find('/');
    if (text.substr(0, slash) == "..") return true;
    if (slash == std::string_view::npos) return false;
    text.remove_prefix(slash + 1);
  }
}

void ValidatePathNoBacksteps(std::string_view text, const FieldPath& path, Errors& errors) {
  if (HasBacksteps(text)) errors.Invalid(path, text, "must not contain '..'");
}

void ValidateLocalDescendingPath(std::string_view text, const FieldPath& path, Errors& errors) {
  if (text.starts_with('/')) errors.Invalid(path, text, "must be a relative path");
  ValidatePathNoBacksteps(text, path, errors);
}

void ValidateFieldRef(const core::ObjectFieldSelector& selector, bool in_volume,
                      const FieldPath& path, Errors& errors) {
  if (selector.api_version().empty()) return errors.Required(path.Child("apiVersion"));
  const std::string& field = selector.field_path();
  const FieldPath at = path.Child("fieldPath");
  if (field.empty()) return errors.Required(at);
  const size_t bracket = field.find("['");
  if (bracket != std::string::npos && field.ends_with("']")) {
    const std::string base = field.substr(0, bracket);
    std::string key = field.substr(bracket + 2, field.size() - bracket - 4);
    if (base == "metadata.annotations") {
      std::transform(key.begin(), key.end(), key.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      });
      errors.Invalid(path, key, IsQualifiedName(key));
    } else if (base == "metadata.labels") {
      errors.Invalid(path, key, IsQualifiedName(key));
    } else {
      errors.Invalid(at, field,
                     fmt::format("error converting fieldPath: field label does not support "
                                 "subscript: {}",
                                 field));
    }
    return;
  }
  static constexpr std::string_view kKnown[] = {
      "metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace",
      "metadata.uid", "spec.nodeName", "spec.restartPolicy", "spec.serviceAccountName",
      "spec.schedulerName", "status.phase", "status.hostIP", "status.hostIPs", "status.podIP",
      "status.podIPs", "spec.host"};
  if (std::find(std::begin(kKnown), std::end(kKnown), field) == std::end(kKnown)) {
    return errors.Invalid(
        at, field,
        fmt::format("error converting fieldPath: field label not supported: {}", field));
  }
  static const std::initializer_list<std::string_view> kInVolumes = {
      "metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace",
      "metadata.uid"};
  static const std::initializer_list<std::string_view> kInEnvironment = {
      "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName",
      "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP",
      "status.podIPs"};
  const auto& allowed = in_volume ? kInVolumes : kInEnvironment;
  const std::string_view name = field == "spec.host" ? std::string_view("spec.nodeName") : field;
  if (std::find(allowed.begin(), allowed.end(), name) == allowed.end()) {
    errors.NotSupported(at, name, allowed);
  }
}

void ValidateResourceFieldRef(const core::ResourceFieldSelector& selector, bool in_volume,
                              const FieldPath& path, Errors& errors) {
  static const std::initializer_list<std::string_view> kResources = {
      "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu",
      "requests.ephemeral-storage", "requests.memory"};
  const std::string& resource = selector.resource();
  if (in_volume && selector.container_name().empty()) {
    errors.Required(path.Child("containerName"));
  } else if (resource.empty()) {
    errors.Required(path.Child("resource"));
  } else if (!IsHugePagesPath(resource) &&
             std::find(kResources.begin(), kResources.end(), resource) == kResources.end()) {
    errors.NotSupported(path.Child("resource"), resource, kResources);
  }
  ValidateDivisor(selector, path, errors);
}

VolumesByName ValidateVolumes(const google::protobuf::RepeatedPtrField<core::Volume>& volumes,
                              std::string_view pod_name, const FieldPath& path, Errors& errors) {
  VolumesByName by_name;
  for (int i = 0; i < volumes.size(); ++i) {
    const core::Volume& volume = volumes[i];
    const FieldPath at = path.Index(i);
    const size_t before = errors.size();
    VolumeSourceRules(volume.volume_source(), at, errors).Validate();
    if (volume.volume_source().has_ephemeral() && !pod_name.empty() && !volume.name().empty()) {
      const std::string claim = fmt::format("{}-{}", pod_name, volume.name());
      for (const std::string& text : IsDns1123Subdomain(claim)) {
        errors.Invalid(at.Child("name"), volume.name(),
                       std::string_view(fmt::format("PVC name {}: {}", GoQuoted(claim), text)));
      }
    }
    const FieldPath name_path = at.Child("name");
    if (volume.name().empty()) {
      errors.Required(name_path);
    } else {
      errors.Invalid(name_path, volume.name(), IsDns1123Label(volume.name()));
    }
    if (by_name.contains(volume.name())) errors.Duplicate(name_path, volume.name());
    if (errors.size() == before) by_name.emplace(volume.name(), &volume);
  }
  return by_name;
}

}  // namespace berth::api::validation
