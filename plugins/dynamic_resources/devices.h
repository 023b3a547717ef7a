// Names of devices, and what of them is in use.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

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

// What claims hold of one device.
struct DeviceUse {
  int64_t whole = 0;   // claims that have all of it
  int64_t shares = 0;  // that have a part: the device allows several allocations
  Capacities held;     // by these
};

// The devices of one pool that are in use, by name.
struct PoolUse {
  std::map<std::string, DeviceUse, std::less<>> devices;
  int64_t version = 0;  // grows with every change

  // Null: nobody has it.
  const DeviceUse* Find(std::string_view device) const {
    const auto it = devices.find(device);
    return it == devices.end() ? nullptr : &it->second;
  }
};

// What claims hold, written or about to be. Admin access holds nothing.
// Threads: one writer; pools may be read while nobody writes.
class DevicesInUse {
 public:
  void Add(const api::dra::AllocationResult& allocation) { Count(allocation, 1); }
  // What was added before.
  void Remove(const api::dra::AllocationResult& allocation) { Count(allocation, -1); }

  // Kept up to date by Add and Remove as long as somebody has it.
  std::shared_ptr<const PoolUse> PoolOf(const std::string& driver, const std::string& pool) {
    return Pool(driver, pool);
  }
  // "driver/pool/device ...", by name: of those in use.
  std::string ToText() const;

 private:
  using Key = std::pair<std::string, std::string>;  // driver, pool
  void Count(const api::dra::AllocationResult& allocation, int sign);
  const std::shared_ptr<PoolUse>& Pool(const std::string& driver, const std::string& pool);

  std::map<Key, std::shared_ptr<PoolUse>> pools_;
  size_t sweep_at_ = 1024;  // pools: then those without devices in use that nobody has are dropped
};

}  // namespace berth::plugins::dynamic_resources
