#include "plugins/dynamic_resources/binding_conditions.h"

#include <algorithm>

#include <fmt/core.h>

#include "plugins/dynamic_resources/claims.h"
#include "plugins/dynamic_resources/devices.h"

namespace berth::plugins::dynamic_resources {
namespace {

using api::dra::AllocatedDeviceStatus;
using api::dra::DeviceRequestAllocationResult;

const AllocatedDeviceStatus* StatusOf(const api::dra::ResourceClaim& claim,
                                      const DeviceRequestAllocationResult& result) {
  for (const auto& status : claim.status().devices()) {
    if (status.driver() == result.driver() && status.pool() == result.pool() &&
        status.device() == result.device() && status.share_id() == result.share_id()) {
      return &status;
    }
  }
  return nullptr;
}

bool IsTrue(const AllocatedDeviceStatus* status, const std::string& type) {
  return status != nullptr && std::any_of(status->conditions().begin(),
                                          status->conditions().end(), [&](const auto& condition) {
                                            return condition.type() == type &&
                                                   condition.status() == "True";
                                          });
}

// In order: what later devices say does not count before one is ready.
Readiness DevicesOf(const api::dra::ResourceClaim& claim) {
  if (!claim.status().has_allocation()) return {};
  for (const auto& result : claim.status().allocation().devices().results()) {
    if (result.binding_conditions().empty()) continue;
    const AllocatedDeviceStatus* status = StatusOf(claim, result);
    for (const std::string& type : result.binding_failure_conditions()) {
      if (!IsTrue(status, type)) continue;
      const DeviceId id{result.driver(), result.pool(), result.device()};
      return {false, fmt::format("claim {}: binding of device {} failed: condition {} is True",
                                 KeyOf(claim), id.ToText(), type)};
    }
    const auto& wanted = result.binding_conditions();
    if (!std::all_of(wanted.begin(), wanted.end(),
                     [&](const std::string& type) { return IsTrue(status, type); })) {
      return {};
    }
  }
  return {true, {}};
}

}  // namespace

bool HasBindingConditions(const api::dra::ResourceClaim& claim) {
  const auto& results = claim.status().allocation().devices().results();
  return std::any_of(results.begin(), results.end(), [](const auto& result) {
    return result.binding_conditions_size() > 0;
  });
}

std::string NotReadyInTime(const std::string& key) {
  return fmt::format("claim {}: binding conditions were not met in time", key);
}

Readiness ReadinessOf(const api::dra::ResourceClaim& claim, absl::Time now,
                      absl::Duration timeout) {
  Readiness out = DevicesOf(claim);
  const auto& allocation = claim.status().allocation();
  if (out.ready || !out.problem.empty() || !allocation.has_allocation_timestamp()) return out;
  const absl::Time since = absl::FromUnixSeconds(allocation.allocation_timestamp().seconds());
  if (now - since > timeout) {
    out.problem = NotReadyInTime(KeyOf(claim));
    out.timed_out = true;
  }
  return out;
}

}  // namespace berth::plugins::dynamic_resources
