#include "plugins/dynamic_resources/devices.h"

#include <algorithm>

namespace berth::plugins::dynamic_resources {

const std::shared_ptr<PoolUse>& DevicesInUse::Pool(const std::string& driver,
                                                   const std::string& pool) {
  std::shared_ptr<PoolUse>& use = pools_[{driver, pool}];
  if (use != nullptr) return use;
  use = std::make_shared<PoolUse>();
  if (pools_.size() < sweep_at_) return use;
  const std::shared_ptr<PoolUse> added = use;  // is not swept
  std::erase_if(pools_, [](const auto& entry) {
    return entry.second->devices.empty() && entry.second.use_count() == 1;
  });
  sweep_at_ = std::max(sweep_at_, 2 * pools_.size());
  return pools_.at({driver, pool});
}

void DevicesInUse::Count(const api::dra::AllocationResult& allocation, int sign) {
  for (const auto& result : allocation.devices().results()) {
    if (result.admin_access()) continue;
    PoolUse& pool = *Pool(result.driver(), result.pool());
    ++pool.version;
    DeviceUse& use = pool.devices[result.device()];
    (result.has_share_id() ? use.shares : use.whole) += sign;
    for (const auto& [name, amount] : result.consumed_capacity()) {
      if (!result.has_share_id()) break;
      api::Quantity& held = use.held[name];
      sign > 0 ? held.Add(api::ToQuantity(amount)) : held.Sub(api::ToQuantity(amount));
    }
    const bool empty = std::all_of(use.held.begin(), use.held.end(),
                                   [](const auto& entry) { return entry.second.IsZero(); });
    if (sign < 0 && empty) use.held.clear();
    if (use.whole <= 0 && use.shares <= 0) pool.devices.erase(result.device());
  }
}

std::string DevicesInUse::ToText() const {
  std::string out;
  for (const auto& [key, pool] : pools_) {
    for (const auto& [device, use] : pool->devices) {
      if (!out.empty()) out += ' ';
      out += DeviceId{key.first, key.second, device}.ToText();
    }
  }
  return out;
}

}  // namespace berth::plugins::dynamic_resources
