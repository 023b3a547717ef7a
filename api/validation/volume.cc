#include "api/validation/volume.h"

#include <algorithm>
#include <set>

#include <fmt/core.h>

#include "api/quantity.h"
#include "api/schema/core_v1_volume.pb.h"
#include "api/validation/resources.h"
#include "api/validation/volume_sources.h"

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

// Two sources must not write one file. `shown`: what the complaint shows.
void ClaimPath(std::string_view file, std::string_view shown, const FieldPath& path, Paths& taken,
               Errors& errors) {
  if (file.empty() || taken.insert(file).second) return;
  errors.Invalid(path, shown, "conflicting duplicate paths");
}

// `all`: the volume, which upstream blames for the path of a token.
void ValidateToken(const core::ServiceAccountTokenProjection& token, const FieldPath& path,
                   const FieldPath& all, Errors& errors) {
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
    errors.Required(all.Child("path"));
  } else {
    ValidateLocalNonReservedPath(token.path(), all.Child("path"), errors);
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
      ClaimPath(file.path(), file.path(), all, taken, errors);
    }
  }
  if (source.has_service_account_token()) {
    ++sources;
    ValidateToken(source.service_account_token(), path.Child("serviceAccountToken"), all, errors);
  }
  if (source.has_cluster_trust_bundle()) ++sources;
  if (source.has_pod_certificate()) ++sources;
  if (sources > 1) {
    errors.Forbidden(path, "may not specify more than 1 volume type per source");
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
  ValidateCsiDriverName(source.driver(), path.Child("driver"), errors);
  if (!source.has_node_publish_secret_ref()) return;
  const std::string& secret = source.node_publish_secret_ref().name();
  if (secret.empty()) {
    errors.Required(path.Child("nodePublishSecretRef.name"));
  } else {
    errors.Invalid(path.Child("name"), secret, IsDns1123Subdomain(secret));
  }
}

void ValidateEmptyDir(const core::EmptyDirVolumeSource& source, const FieldPath& path,
                      Errors& errors) {
  if (!source.has_size_limit() || ToQuantity(source.size_limit()).Sign() >= 0) return;
  errors.Forbidden(path.Child("sizeLimit"), "SizeLimit field must be a valid resource quantity");
}

void ValidateSecretSource(const core::SecretVolumeSource& source, const FieldPath& path,
                          Errors& errors) {
  if (source.secret_name().empty()) errors.Required(path.Child("secretName"));
  ValidateMode(source.has_default_mode(), source.default_mode(), path.Child("defaultMode"),
               errors);
  ValidateItems(source.items(), path, errors);
}

void ValidateConfigMapSource(const core::ConfigMapVolumeSource& source, const FieldPath& path,
                             Errors& errors) {
  if (source.local_object_reference().name().empty()) errors.Required(path.Child("name"));
  ValidateMode(source.has_default_mode(), source.default_mode(), path.Child("defaultMode"),
               errors);
  ValidateItems(source.items(), path, errors);
}

void ValidateDownwardSource(const core::DownwardAPIVolumeSource& source, const FieldPath& path,
                            Errors& errors) {
  ValidateMode(source.has_default_mode(), source.default_mode(), path.Child("defaultMode"),
               errors);
  for (const auto& file : source.items()) ValidateDownwardFile(file, path, errors);
}

void ValidateClaimSource(const core::PersistentVolumeClaimVolumeSource& source,
                         const FieldPath& path, Errors& errors) {
  if (source.claim_name().empty()) errors.Required(path.Child("claimName"));
}

// A template may leave the image to whoever makes pods of it.
void ValidateImageSource(const core::ImageVolumeSource& source, bool is_pod, const FieldPath& path,
                         Errors& errors) {
  if (is_pod && source.reference().empty()) errors.Required(path.Child("reference"));
  errors.OneOf(path.Child("pullPolicy"), source.pull_policy(),
               {"Always", "IfNotPresent", "Never"});
}

// Checks the one source that is set; every further one is an error. Order is upstream's.
class VolumeSourceRules {
 public:
  // pod_name: empty for templates.
  VolumeSourceRules(const core::Volume& volume, std::string_view pod_name, const FieldPath& path,
                    Errors& errors)
      : source_(volume.volume_source()), name_(volume.name()), pod_name_(pod_name), path_(path),
        errors_(errors) {}

