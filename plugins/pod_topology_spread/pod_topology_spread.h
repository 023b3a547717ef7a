// Spreads pods evenly over zones, nodes, or whatever a node label names.
#pragma once

#include <string_view>

#include "framework/plugin.h"
#include "framework/registry.h"
#include "plugins/args.h"
#include "plugins/pod_topology_spread/constraints.h"

namespace berth::plugins::pod_topology_spread {

// Constraints are the pod's own or else the default ones, whose selector comes from the services
// and the controller of the pod; without such a selector there are none.
// PreFilter: counts matching pods for each value of the hard constraints' keys. Skip without hard
//   constraints. A selector that does not parse: Error.
// Filter: a node without a key is UnschedulableAndUnresolvable, one that would exceed maxSkew
//   Unschedulable.
// PreScore: counts for the soft constraints, over the values of feasible nodes. Skip without.
// Score: matching pods, weighted by the number of values; the fewer the better, normalized.
// Events: pods and nodes that come, go or change, with hints.
// Cost: every pod of the cluster is looked at, in PreFilter and in PreScore; for constraints of the
//   pod's own, by classes of nodes (spread_classes.h), what changed.
// Threads: const after construction.
// Source: kube-scheduler plugin of the same name; plugins.md section 11.
class PodTopologySpread final : public framework::PreFilterPlugin,
                                public framework::FilterPlugin,
                                public framework::PreScorePlugin,
                                public framework::ScorePlugin {
 public:
  static constexpr std::string_view kName = "PodTopologySpread";
  static constexpr std::string_view kReasonSkew =
      "node(s) didn't match pod topology spread constraints";
  static constexpr std::string_view kReasonLabel =
      "node(s) didn't match pod topology spread constraints (missing required label)";
  // args: validated.
  PodTopologySpread(const PodTopologySpreadArgs& args, framework::Handle& handle);

  std::string_view Name() const override { return kName; }
  framework::PreFilterResult PreFilter(framework::CycleState& state, const framework::PodInfo& pod,
                                       const framework::Snapshot& snapshot) override;
  bool HasExtensions() const override { return true; }
  framework::Status AddPod(framework::CycleState& state, const framework::PodInfo& to_schedule,
                           const framework::PodInfo& added,
                           const framework::NodeInfo& node) override;
  framework::Status RemovePod(framework::CycleState& state, const framework::PodInfo& to_schedule,
                              const framework::PodInfo& removed,
                              const framework::NodeInfo& node) override;
  framework::Status Filter(const framework::CycleState& state, const framework::PodInfo& pod,
                           const framework::NodeInfo& node) const override;
  framework::Status PreScore(framework::CycleState& state, const framework::PodInfo& pod,
                             std::span<const framework::NodeInfo* const> feasible) override;
  framework::Scored Score(const framework::CycleState& state, const framework::PodInfo& pod,
                          const framework::NodeInfo& node) const override;
  framework::Normalization normalization() const override {
    return framework::Normalization::kCustom;
  }
  framework::Status NormalizeScore(const framework::CycleState& state,
                                   const framework::PodInfo& pod,
                                   std::span<framework::NodeScore> scores) const override;
  framework::Dependencies DependsOn(const framework::PodInfo& pod) const override;
  bool Abstains(const framework::PodInfo& pod) const override;
  void ClassKey(const framework::PodInfo& pod, framework::SignatureBuilder& out) const override;
  bool Classifies(const framework::PodInfo& pod) const override;
  std::unique_ptr<framework::NodeClasses> Classify(const framework::PodInfo& pod) const override;
  bool Sign(const framework::PodInfo& pod, framework::SignatureBuilder& out) const override;
  bool SignsTemplates() const override { return true; }
  std::optional<std::vector<framework::ClusterEventWithHint>> EventsToRegister() const override;

 private:
  struct PreFilterState;
  struct PreScoreState;

  absl::StatusOr<Constraints> ConstraintsFor(const framework::PodInfo& pod, Action action) const;
  bool RequiresAllKeys(const framework::PodInfo& pod) const;
  static void Count(framework::CycleState& state, const framework::PodInfo& pod,
                    const framework::PodInfo& other, const framework::NodeInfo& node, int sign);

  const Constraints default_hard_, default_soft_;
  const bool system_defaults_;
  framework::Handle& handle_;
};

}  // namespace berth::plugins::pod_topology_spread
