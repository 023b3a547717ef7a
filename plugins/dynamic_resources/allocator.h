// The allocator: finds devices for the claims of a pod on one node. The first full solution of a
// depth-first search is taken: claims in order, requests in order, alternatives in order, devices
// in the order of pools, each request getting combinations of devices, never permutations.
// Source: dynamic-resource-allocation/structured; plugins.md section 20.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <absl/time/time.h>

#include "api/fwd.h"
#include "api/schema/resource_v1.pb.h"
#include "framework/node_info.h"
#include "plugins/dynamic_resources/node_view.h"
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
  int64_t steps = 0;    // of the search
  // One for each claim. Devices that allow several allocations have no share ID yet.
  std::vector<api::dra::AllocationResult> results;
};

inline constexpr int64_t kMaxSearchSteps = 5'000'000;

// When a search that starts now has to end. A timeout of zero: never.
absl::Time DeadlineOf(absl::Time now, absl::Duration filter_timeout);

// view: the node's. expired: asked now and then whether to give up. It also gives up by itself
// after kMaxSearchSteps steps: the search is exhaustive, and grows exponentially at worst.
// Threads: any, while the devices in use stay as they are.
AllocationOutcome AllocateOn(const framework::NodeInfo& node, const Prepared& prepared,
                             const NodeView& view, const std::function<bool()>& expired);

}  // namespace berth::plugins::dynamic_resources
