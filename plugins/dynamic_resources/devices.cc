#include "plugins/dynamic_resources/devices.h"

namespace berth::plugins::dynamic_resources {

void DevicesInUse::Add(const api::dra::AllocationResult& allocation) {
  for (const auto& result : allocation.devices().results()) {
    if (result.admin_access()) continue;
    DeviceId id{result.driver(), result.pool(), result.device()};
    if (!result.has_share_id()) {
      whole.insert(std::move(id));
      continue;
    }
    Capacities& held = shared[std::move(id)];
    for (const auto& [name, amount] : result.consumed_capacity()) {
      held[name].Add(api::ToQuantity(amount));
    }
  }
}

}  // namespace berth::plugins::dynamic_resources
