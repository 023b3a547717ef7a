// Makes room for a pod that fits nowhere by evicting pods of lower priority from one node.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "framework/plugin.h"
#include "framework/registry.h"
#include "plugins/args.h"
#include "plugins/default_preemption/evictions.h"
#include "plugins/default_preemption/known_victims.h"

namespace berth::plugins::default_preemption {

// PreEnqueue: UnschedulableAndUnresolvable while evictions for the pod are under way.
// PostFilter: of the nodes that rejected the pod in a way that fewer pods may cure, some are tried
//   (minCandidateNodesPercentage, minCandidateNodesAbsolute, from a random place on). The best is
//   the one with the fewest violated budgets, then the least important victims. The pod is
//   nominated to it; evictions go on by themselves. Unschedulable "preemption: ..." when the pod
//   may not preempt or nothing helps; then its nomination is cleared.
// Events: a pod's end, which never lifts the gate by itself: the pod is looked at again.
// Cost: the Filter plugins once and then once for each pod of lower priority, for each node tried.
// Threads: the engine's executor. Source: kube-scheduler plugin of the same name;
// plugins.md section 17.
class DefaultPreemption final : public framework::PreEnqueuePlugin,
                                public framework::PostFilterPlugin {
 public:
  static constexpr std::string_view kName = "DefaultPreemption";
  // args: validated.
  DefaultPreemption(const DefaultPreemptionArgs& args, framework::Handle& handle);

  std::string_view Name() const override { return kName; }
  framework::Status PreEnqueue(const framework::PodInfo& pod) override;
  bool SaysWhenGatesMayOpen() const override { return true; }
  void PostFilter(framework::CycleState& state, const framework::PodInfo& pod,
                  const framework::NodeStatusReader& statuses,
                  framework::PostFilterDone done) override;
  // Of all nodes that could be tried.
  framework::PostFilterPlan PlanPostFilter(const framework::CycleState& state,
                                           const framework::PodInfo& pod,
                                           const framework::NodeStatusReader& statuses) override;
  std::optional<std::vector<framework::ClusterEventWithHint>> EventsToRegister() const override;

 private:
  class Search;
  struct Found;
  void ReadBudgets();  // when any may have changed
  // all: every node that could be tried is; else from a random one on, until there are enough.
  Found Candidates(const framework::CycleState& state, const framework::PodInfo& pod,
                   const framework::NodeStatusReader& statuses, bool all);
  framework::PreemptionCandidate AsShown(framework::NodeIndex node) const;
  // Shows the candidates to extenders, and begins to evict on the best of those that are left.
  void Preempt(const framework::PodPtr& pod, Found found, framework::PostFilterDone done);
  framework::Status GroupMayPreempt(const framework::PodInfo& pod) const;
  framework::Status MayPreempt(const framework::PodInfo& pod,
                               const framework::NodeStatusReader& statuses) const;

  const int64_t percentage_, absolute_;
  framework::Handle& handle_;
  Evictions evictions_;
  KnownVictims known_;
  std::vector<Budget> budgets_;
  int64_t budgets_generation_ = -1;
};

}  // namespace berth::plugins::default_preemption
