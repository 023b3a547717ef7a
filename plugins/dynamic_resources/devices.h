// Names of devices, and what of them is in use.
#pragma once

#include <compare>
#include <map>
#include <set>
#include <string>

#include "api/fwd.h"
#include "api/quantity.h"
#include "api/schema/resource_v1.pb.h"

namespace berth::plugins::dynamic_resources {

struct DeviceId {
  std::string driver, pool, device;
  std::string ToText() const { return driver + "/" + pool + "/" + device; }
  friend auto operator<=>(const DeviceId&, const DeviceId&) = default;
};

// By capacity name, as the device spells it.
using Capacities = std::map<std::string, api::Quantity>;

// What claims hold, written or about to be. Admin access holds nothing.
struct DevicesInUse {
  std::set<DeviceId> whole;
  std::map<DeviceId, Capacities> shared;  // devices that allow several allocations

  bool Contains(const DeviceId& id) const { return whole.contains(id) || shared.contains(id); }
  void Add(const api::dra::AllocationResult& allocation);
};

}  // namespace berth::plugins::dynamic_resources
