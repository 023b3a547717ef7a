#include <algorithm>
#include <iterator>
#include <vector>

#include <fmt/core.h>

#include "api/equality.h"
#include "api/quantity.h"
#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/storage_class.h"
#include "api/validation/metadata.h"
#include "api/validation/persistent_volume.h"
#include "api/validation/resources.h"
#include "api/validation/sorted_keys.h"

namespace berth::api::validation {
namespace {

using core::PersistentVolumeClaim;
using core::PersistentVolumeClaimSpec;

constexpr char kStorage[] = "storage";

const std::string* FindClassAnnotation(const PersistentVolumeClaim& claim) {
  const auto it = claim.metadata().annotations().find(kStorageClassAnnotation);
  return it == claim.metadata().annotations().end() ? nullptr : &it->second;
}

Quantity StorageOf(const ResourceMap& amounts) {
  const auto it = amounts.find(kStorage);
  return it == amounts.end() ? Quantity() : ToQuantity(it->second);
}

// The class moves from the old annotation to its field.
bool ClassLeavesAnnotation(const PersistentVolumeClaim& claim, const PersistentVolumeClaim& old) {
  const std::string* before = FindClassAnnotation(old);
  const std::string* after = FindClassAnnotation(claim);
  return before != nullptr && !old.spec().has_storage_class_name() &&
         claim.spec().has_storage_class_name() && claim.spec().storage_class_name() == *before &&
         (after == nullptr || *after == *before);
}

// A claim that was made before there was a default class gets one.
bool ClassIsNew(const PersistentVolumeClaim& claim, const PersistentVolumeClaim& old) {
  const std::string* before = FindClassAnnotation(old);
  return claim.spec().has_storage_class_name() && !old.spec().has_storage_class_name() &&
         (before == nullptr || claim.spec().storage_class_name() == *before);
}

// The new spec with what may change taken from the old.
PersistentVolumeClaimSpec Comparable(const PersistentVolumeClaim& claim,
                                     const PersistentVolumeClaim& old) {
  PersistentVolumeClaimSpec spec = claim.spec();
  const PersistentVolumeClaimSpec& before = old.spec();
  if (before.volume_name().empty()) spec.clear_volume_name();
  if (ClassLeavesAnnotation(claim, old) || ClassIsNew(claim, old)) {
    spec.clear_storage_class_name();
  }
  if (claim.status().phase() == "Bound" && !spec.resources().requests().empty()) {
    auto& requests = *spec.mutable_resources()->mutable_requests();
    const auto it = before.resources().requests().find(kStorage);
    if (it != before.resources().requests().end()) requests[kStorage] = it->second;
  }
  if (claim.status().phase() != "Bound") return spec;
  spec.clear_volume_attributes_class_name();
  if (before.has_volume_attributes_class_name()) {
    spec.set_volume_attributes_class_name(before.volume_attributes_class_name());
  }
  return spec;
}

void ValidateSizeUpdate(const PersistentVolumeClaim& claim, const PersistentVolumeClaim& old,
                        Errors& errors) {
  const Quantity wanted = StorageOf(claim.spec().resources().requests());
  if (wanted.Cmp(StorageOf(old.spec().resources().requests())) >= 0) return;
  // Back from an expansion that failed, but not below what there is.
  if (wanted.Cmp(StorageOf(old.status().capacity())) > 0) return;
  errors.Forbidden(FieldPath("spec.resources.requests.storage"),
                   "field can not be less than status.capacity");
}

// A class that was applied once may be followed by others only.
void ValidateAttributesClassUpdate(const PersistentVolumeClaimSpec& spec,
                                   const PersistentVolumeClaim& old, Errors& errors) {
  if (!old.status().has_current_volume_attributes_class_name()) return;
  const FieldPath path("spec.volumeAttributesClassName");
  const bool had = old.spec().has_volume_attributes_class_name();
  if (!spec.has_volume_attributes_class_name()) {
    if (!had) return;
    errors.Forbidden(path, "update to nil is forbidden when "
                           "status.currentVolumeAttributesClassName is not nil");
  } else if (spec.volume_attributes_class_name().empty()) {
    if (had && old.spec().volume_attributes_class_name().empty()) return;
    errors.Forbidden(path, "update to empty string is forbidden when "
                           "status.currentVolumeAttributesClassName is not nil");
  }
}

// Of native names, storage only.
bool ValidateResourceKey(const std::string& name, const FieldPath& path, Errors& errors) {
  const Complaints complaints = IsQualifiedName(name);
  errors.Invalid(path, name, complaints);
  if (!complaints.empty()) return false;
  const bool native =
      name.find('/') == std::string::npos || name.find("kubernetes.io/") != std::string::npos;
  if (!native || name == kStorage) return true;
  errors.NotSupported(path, name, {kStorage});
  return false;
}

void ValidateNotBelowZero(const Quantity& amount, const FieldPath& path, Errors& errors) {
  if (amount.Value() >= 0) return;
  errors.InvalidInt(path, amount.Value(), "must be a valid resource quantity");
}

void ValidateResizing(const core::PersistentVolumeClaimStatus& status, Errors& errors) {
  static const std::initializer_list<std::string_view> kStates = {
      "ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress",
      "NodeResizeInfeasible", "NodeResizePending"};
  const FieldPath states("status.allocatedResourceStatuses");
  for (const std::string_view key : SortedKeys(status.allocated_resource_statuses())) {
    const std::string name(key);
    ValidateResourceKey(name, states, errors);
    const std::string& state = status.allocated_resource_statuses().at(name);
    if (std::find(kStates.begin(), kStates.end(), state) != kStates.end()) continue;
    errors.NotSupported(states, name, kStates);
  }
  const FieldPath allocated("status.allocatedResources");
  for (const std::string_view key : SortedKeys(status.allocated_resources())) {
    const std::string name(key);
    if (!ValidateResourceKey(name, allocated, errors)) continue;
    ValidateNotBelowZero(ToQuantity(status.allocated_resources().at(name)), allocated.Key(name),
                         errors);
  }
}

}  // namespace

void ValidatePersistentVolumeClaim(const PersistentVolumeClaim& claim, Errors& errors) {
  ValidateCoreObjectMeta(claim.metadata(), true, IsDns1123Subdomain, FieldPath("metadata"),
                         errors);
  ValidateClaimSpec(claim.spec(), FieldPath("spec"), errors);
}

void ValidatePersistentVolumeClaimUpdate(const PersistentVolumeClaim& claim,
                                         const PersistentVolumeClaim& old, Errors& errors) {
  const FieldPath metadata("metadata");
  ValidateCoreObjectMetaUpdate(claim.metadata(), old.metadata(), metadata, errors);
  ValidatePersistentVolumeClaim(claim, errors);
  if (!ClassLeavesAnnotation(claim, old)) {
    const std::string* before = FindClassAnnotation(old);
    const std::string* after = FindClassAnnotation(claim);
    const std::string was = before == nullptr ? "" : *before, is = after == nullptr ? "" : *after;
    const FieldPath annotations = metadata.Child("annotations");
    if (was != is) errors.Invalid(annotations.Child(kStorageClassAnnotation), is, kImmutableText);
  }
  const PersistentVolumeClaimSpec comparable = Comparable(claim, old);
  if (!SemanticEqual(comparable, old.spec())) {
    errors.Forbidden(FieldPath("spec"),
                     fmt::format("spec is immutable after creation except resources.requests and "
                                 "volumeAttributesClassName for bound claims\n{}",
                                 DescribeDifference(old.spec(), comparable)));
  }
  ValidateSizeUpdate(claim, old, errors);
  if (claim.spec().has_volume_mode() != old.spec().has_volume_mode() ||
      claim.spec().volume_mode() != old.spec().volume_mode()) {
    errors.Invalid(FieldPath("volumeMode"), claim.spec().volume_mode(), kImmutableText);
  }
  ValidateAttributesClassUpdate(claim.spec(), old, errors);
}

void ValidatePersistentVolumeClaimStatusUpdate(const PersistentVolumeClaim& claim,
                                               const PersistentVolumeClaim& old,
                                               Errors& errors) {
  ValidateCoreObjectMetaUpdate(claim.metadata(), old.metadata(), FieldPath("metadata"), errors);
  if (claim.spec().access_modes().empty()) errors.Required(FieldPath("Spec.accessModes"));
  const FieldPath capacity("status.capacity");
  for (const std::string_view key : SortedKeys(claim.status().capacity())) {
    const std::string name(key);
    ValidateNotBelowZero(ToQuantity(claim.status().capacity().at(name)), capacity.Key(name),
                         errors);
  }
  ValidateResizing(claim.status(), errors);
}

}  // namespace berth::api::validation
