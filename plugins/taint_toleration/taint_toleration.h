// Keeps pods off nodes whose taints they do not tolerate, and ranks the remaining nodes.
#pragma once

#include <memory>
#include <string_view>

#include <absl/status/statusor.h>

#include "framework/plugin.h"
#include "framework/registry.h"

namespace berth::plugins::taint_toleration {

// Filter: an untolerated NoSchedule or NoExecute taint yields UnschedulableAndUnresolvable,
//   because evicting pods does not remove a taint.
// Score: count of untolerated PreferNoSchedule taints; normalized in reverse to [0, 100].
// Events: a node joins whose taints are tolerated, or loses those that were not; the pod's own
//   tolerations change.
// Cost: O(taints * tolerations) per node, no allocation. Threads: const after construction;
//   Filter and Score may run concurrently. Source: kube-scheduler plugin of the same name.
class TaintToleration final : public framework::FilterPlugin,
                              public framework::PreScorePlugin,
                              public framework::ScorePlugin {
 public:
  static constexpr std::string_view kName = "TaintToleration";
  static constexpr std::string_view kReason = "node(s) had untolerated taint(s)";
  static absl::StatusOr<std::unique_ptr<framework::Plugin>> Create(
      const framework::PluginArgs& args, framework::Handle& handle);

  std::string_view Name() const override { return kName; }
  framework::Status Filter(const framework::CycleState& state, const framework::PodInfo& pod,
                           const framework::NodeInfo& node) const override;
  // Nothing to prepare: tolerations were parsed on arrival. Never Skip, as upstream.
  framework::Status PreScore(framework::CycleState& state, const framework::PodInfo& pod,
                             std::span<const framework::NodeInfo* const> feasible) override;
  framework::Scored Score(const framework::CycleState& state, const framework::PodInfo& pod,
                          const framework::NodeInfo& node) const override;
  framework::Normalization normalization() const override {
    return framework::Normalization::kDefaultReverse;
  }
  framework::Dependencies DependsOn(const framework::PodInfo& pod) const override;
  bool Sign(const framework::PodInfo& pod, framework::SignatureBuilder& out) const override;
  bool SignsTemplates() const override { return true; }
  std::optional<std::vector<framework::ClusterEventWithHint>> EventsToRegister() const override;
};

}  // namespace berth::plugins::taint_toleration
