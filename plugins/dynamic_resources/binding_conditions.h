// Binding conditions: what a driver must report of devices before a pod that has them is bound.
#pragma once

#include <string>

#include <absl/time/time.h>

#include "api/fwd.h"
#include "api/schema/resource_v1.pb.h"

namespace berth::plugins::dynamic_resources {

bool HasBindingConditions(const api::dra::ResourceClaim& claim);

struct Readiness {
  bool ready = false;   // every condition of every device is True
  std::string problem = {};  // a failure condition is True, or it took too long; else empty
  bool timed_out = false;    // it took too long
};
// timeout: since status.allocation.allocationTimestamp; without one it does not count.
Readiness ReadinessOf(const api::dra::ResourceClaim& claim, absl::Time now,
                      absl::Duration timeout);
// What is said of a claim ("namespace/name") that took too long.
std::string NotReadyInTime(const std::string& key);

}  // namespace berth::plugins::dynamic_resources