  void Validate() {
    ValidateLocal();
    ValidateNetwork();
    ValidateCloud();
    ValidateGenerated();
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

  template <typename Source, typename Rule>
  void Check(bool present, const Source& source, std::string_view name, Rule rule) {
    if (First(present, name)) rule(source, path_.Child(name), errors_);
  }

  template <typename Source>
  void BackEnd(bool present, const Source& source, std::string_view name,
               std::string_view field = {}) {
    if (!First(present, name)) return;
    ValidateBackEnd(source, path_.Child(field.empty() ? name : field), errors_);
  }

  void ValidateLocal() {
    const core::VolumeSource& s = source_;
    Check(s.has_empty_dir(), s.empty_dir(), "emptyDir", ValidateEmptyDir);
    BackEnd(s.has_host_path(), s.host_path(), "hostPath");
    BackEnd(s.has_git_repo(), s.git_repo(), "gitRepo");
    BackEnd(s.has_gce_persistent_disk(), s.gce_persistent_disk(), "gcePersistentDisk",
            "persistentDisk");
    BackEnd(s.has_aws_elastic_block_store(), s.aws_elastic_block_store(), "awsElasticBlockStore");
    Check(s.has_secret(), s.secret(), "secret", ValidateSecretSource);
  }

  void ValidateNetwork() {
    const core::VolumeSource& s = source_;
    BackEnd(s.has_nfs(), s.nfs(), "nfs");
    BackEnd(s.has_iscsi(), s.iscsi(), "iscsi");
    if (s.iscsi().has_initiator_name() &&
        name_.size() + 1 + s.iscsi().target_portal().size() > 64) {
      errors_.Invalid(path_.Child("name"), name_,
                      "Total length of <volume name>:<iscsi.targetPortal> must be under 64 "
                      "characters if iscsi.initiatorName is specified.");
    }
    BackEnd(s.has_glusterfs(), s.glusterfs(), "glusterfs");
    BackEnd(s.has_flocker(), s.flocker(), "flocker");
    Check(s.has_persistent_volume_claim(), s.persistent_volume_claim(), "persistentVolumeClaim",
          ValidateClaimSource);
    BackEnd(s.has_rbd(), s.rbd(), "rbd");
    BackEnd(s.has_cinder(), s.cinder(), "cinder");
    BackEnd(s.has_cephfs(), s.cephfs(), "cephFS", "cephfs");
    BackEnd(s.has_quobyte(), s.quobyte(), "quobyte");
    if (First(s.has_downward_api(), "downwarAPI")) {  // upstream's own spelling
      ValidateDownwardSource(s.downward_api(), path_.Child("downwardAPI"), errors_);
    }
    BackEnd(s.has_fc(), s.fc(), "fc");
    BackEnd(s.has_flex_volume(), s.flex_volume(), "flexVolume");
    Check(s.has_config_map(), s.config_map(), "configMap", ValidateConfigMapSource);
  }

  void ValidateCloud() {
    const core::VolumeSource& s = source_;
    BackEnd(s.has_azure_file(), s.azure_file(), "azureFile");
    BackEnd(s.has_vsphere_volume(), s.vsphere_volume(), "vsphereVolume");
    BackEnd(s.has_photon_persistent_disk(), s.photon_persistent_disk(), "photonPersistentDisk");
    BackEnd(s.has_portworx_volume(), s.portworx_volume(), "portworxVolume");
    BackEnd(s.has_azure_disk(), s.azure_disk(), "azureDisk");
    BackEnd(s.has_storageos(), s.storageos(), "storageos");
  }

  void ValidateGenerated() {
    const core::VolumeSource& s = source_;
    Check(s.has_projected(), s.projected(), "projected", ValidateProjected);
    BackEnd(s.has_scale_io(), s.scale_io(), "scaleIO");
    Check(s.has_csi(), s.csi(), "csi", ValidateCsi);
    if (First(s.has_ephemeral(), "ephemeral")) {
      ValidateEphemeralSource(s.ephemeral(), path_.Child("ephemeral"), errors_);
      ValidateClaimName();
    }
    if (First(s.has_image(), "image")) {
      ValidateImageSource(s.image(), !pod_name_.empty(), path_.Child("image"), errors_);
    }
  }

  // The claim is named after the pod and the volume.
  void ValidateClaimName() {
    if (pod_name_.empty() || name_.empty()) return;
    const std::string claim = fmt::format("{}-{}", pod_name_, name_);
    for (const std::string& text : IsDns1123Subdomain(claim)) {
      errors_.Invalid(path_.Child("name"), name_,
                      std::string_view(fmt::format("PVC name {}: {}", GoQuoted(claim), text)));
    }
  }

  const core::VolumeSource& source_;
  std::string_view name_, pod_name_;
  const FieldPath& path_;
  Errors& errors_;
  int count_ = 0;
};

// The names of the claims that the pod will make.
NameSet CreatedClaims(const List<core::Volume>& volumes, std::string_view pod_name) {
  NameSet names;
  for (const core::Volume& volume : volumes) {
    if (pod_name.empty() || !volume.volume_source().has_ephemeral()) continue;
    names.insert(fmt::format("{}-{}", pod_name, volume.name()));
  }
  return names;
}

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
  const NameSet created = CreatedClaims(volumes, pod_name);
  for (int i = 0; i < volumes.size(); ++i) {
    const core::Volume& volume = volumes[i];
    const FieldPath at = path.Index(i);
    const size_t before = errors.size();
    VolumeSourceRules(volume, pod_name, at, errors).Validate();
    const FieldPath name_path = at.Child("name");
    if (volume.name().empty()) {
      errors.Required(name_path);
    } else {
      errors.Invalid(name_path, volume.name(), IsDns1123Label(volume.name()));
    }
    if (by_name.contains(volume.name())) errors.Duplicate(name_path, volume.name());
    if (errors.size() == before) by_name.emplace(volume.name(), &volume);
    const std::string& claim = volume.volume_source().persistent_volume_claim().claim_name();
    if (created.contains(claim)) {
      errors.Invalid(at.Child("persistentVolumeClaim.claimName"), claim,
                     "must not reference a PVC that gets created for an ephemeral volume");
    }
  }
  return by_name;
}

}  // namespace berth::api::validation
