// Prefers nodes whose cpu and memory would be used to the same degree.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "framework/plugin.h"
#include "plugins/args.h"
#include "plugins/dynamic_resources/inventory.h"
#include "plugins/node_resources_fit/strategy.h"

namespace berth::plugins::node_resources_balanced_allocation {

// PreScore: Skip for a pod that requests none of the listed resources.
// Score: 75 when the pod leaves the balance as it is, more when it evens it out, less when it
//   tilts it; in [50, 100]. True requests, no defaults. No normalization, no events. Devices count
//   for a listed extended resource that the node does not offer by itself.
// Cost: two divisions per resource, no allocation. Threads: const after construction.
// Source: kube-scheduler plugin of the same name.
class NodeResourcesBalancedAllocation final : public framework::PreScorePlugin,
                                              public framework::ScorePlugin {
 public:
  static constexpr std::string_view kName = "NodeResourcesBalancedAllocation";
  // args: validated.
  NodeResourcesBalancedAllocation(const NodeResourcesBalancedAllocationArgs& args,
                                  framework::Handle& handle);

  std::string_view Name() const override { return kName; }
  framework::Status PreScore(framework::CycleState& state, const framework::PodInfo& pod,
                             std::span<const framework::NodeInfo* const> feasible) override;
  framework::Scored Score(const framework::CycleState& state, const framework::PodInfo& pod,
                          const framework::NodeInfo& node) const override;
  bool ScoreBatch(const framework::CycleState& state, const framework::PodInfo& pod,
                  const framework::NodeColumns& columns,
                  std::span<const framework::NodeIndex> nodes,
                  std::span<int64_t> out) const override;
  framework::Dependencies DependsOn(const framework::PodInfo& pod) const override;
  bool Sign(const framework::PodInfo& pod, framework::SignatureBuilder& out) const override;
  bool SignsTemplates() const override { return true; }
  std::optional<std::vector<framework::ClusterEventWithHint>> EventsToRegister() const override;

 private:
  std::vector<node_resources_fit::WeightedResource> resources_;
  std::shared_ptr<dynamic_resources::Inventory> devices_;  // null: none are counted
};

// How even the used fractions (each at most 1) are: 100 when equal, 50 at the worst; truncated.
int64_t Balance(std::span<const double> fractions);
// 50 + (50 + after - before) / 2.
int64_t BalanceScore(int64_t before, int64_t after);

}  // namespace berth::plugins::node_resources_balanced_allocation
