#include "api/validation/small_kinds.h"

#include <algorithm>

#include <fmt/core.h>

#include "api/schema/coordination_v1.pb.h"
#include "api/schema/core_v1_config.pb.h"
#include "api/schema/core_v1_namespace.pb.h"
#include "api/schema/scheduling_v1.pb.h"
#include "api/validation/metadata.h"
#include "api/validation/sorted_keys.h"

namespace berth::api::validation {
namespace {

constexpr int64_t kConfigMapBytesMax = 1 << 20;
constexpr int32_t kUserPriorityMax = 1'000'000'000;

// Upstream's text when `name` is not a system class with that value; empty when it is.
std::string WhyNotSystemClass(const scheduling_v1::PriorityClass& object) {
  const std::string& name = object.metadata().name();
  int32_t value = 0;
  if (name == "system-node-critical") value = 2'000'001'000;
  if (name == "system-cluster-critical") value = 2'000'000'000;
  if (value == 0) return fmt::format("{} is not a known system priority class", name);
  if (object.value() != value) {
    return fmt::format("value of {} PriorityClass must be {}", name, value);
  }
  if (object.global_default()) {
    return fmt::format("globalDefault of {} PriorityClass must be false", name);
  }
  return {};
}

void ValidateLeaseSpec(const coordination::LeaseSpec& spec, Errors& errors) {
  const FieldPath path("spec");
  if (spec.has_lease_duration_seconds() && spec.lease_duration_seconds() <= 0) {
    errors.InvalidInt(path.Child("leaseDurationSeconds"), spec.lease_duration_seconds(),
                      "must be greater than 0");
  }
  if (spec.has_lease_transitions() && spec.lease_transitions() < 0) {
    errors.InvalidInt(path.Child("leaseTransitions"), spec.lease_transitions(), kNegativeText);
  }
}

template <typename Map>
bool SameEntries(const Map& a, const Map& b) {
  return a.size() == b.size() && std::all_of(a.begin(), a.end(), [&](const auto& entry) {
           const auto it = b.find(entry.first);
           return it != b.end() && it->second == entry.second;
         });
}

}  // namespace

void ValidateNamespace(const core::Namespace& object, Errors& errors) {
  ValidateCoreObjectMeta(object.metadata(), false, IsDns1123Label, FieldPath("metadata"), errors);
  const FieldPath path("spec.finalizers");
  for (const std::string& name : object.spec().finalizers()) {
    ValidateFinalizerName(name, path, errors);
    ValidateKubeFinalizerName(name, path, errors);
  }
}

void ValidateNamespaceUpdate(const core::Namespace& object, const core::Namespace& old,
                             Errors& errors) {
  ValidateNamespace(object, errors);
  ValidateCoreObjectMetaUpdate(object.metadata(), old.metadata(), FieldPath("metadata"), errors);
}

void ValidateNamespaceStatusUpdate(const core::Namespace& object, const core::Namespace& old,
                                   Errors& errors) {
  ValidateCoreObjectMetaUpdate(object.metadata(), old.metadata(), FieldPath("metadata"), errors);
  const FieldPath path("status.Phase");
  const std::string& phase = object.status().phase();
  if (!object.metadata().has_deletion_timestamp()) {
    if (phase != "Active") {
      errors.Invalid(path, phase, "may only be 'Active' if `deletionTimestamp` is empty");
    }
  } else if (phase != "Terminating") {
    errors.Invalid(path, phase, "may only be 'Terminating' if `deletionTimestamp` is not empty");
  }
}

void ValidateNamespaceFinalize(const core::Namespace& object, const core::Namespace& old,
                               Errors& errors) {
  ValidateCoreObjectMetaUpdate(object.metadata(), old.metadata(), FieldPath("metadata"), errors);
  const FieldPath path("spec.finalizers");
  for (int i = 0; i < object.spec().finalizers_size(); ++i) {
    ValidateFinalizerName(object.spec().finalizers(i), path.Index(i), errors);
    ValidateKubeFinalizerName(object.spec().finalizers(i), path.Index(i), errors);
  }
}

void ValidateConfigMap(const core::ConfigMap& object, Errors& errors) {
  ValidateCoreObjectMeta(object.metadata(), true, IsDns1123Subdomain, FieldPath("metadata"),
                         errors);
  int64_t bytes = 0;
  const FieldPath data("data"), binary("binaryData");
  for (const std::string_view key : SortedKeys(object.data())) {
    const std::string name(key);
    errors.Invalid(data.Key(key), key, IsConfigMapKey(key));
    if (object.binary_data().contains(name)) {
      errors.Invalid(data.Key(key), key, "duplicate of key present in binaryData");
    }
    bytes += static_cast<int64_t>(object.data().at(name).size());
  }
  for (const std::string_view key : SortedKeys(object.binary_data())) {
    errors.Invalid(binary.Key(key), key, IsConfigMapKey(key));
    bytes += static_cast<int64_t>(object.binary_data().at(std::string(key)).size());
  }
  if (bytes > kConfigMapBytesMax) errors.TooLong(FieldPath(""), kConfigMapBytesMax);
}

void ValidateConfigMapUpdate(const core::ConfigMap& object, const core::ConfigMap& old,
                             Errors& errors) {
  ValidateCoreObjectMetaUpdate(object.metadata(), old.metadata(), FieldPath("metadata"), errors);
  if (old.immutable()) {
    constexpr std::string_view kText = "field is immutable when `immutable` is set";
    if (!object.immutable()) errors.Forbidden(FieldPath("immutable"), kText);
    if (!SameEntries(object.data(), old.data())) errors.Forbidden(FieldPath("data"), kText);
    if (!SameEntries(object.binary_data(), old.binary_data())) {
      errors.Forbidden(FieldPath("binaryData"), kText);
    }
  }
  ValidateConfigMap(object, errors);
}

void ValidateLease(const coordination::Lease& object, Errors& errors) {
  ValidateObjectMeta(object.metadata(), true, IsDns1123Subdomain, FieldPath("metadata"), errors);
  ValidateLeaseSpec(object.spec(), errors);
}

void ValidateLeaseUpdate(const coordination::Lease& object, const coordination::Lease& old,
                         Errors& errors) {
  ValidateObjectMetaUpdate(object.metadata(), old.metadata(), FieldPath("metadata"), errors);
  ValidateLeaseSpec(object.spec(), errors);
}

void ValidatePriorityClass(const scheduling_v1::PriorityClass& object, Errors& errors) {
  ValidateCoreObjectMeta(object.metadata(), false, IsDns1123Subdomain, FieldPath("metadata"),
                         errors);
  if (object.metadata().name().starts_with("system-")) {
    const std::string why = WhyNotSystemClass(object);
    if (!why.empty()) {
      errors.Forbidden(FieldPath("metadata.name"),
                       fmt::format("priority class names with 'system-' prefix are reserved for "
                                   "system use only. error: {}",
                                   why));
    }
  } else if (object.value() > kUserPriorityMax) {
    errors.Forbidden(FieldPath("value"),
                     fmt::format("maximum allowed value of a user defined priority is {}",
                                 kUserPriorityMax));
  }
  if (object.has_preemption_policy()) {
    errors.OneOf(FieldPath("preemptionPolicy"), object.preemption_policy(),
                 {"PreemptLowerPriority", "Never"});
  }
}

void ValidatePriorityClassUpdate(const scheduling_v1::PriorityClass& object,
                                 const scheduling_v1::PriorityClass& old, Errors& errors) {
  ValidateCoreObjectMetaUpdate(object.metadata(), old.metadata(), FieldPath("metadata"), errors);
  if (object.value() != old.value()) {
    errors.Forbidden(FieldPath("value"), "may not be changed in an update.");
  }
  if (object.preemption_policy() != old.preemption_policy()) {
    errors.Invalid(FieldPath("preemptionPolicy"), object.preemption_policy(), kImmutableText);
  }
}

}  // namespace berth::api::validation
