// What a claim asks for: of the claim itself, and of the one that an ephemeral volume makes when
// its pod is made.
#include <algorithm>

#include "api/quantity.h"
#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/core_v1_volume.pb.h"
#include "api/schema/meta_v1.pb.h"
#include "api/validation/metadata.h"
#include "api/validation/persistent_volume.h"
#include "api/validation/resources.h"
#include "api/validation/volume_sources.h"

namespace berth::api::validation {
namespace {

void ValidateStorageRequest(const core::PersistentVolumeClaimSpec& spec, const FieldPath& path,
                            Errors& errors) {
  const FieldPath at = path.Key("storage");
  const auto request = spec.resources().requests().find("storage");
  if (request == spec.resources().requests().end()) return errors.Required(at);
  if (ToQuantity(request->second).Sign() <= 0) {
    return errors.Invalid(at, request->second.string(), kNotPositiveText);
  }
  ValidateResourceAmount("storage", request->second, at, errors);
}

// TypedLocalObjectReference or TypedObjectReference.
template <typename Reference>
void ValidateDataSource(const Reference& source, const FieldPath& path, Errors& errors) {
  if (source.name().empty()) errors.Required(path.Child("name"));
  if (source.kind().empty()) errors.Required(path.Child("kind"));
  const std::string& group = source.api_group();
  if (group.empty() && source.kind() != "PersistentVolumeClaim") {
    errors.Invalid(path, source.kind(),
                   "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
  }
  if (!group.empty()) errors.Invalid(path.Child("apiGroup"), group, IsDns1123Subdomain(group));
}

void ValidateDataSources(const core::PersistentVolumeClaimSpec& spec, const FieldPath& path,
                         Errors& errors) {
  const auto& source = spec.data_source();
  const auto& reference = spec.data_source_ref();
  const std::string& space = reference.namespace_();
  if (spec.has_data_source()) ValidateDataSource(source, path.Child("dataSource"), errors);
  if (spec.has_data_source_ref()) {
    const FieldPath at = path.Child("dataSourceRef");
    ValidateDataSource(reference, at, errors);
    if (!space.empty()) errors.Invalid(at.Child("namespace"), space, IsDns1123Label(space));
  }
  if (!spec.has_data_source() || !spec.has_data_source_ref()) return;
  if (!space.empty()) {
    errors.InvalidShown(path, "{}", "may not be specified when dataSourceRef.namespace is "
                                    "specified");
  } else if (source.has_api_group() != reference.has_api_group() ||
             source.api_group() != reference.api_group() ||
             source.kind() != reference.kind() || source.name() != reference.name()) {
    errors.InvalidShown(path, "{}", "must match dataSourceRef");
  }
}

void ValidateClassName(const std::string& name, const FieldPath& path, Errors& errors) {
  if (!name.empty()) errors.Invalid(path, name, IsDns1123Subdomain(name));
}

}  // namespace

void ValidateAccessModes(const google::protobuf::RepeatedPtrField<std::string>& modes,
                         const FieldPath& path, Errors& errors) {
  static constexpr std::string_view kShared[] = {"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce"};
  bool alone = false, shared = false;
  for (const std::string& mode : modes) {
    if (mode == "ReadWriteOncePod") {
      alone = true;
    } else if (std::find(std::begin(kShared), std::end(kShared), mode) != std::end(kShared)) {
      shared = true;
    } else {
      errors.NotSupported(path, mode, {"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce",
                                       "ReadWriteOncePod"});
    }
  }
  if (alone && shared) {
    errors.Forbidden(path, "may not use ReadWriteOncePod with other access modes");
  }
}

void ValidateClaimSpec(const core::PersistentVolumeClaimSpec& spec, const FieldPath& path,
                       Errors& errors) {
  const FieldPath modes = path.Child("accessModes");
  if (spec.access_modes().empty()) {
    errors.Required(modes, "at least 1 access mode is required");
  }
  if (spec.has_selector()) ValidateLabelSelector(spec.selector(), path.Child("selector"), errors);
  ValidateAccessModes(spec.access_modes(), modes, errors);
  ValidateStorageRequest(spec, path.Child("resources"), errors);
  ValidateClassName(spec.storage_class_name(), path.Child("storageClassName"), errors);
  const std::string& mode = spec.volume_mode();
  if (spec.has_volume_mode() && mode != "Block" && mode != "Filesystem") {
    errors.NotSupported(path.Child("volumeMode"), mode, {"Block", "Filesystem"});
  }
  ValidateDataSources(spec, path, errors);
  ValidateClassName(spec.volume_attributes_class_name(), path.Child("volumeAttributesClassName"),
                    errors);
}

void ValidateEphemeralSource(const core::EphemeralVolumeSource& source, const FieldPath& path,
                             Errors& errors) {
  const FieldPath claim = path.Child("volumeClaimTemplate");
  if (!source.has_volume_claim_template()) return errors.Required(claim);
  const auto& claim_template = source.volume_claim_template();
  ValidateTemplateObjectMeta(claim_template.metadata(), claim.Child("metadata"), errors);
  ValidateClaimSpec(claim_template.spec(), claim.Child("spec"), errors);
}

}  // namespace berth::api::validation
