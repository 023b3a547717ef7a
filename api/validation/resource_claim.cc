#include "api/validation/resource_claim.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <tuple>

#include <fmt/core.h>

#include "api/equality.h"
#include "api/schema/resource_v1.pb.h"
#include "api/schema/resource_v1alpha3.pb.h"
#include "api/scheduling/resources.h"
#include "api/validation/conditions.h"
#include "api/validation/devices.h"
#include "api/validation/ip.h"
#include "api/validation/metadata.h"
#include "api/validation/scheduling.h"
#include "api/validation/volume_sources.h"

namespace berth::api::validation {
namespace {

constexpr int64_t kRequestsMax = 32;
constexpr int64_t kConstraintsMax = 32;
constexpr int64_t kConfigurationsMax = 32;
constexpr int64_t kAlternativesMax = 8;
constexpr int64_t kResultsMax = 32;
constexpr int64_t kReservationsMax = 256;
constexpr int64_t kDeviceConditionsMax = 8;
constexpr int64_t kDeviceDataBytesMax = 10 << 10;
constexpr int64_t kInterfaceBytesMax = 256;
constexpr int64_t kHardwareAddressBytesMax = 128;
constexpr int64_t kInterfaceAddressesMax = 16;

// What constraints, configurations and results may refer to: "request" and "request/alternative".
using RequestNames = std::map<std::string, std::set<std::string>, std::less<>>;

RequestNames NamesOf(const dra::DeviceClaim& claim) {
  RequestNames names;
  for (const dra::DeviceRequest& request : claim.requests()) {
    auto& alternatives = names[request.name()];
    for (const dra::DeviceSubRequest& each : request.first_available()) {
      alternatives.insert(each.name());
    }
  }
  return names;
}

bool Has(const RequestNames& names, std::string_view reference) {
  const size_t slash = reference.find('/');
  const auto it = names.find(reference.substr(0, slash));
  if (it == names.end()) return false;
  return slash == std::string_view::npos ||
         it->second.contains(std::string(reference.substr(slash + 1)));
}

void ValidateRequestReference(std::string_view reference, const RequestNames& names,
                       const FieldPath& path, Errors& errors) {
  constexpr std::string_view kText =
      "must be the name of a request in the claim or the name of a request and a subrequest "
      "separated by '/'";
  if (std::count(reference.begin(), reference.end(), '/') > 1) {
    return errors.Invalid(path, reference, kText);
  }
  const size_t slash = reference.find('/');
  const std::string_view request = reference.substr(0, slash);
  errors.Invalid(path, request, IsDns1123Label(request));
  if (slash != std::string_view::npos) {
    errors.Invalid(path, reference.substr(slash + 1), IsDns1123Label(reference.substr(slash + 1)));
  }
  if (!Has(names, reference)) errors.Invalid(path, reference, kText);
}

template <typename References>
void ValidateReferences(const References& references, const RequestNames& names,
                        const FieldPath& path, Errors& errors) {
  if (!ValidateCount(references.size(), kRequestsMax, path, errors)) return;
  UniqueNames unique;
  for (int i = 0; i < references.size(); ++i) {
    ValidateRequestReference(references[i], names, path.Index(i), errors);
    unique.Add(references[i], path.Index(i), errors);
  }
}

// ExactDeviceRequest or DeviceSubRequest.
template <typename Request>
void ValidateRequestBody(const Request& request, const FieldPath& path, Errors& errors) {
  const std::string& class_name = request.device_class_name();
  if (class_name.empty()) {
    errors.Required(path.Child("deviceClassName"));
  } else {
    errors.Invalid(path.Child("deviceClassName"), class_name, IsDns1123Subdomain(class_name));
  }
  ValidateSelectors(request.selectors(), path.Child("selectors"), errors);
  const std::string& mode = request.allocation_mode();
  if (mode == "All") {
    if (request.count() != 0) {
      errors.InvalidInt(path.Child("count"), request.count(),
                        "must not be specified when allocationMode is 'All'");
    }
  } else if (mode == "ExactCount") {
    if (request.count() <= 0) {
      errors.InvalidInt(path.Child("count"), request.count(), kNotPositiveText);
    }
  } else {
    errors.NotSupported(path.Child("allocationMode"), mode, {"All", "ExactCount"});
  }
  ValidateDeviceTolerations(request.tolerations(), path.Child("tolerations"), errors);
}

void ValidateRequest(const dra::DeviceRequest& request, const FieldPath& path, Errors& errors) {
  constexpr std::string_view kOne = "exactly one of `exactly` or `firstAvailable` is required";
  errors.Invalid(path.Child("name"), request.name(), IsDns1123Label(request.name()));
  const bool alternatives = !request.first_available().empty();
  if (!request.has_exactly() && !alternatives) return errors.Required(path, kOne);
  if (request.has_exactly() && alternatives) {
    return errors.InvalidShown(path, "null", fmt::format("{}, but multiple fields are set", kOne));
  }
  if (request.has_exactly()) {
    return ValidateRequestBody(request.exactly(), path.Child("exactly"), errors);
  }
  const FieldPath list = path.Child("firstAvailable");
  if (!ValidateCount(request.first_available_size(), kAlternativesMax, list, errors)) return;
  UniqueNames unique;
  for (int i = 0; i < request.first_available_size(); ++i) {
    const dra::DeviceSubRequest& each = request.first_available(i);
    const FieldPath at = list.Index(i);
    errors.Invalid(at.Child("name"), each.name(), IsDns1123Label(each.name()));
    ValidateRequestBody(each, at, errors);
    unique.Add(each.name(), at, errors);
  }
}

void ValidateDeviceConstraint(const dra::DeviceConstraint& constraint, const RequestNames& names,
                              const FieldPath& path, Errors& errors) {
  ValidateReferences(constraint.requests(), names, path.Child("requests"), errors);
  if (constraint.has_match_attribute()) {
    ValidateFullyQualifiedName(constraint.match_attribute(), path.Child("matchAttribute"),
                               errors);
  } else if (constraint.has_distinct_attribute()) {
    ValidateFullyQualifiedName(constraint.distinct_attribute(), path.Child("distinctAttribute"),
                               errors);
  } else {
    errors.Required(path,
                    "exactly one of \"matchAttribute\" or \"distinctAttribute\" is required, but "
                    "multiple fields are set");
  }
}

void ValidateClaimOfDevices(const dra::DeviceClaim& claim, const FieldPath& path,
                            Errors& errors) {
  const RequestNames names = NamesOf(claim);
  const FieldPath requests = path.Child("requests");
  if (ValidateCount(claim.requests_size(), kRequestsMax, requests, errors)) {
    UniqueNames unique;
    for (int i = 0; i < claim.requests_size(); ++i) {
      ValidateRequest(claim.requests(i), requests.Index(i), errors);
      unique.Add(claim.requests(i).name(), requests.Index(i), errors);
    }
  }
  const FieldPath constraints = path.Child("constraints");
  if (ValidateCount(claim.constraints_size(), kConstraintsMax, constraints, errors)) {
    for (int i = 0; i < claim.constraints_size(); ++i) {
      ValidateDeviceConstraint(claim.constraints(i), names, constraints.Index(i), errors);
    }
  }
  const FieldPath config = path.Child("config");
  if (!ValidateCount(claim.config_size(), kConfigurationsMax, config, errors)) return;
  for (int i = 0; i < claim.config_size(); ++i) {
    const FieldPath at = config.Index(i);
    ValidateReferences(claim.config(i).requests(), names, at.Child("requests"), errors);
    ValidateConfiguration(claim.config(i).device_configuration(), at, errors);
  }
}

// --- status ------------------------------------------------------------------------------------

void ValidateResult(const dra::DeviceRequestAllocationResult& result, const RequestNames& names,
                    const FieldPath& path, Errors& errors) {
  ValidateRequestReference(result.request(), names, path.Child("request"), errors);
  ValidateCsiDriverName(result.driver(), path.Child("driver"), errors);
  ValidatePoolName(result.pool(), path.Child("pool"), errors);
  errors.Invalid(path.Child("device"), result.device(), IsDns1123Label(result.device()));
  ValidateBindingConditions(result.binding_conditions(), result.binding_failure_conditions(),
                            path, errors);
  ValidateDeviceTolerations(result.tolerations(), path.Child("tolerations"), errors);
  if (result.has_share_id()) ValidateUuid(result.share_id(), path.Child("shareID"), errors);
}

void ValidateAllocation(const dra::AllocationResult& allocation, const RequestNames& names,
                        const FieldPath& path, Errors& errors) {
  const FieldPath devices = path.Child("devices");
  const FieldPath results = devices.Child("results"), config = devices.Child("config");
  const dra::DeviceAllocationResult& all = allocation.devices();
  if (ValidateCount(all.results_size(), kResultsMax, results, errors)) {
    for (int i = 0; i < all.results_size(); ++i) {
      ValidateResult(all.results(i), names, results.Index(i), errors);
    }
  }
  if (ValidateCount(all.config_size(), 2 * kConfigurationsMax, config, errors)) {
    for (int i = 0; i < all.config_size(); ++i) {
      const FieldPath at = config.Index(i);
      errors.OneOf(at.Child("source"), all.config(i).source(), {"FromClaim", "FromClass"});
      ValidateReferences(all.config(i).requests(), names, at.Child("requests"), errors);
      ValidateConfiguration(all.config(i).device_configuration(), at, errors);
    }
  }
  if (!allocation.has_node_selector()) return;
  ValidateNodeSelector(allocation.node_selector(), path.Child("nodeSelector"), errors);
}

void ValidateReservations(const dra::ResourceClaim& claim, const dra::ResourceClaim& old,
                          const FieldPath& path, Errors& errors) {
  const auto& reserved = claim.status().reserved_for();
  if (ValidateCount(reserved.size(), kReservationsMax, path, errors)) {
    UniqueNames unique;
    for (int i = 0; i < reserved.size(); ++i) {
      const FieldPath at = path.Index(i);
      if (reserved[i].resource().empty()) errors.Required(at.Child("resource"));
      if (reserved[i].name().empty()) errors.Required(at.Child("name"));
      if (reserved[i].uid().empty()) errors.Required(at.Child("uid"));
      unique.Add(reserved[i].uid(), at, errors);
    }
  }
  if (reserved.empty()) return;
  if (!claim.status().has_allocation()) {
    return errors.Forbidden(path, "may not be specified when `allocated` is not set");
  }
  if (!claim.metadata().has_deletion_timestamp()) return;
  const auto& before = old.status().reserved_for();
  for (const auto& entry : reserved) {
    const auto same = [&](const auto& other) { return SemanticEqual(entry, other); };
    if (std::any_of(before.begin(), before.end(), same)) continue;
    return errors.Forbidden(path,
                            "new entries may not be added while `deallocationRequested` or "
                            "`deletionTimestamp` are set");
  }
}

// Driver, pool, device and share.
using DeviceKey = std::tuple<std::string, std::string, std::string, std::string>;

template <typename Device>
DeviceKey KeyOfDevice(const Device& device) {
  return {device.driver(), device.pool(), device.device(), device.share_id()};
}

void ValidateNetworkData(const dra::NetworkDeviceData& data, const FieldPath& path,
                         Errors& errors) {
  if (std::ssize(data.interface_name()) > kInterfaceBytesMax) {
    errors.TooLong(path.Child("interfaceName"), kInterfaceBytesMax);
  }
  if (std::ssize(data.hardware_address()) > kHardwareAddressBytesMax) {
    errors.TooLong(path.Child("hardwareAddress"), kHardwareAddressBytesMax);
  }
  const FieldPath ips = path.Child("ips");
  if (!ValidateCount(data.ips_size(), kInterfaceAddressesMax, ips, errors)) return;
  UniqueNames unique;
  for (int i = 0; i < data.ips_size(); ++i) {
    ValidateInterfaceAddress(data.ips(i), ips.Index(i), errors);
    unique.Add(data.ips(i), ips.Index(i), errors);
  }
}

void ValidateDeviceStatus(const dra::AllocatedDeviceStatus& device,
                          const std::set<DeviceKey>& allocated, const FieldPath& path,
                          Errors& errors) {
  ValidateCsiDriverName(device.driver(), path.Child("driver"), errors);
  ValidatePoolName(device.pool(), path.Child("pool"), errors);
  errors.Invalid(path.Child("device"), device.device(), IsDns1123Label(device.device()));
  if (device.has_share_id()) ValidateUuid(device.share_id(), path.Child("shareID"), errors);
  if (!allocated.contains(KeyOfDevice(device))) {
    errors.Invalid(path, fmt::format("{}/{}/{}", device.driver(), device.pool(), device.device()),
                   "must be an allocated device in the claim");
  }
  const FieldPath conditions = path.Child("conditions");
  ValidateCount(device.conditions_size(), kDeviceConditionsMax, conditions, errors);
  ValidateConditions(device.conditions(), conditions, errors);
  if (!device.data().raw().empty()) {
    ValidateRawObject(device.data().raw(), kDeviceDataBytesMax, path.Child("data"), errors);
  }
  if (device.has_network_data()) {
    ValidateNetworkData(device.network_data(), path.Child("networkData"), errors);
  }
}

void ValidateDeviceStatuses(const dra::ResourceClaimStatus& status, const FieldPath& path,
                            Errors& errors) {
  std::set<DeviceKey> allocated, seen;
  for (const auto& result : status.allocation().devices().results()) {
    allocated.insert(KeyOfDevice(result));
  }
  for (int i = 0; i < status.devices_size() && !errors.full(); ++i) {
    const FieldPath at = path.Index(i);
    ValidateDeviceStatus(status.devices(i), allocated, at, errors);
    if (seen.insert(KeyOfDevice(status.devices(i))).second) continue;
    errors.Duplicate(at, fmt::format("{}/{}/{}", status.devices(i).driver(),
                                     status.devices(i).pool(), status.devices(i).device()));
  }
}

void ValidateClassSpec(const dra::DeviceClassSpec& spec, Errors& errors) {
  const FieldPath path("spec");
  ValidateSelectors(spec.selectors(), path.Child("selectors"), errors);
  const FieldPath config = path.Child("config");
  if (ValidateCount(spec.config_size(), kConfigurationsMax, config, errors)) {
    for (int i = 0; i < spec.config_size(); ++i) {
      ValidateConfiguration(spec.config(i).device_configuration(), config.Index(i), errors);
    }
  }
  if (spec.has_extended_resource_name() &&
      !scheduling::IsExtendedResourceName(spec.extended_resource_name())) {
    errors.Invalid(path.Child("extendedResourceName"), spec.extended_resource_name(),
                   "must be a valid extended resource name");
  }
}

void ValidateTaintRuleSpec(const dra_alpha::DeviceTaintRuleSpec& spec, Errors& errors) {
  const FieldPath path("spec"), selector = path.Child("deviceSelector");
  const auto& selected = spec.device_selector();
  if (selected.has_driver()) {
    ValidateCsiDriverName(selected.driver(), selector.Child("driver"), errors);
  }
  if (selected.has_pool()) ValidatePoolName(selected.pool(), selector.Child("pool"), errors);
  if (selected.has_device()) {
    errors.Invalid(selector.Child("device"), selected.device(),
                   IsDns1123Label(selected.device()));
  }
  dra::DeviceTaint taint;
  taint.set_key(spec.taint().key());
  taint.set_value(spec.taint().value());
  taint.set_effect(spec.taint().effect());
  ValidateDeviceTaint(taint, path.Child("taint"), errors);
}

}  // namespace

void ValidateResourceClaim(const dra::ResourceClaim& claim, Errors& errors) {
  ValidateCoreObjectMeta(claim.metadata(), true, IsDns1123Subdomain, FieldPath("metadata"),
                         errors);
  ValidateClaimOfDevices(claim.spec().devices(), FieldPath("spec.devices"), errors);
}

void ValidateResourceClaimUpdate(const dra::ResourceClaim& claim, const dra::ResourceClaim& old,
                                 Errors& errors) {
  const FieldPath metadata("metadata");
  ValidateCoreObjectMeta(claim.metadata(), true, IsDns1123Subdomain, metadata, errors);
  ValidateCoreObjectMetaUpdate(claim.metadata(), old.metadata(), metadata, errors);
  if (SemanticEqual(claim.spec(), old.spec())) return;
  errors.InvalidShown(FieldPath("spec"), ToJsonText(claim.spec()), kImmutableText);
}

void ValidateResourceClaimStatusUpdate(const dra::ResourceClaim& claim,
                                       const dra::ResourceClaim& old, Errors& errors) {
  ValidateCoreObjectMetaUpdate(claim.metadata(), old.metadata(), FieldPath("metadata"), errors);
  const FieldPath path("status");
  ValidateReservations(claim, old, path.Child("reservedFor"), errors);
  ValidateDeviceStatuses(claim.status(), path.Child("devices"), errors);
  const FieldPath at = path.Child("allocation");
  const dra::AllocationResult& allocation = claim.status().allocation();
  if (!claim.status().has_allocation()) return;
  if (!old.status().has_allocation()) {
    return ValidateAllocation(allocation, NamesOf(claim.spec().devices()), at, errors);
  }
  if (SemanticEqual(allocation, old.status().allocation())) return;
  errors.InvalidShown(at, ToJsonText(allocation), kImmutableText);
}

void ValidateResourceClaimTemplate(const dra::ResourceClaimTemplate& object, Errors& errors) {
  ValidateCoreObjectMeta(object.metadata(), true, IsDns1123Subdomain, FieldPath("metadata"),
                         errors);
  ValidateTemplateObjectMeta(object.spec().metadata(), FieldPath("spec.metadata"), errors);
  ValidateClaimOfDevices(object.spec().spec().devices(), FieldPath("spec.spec.devices"), errors);
}

void ValidateResourceClaimTemplateUpdate(const dra::ResourceClaimTemplate& object,
                                         const dra::ResourceClaimTemplate& old, Errors& errors) {
  ValidateCoreObjectMetaUpdate(object.metadata(), old.metadata(), FieldPath("metadata"), errors);
  if (SemanticEqual(object.spec(), old.spec())) return;
  errors.InvalidShown(FieldPath("spec"), ToJsonText(object.spec()), kImmutableText);
}

void ValidateDeviceTaintRule(const dra_alpha::DeviceTaintRule& rule, Errors& errors) {
  ValidateCoreObjectMeta(rule.metadata(), false, IsDns1123Subdomain, FieldPath("metadata"),
                         errors);
  ValidateTaintRuleSpec(rule.spec(), errors);
}

void ValidateDeviceTaintRuleUpdate(const dra_alpha::DeviceTaintRule& rule,
                                   const dra_alpha::DeviceTaintRule& old, Errors& errors) {
  ValidateCoreObjectMetaUpdate(rule.metadata(), old.metadata(), FieldPath("metadata"), errors);
  ValidateTaintRuleSpec(rule.spec(), errors);
}

void ValidateDeviceTaintRuleStatusUpdate(const dra_alpha::DeviceTaintRule& rule,
                                         const dra_alpha::DeviceTaintRule& old, Errors& errors) {
  ValidateCoreObjectMetaUpdate(rule.metadata(), old.metadata(), FieldPath("metadata"), errors);
  const FieldPath status("status");
  ValidateConditions(rule.status().conditions(), status.Child("conditions"), errors);
}

void ValidateDeviceClass(const dra::DeviceClass& object, Errors& errors) {
  ValidateCoreObjectMeta(object.metadata(), false, IsDns1123Subdomain, FieldPath("metadata"),
                         errors);
  ValidateClassSpec(object.spec(), errors);
}

void ValidateDeviceClassUpdate(const dra::DeviceClass& object, const dra::DeviceClass& old,
                               Errors& errors) {
  ValidateCoreObjectMetaUpdate(object.metadata(), old.metadata(), FieldPath("metadata"), errors);
  ValidateClassSpec(object.spec(), errors);
}

}  // namespace berth::api::validation
