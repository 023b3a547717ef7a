// The arithmetic of scoring by allocation. Pure functions over integers.
// Source: kube-scheduler noderesources {least_allocated,most_allocated,requested_to_capacity_ratio,
// resource_allocation}.go; plugins.md section 8.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "api/scheduling/resources.h"
#include "base/symbol.h"
#include "framework/handle.h"
#include "framework/node_info.h"
#include "plugins/args.h"
#include "plugins/dynamic_resources/inventory.h"

namespace berth::plugins::node_resources_fit {

// One resource of a strategy, resolved once.
struct WeightedResource {
  enum class Kind : uint8_t { kCpu, kMemory, kEphemeralStorage, kScalar };
  Kind kind = Kind::kScalar;
  Symbol name;
  int64_t weight = 1;
};
std::vector<WeightedResource> Resolve(std::span<const ResourceWeight> resources);

// What a node has of a resource and what would be requested of it with the pod on it, in the
// resource's unit (millicores, bytes, units). allocatable 0: leave the resource out.
struct Allocation {
  int64_t allocatable = 0;
  int64_t requested = 0;
};
// used: cpu and memory of the node as counted for this purpose (with or without defaults);
// ephemeral storage and scalars come from the node's true requests. devices: who counts those that
// stand for an extended resource which the node does not offer by itself; null: none do.
Allocation AllocationOf(const WeightedResource& resource, const api::scheduling::Amounts& pod,
                        const framework::NodeInfo& node, const api::scheduling::Amounts& used,
                        dynamic_resources::Inventory* devices);

// Who counts devices for these resources; null: nobody has to.
std::shared_ptr<dynamic_resources::Inventory> DevicesFor(
    std::span<const WeightedResource> resources, framework::Handle& handle);

// The same of the node alone, and of the pod alone.
Allocation AllocationOf(const WeightedResource& resource, const framework::NodeInfo& node);
int64_t AmountOf(const WeightedResource& resource, const api::scheduling::Amounts& amounts);

// [0, 100], truncated: the free share, the used share. allocatable > 0.
int64_t LeastAllocated(int64_t requested, int64_t allocatable);
int64_t MostAllocated(int64_t requested, int64_t allocatable);
// The used share alone, 100 when more is asked for than there is. allocatable > 0.
int64_t UtilizationPercent(int64_t requested, int64_t allocatable);
// utilization 0..100; shape sorted by utilization, scores 0..10, not empty. Result in [0, 100].
int64_t BrokenLinear(std::span<const UtilizationPoint> shape, int64_t utilization);

}  // namespace berth::plugins::node_resources_fit
