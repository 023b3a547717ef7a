// The allocator: finds devices for the claims of a pod on one node. The first full solution of a
// depth-first search is taken: claims in order, requests in order, alternatives in order, devices
// in the order of pools, each request getting combinations of devices, never permutations.
// Source: dynamic-resource-allocation/structured; plugins.md section 20.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "api/fwd.h"
#include "api/schema/resource_v1.pb.h"
#include "framework/node_info.h"
#include "plugins/dynamic_resources/devices.h"
#include "plugins/dynamic_resources/pools.h"
#include "plugins/dynamic_resources/requests.h"

namespace berth::plugins::dynamic_resources {

struct AllocationOutcome {
  enum class Kind : uint8_t {
    kAllocated,
    kImpossible,    // not on this node
    kInvalidPools,  // not on this node, which has pools that contradict themselves
    kTimedOut,
    kFailed,        // something is wrong with a claim, a class or a selector
  };
  Kind kind = Kind::kImpossible;
  std::string problem;  // of kFailed
  // One for each claim. Devices that allow several allocations have no share ID yet.
  std::vector<api::dra::AllocationResult> results;
};

// Threads: const after construction; Allocate may run concurrently.
class Allocator {
 public:
  Allocator(Prepared prepared, DevicesInUse in_use, std::vector<SlicePtr> slices)
      : prepared_(std::move(prepared)), in_use_(std::move(in_use)), slices_(std::move(slices)) {}

  const Prepared& prepared() const { return prepared_; }
  // expired: asked now and then whether to give up. It also gives up by itself after
  // kMaxSteps steps: the search is exhaustive, and grows exponentially at worst.
  AllocationOutcome Allocate(const framework::NodeInfo& node,
                             const std::function<bool()>& expired) const;

  static constexpr int64_t kMaxSteps = 5'000'000;

 private:
  const Prepared prepared_;
  const DevicesInUse in_use_;
  const Slices slices_;
};

}  // namespace berth::plugins::dynamic_resources
