// Keeps pods off nodes without room for their requests, and ranks nodes by how full they would be.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_set.h>

#include "base/executor.h"
#include "base/strings.h"
#include "framework/plugin.h"
#include "framework/registry.h"
#include "plugins/args.h"
#include "plugins/dynamic_resources/inventory.h"
#include "plugins/node_resources_fit/strategy.h"

namespace berth::plugins::node_resources_fit {

// Filter: every resource that lacks room is a reason, in the order pods, cpu, memory,
//   ephemeral-storage, scalars by name. UnschedulableAndUnresolvable when a request exceeds what
//   the node has in all, else Unschedulable. Extended resources in ignoredResources or of a group
//   in ignoredResourceGroups are left to others, and so are those that a DeviceClass stands for
//   where the node offers none by itself (DynamicResources).
// Score: LeastAllocated, MostAllocated or RequestedToCapacityRatio over the listed resources, pod
//   and node counted with 100m / 200 MiB for containers without requests; in [0, 100] already.
//   Devices count for an extended resource that the node does not offer by itself.
// PlacementScore: MostAllocated over what the placement's nodes have and are asked for together.
// Events: a pod goes away or shrinks; a node joins with room, or grows in what the pod asks for; a
//   DeviceClass comes to stand for a resource that the pod asks for.
//   Hints honour ignored resources, so that a pod waiting for one is not missed.
// Cost: Filter a few comparisons, Score one division per resource; no allocation when the pod fits
//   or lacks only named resources. Threads: const after construction.
// Source: kube-scheduler plugin of the same name.
class NodeResourcesFit final : public framework::PreFilterPlugin,
                               public framework::FilterPlugin,
                               public framework::PreScorePlugin,
                               public framework::ScorePlugin,
                               public framework::PlacementScorePlugin {
 public:
  static constexpr std::string_view kName = "NodeResourcesFit";
  // args: validated.
  NodeResourcesFit(const NodeResourcesFitArgs& args, framework::Handle& handle);

  std::string_view Name() const override { return kName; }
  framework::PreFilterResult PreFilter(framework::CycleState& state, const framework::PodInfo& pod,
                                       const framework::Snapshot& snapshot) override;
  framework::Status Filter(const framework::CycleState& state, const framework::PodInfo& pod,
                           const framework::NodeInfo& node) const override;
  bool FilterBatch(const framework::CycleState& state, const framework::PodInfo& pod,
                   const framework::NodeColumns& columns,
                   std::span<const framework::NodeIndex> nodes,
                   std::span<uint8_t> out) const override;
  framework::Status PreScore(framework::CycleState& state, const framework::PodInfo& pod,
                             std::span<const framework::NodeInfo* const> feasible) override;
  framework::Scored Score(const framework::CycleState& state, const framework::PodInfo& pod,
                          const framework::NodeInfo& node) const override;
  bool ScoreBatch(const framework::CycleState& state, const framework::PodInfo& pod,
                  const framework::NodeColumns& columns,
                  std::span<const framework::NodeIndex> nodes,
                  std::span<int64_t> out) const override;
  framework::Scored ScorePlacement(framework::CycleState& state,
                                   std::span<const framework::PodPtr> group,
                                   const framework::Placement& placement,
                                   std::span<const framework::PodPtr> proposed) override;
  framework::Dependencies DependsOn(const framework::PodInfo& pod) const override;
  bool Sign(const framework::PodInfo& pod, framework::SignatureBuilder& out) const override;
  bool SignsTemplates() const override { return true; }
  std::optional<std::vector<framework::ClusterEventWithHint>> EventsToRegister() const override;

 private:
  enum class Strategy { kLeastAllocated, kMostAllocated, kRequestedToCapacityRatio };
  bool IsIgnored(Symbol resource) const;
  // What the node has none of is left to devices.
  bool IsLeftToDevices(Symbol resource) const;
  bool FitsEmpty(const framework::PodInfo& pod, const api::scheduling::Allocatable& node) const;
  framework::Status Rejection(const framework::PodInfo& pod,
                              const framework::NodeInfo& node) const;
  int64_t ResourceScore(const Allocation& allocation) const;
  absl::StatusOr<framework::QueueingHint> AfterNodeChange(
      const framework::PodInfo& pod, const google::protobuf::Message* old_object,
      const google::protobuf::Message* new_object) const;

  framework::Handle& handle_;
  // Null: DeviceClasses stand for no resources, or no devices are counted.
  std::shared_ptr<dynamic_resources::Inventory> inventory_, devices_;
  Strategy strategy_ = Strategy::kLeastAllocated;
  std::vector<WeightedResource> resources_;
  std::vector<UtilizationPoint> shape_;
  absl::flat_hash_set<Symbol> ignored_;
  StringSet ignored_groups_;
  bool ignores_any_ = false;
  Lifetime alive_;
};

}  // namespace berth::plugins::node_resources_fit
