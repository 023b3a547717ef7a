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

}  // namespace

bool HasBindingConditions(const api::dra::ResourceClaim& claim) {
  const auto& results = claim.status().allocation().devices().results();
  return std::any_of(results.begin(), results.end(), [](const auto& result) {
    return result.binding_conditions_size() > 0;
  });
}

Readiness ReadinessOf(const api::dra::ResourceClaim& claim, absl::Time now,
                      absl::Duration timeout) {
  Readiness out{true, {}};
  const auto& allocation = claim.status().allocation();
  for (const auto& result : allocation.devices().results()) {
    if (result.binding_conditions().empty()) continue;
    const AllocatedDeviceStatus* status = StatusOf(claim, result);
    for (const std::string& type : result.binding_failure_conditions()) {
      if (!IsTrue(status, type)) continue;
      const DeviceId id{result.driver(), result.pool(), result.device()};
      return {false, fmt::format("claim {}: binding of device {} failed: condition {} is True",
                                 KeyOf(claim), id.ToText(), type)};
    }
    for (const std::string& type : result.binding_conditions()) {
      out.ready = out.ready && IsTrue(status, type);
    }
  }
  if (out.ready || !allocation.has_allocation_timestamp()) return out;
  const absl::Time since = absl::FromUnixSeconds(allocation.allocation_timestamp().seconds());
  if (now - since > timeout) {
    out.problem = fmt::format("claim {}: binding conditions were not met in time", KeyOf(claim));
    out.timed_out = true;
  }
  return out;
}

}  // namespace berth::plugins::dynamic_resources
