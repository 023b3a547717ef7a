// Prefers the placement that holds the most pods of a group.
#pragma once

#include <span>
#include <string_view>

#include "framework/plugin.h"

namespace berth::plugins::pod_group_pods_count {

// PlacementScore: the members that have a node already and those that would get one there,
//   normalized to 100 for the most, truncated. An Error when no placement holds any.
// Threads: the engine's executor. Source: kube-scheduler plugin of the same name; plugins.md
// section 22. Alpha upstream: enabled by the gate TopologyAwareWorkloadScheduling.
class PodGroupPodsCount final : public framework::PlacementScorePlugin {
 public:
  static constexpr std::string_view kName = "PodGroupPodsCount";
  explicit PodGroupPodsCount(framework::Handle& handle) : handle_(handle) {}

  std::string_view Name() const override { return kName; }
  framework::Scored ScorePlacement(framework::CycleState& state,
                                   std::span<const framework::PodPtr> group,
                                   const framework::Placement& placement,
                                   std::span<const framework::PodPtr> proposed) override;
  framework::Status NormalizePlacementScores(
      framework::CycleState& state, std::span<const framework::PodPtr> group,
      std::span<framework::PlacementScore> scores) const override;

 private:
  framework::Handle& handle_;
};

}  // namespace berth::plugins::pod_group_pods_count
