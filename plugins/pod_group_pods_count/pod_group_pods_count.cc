#include "plugins/pod_group_pods_count/pod_group_pods_count.h"

#include <algorithm>

#include "framework/handle.h"
#include "framework/pod_group.h"

namespace berth::plugins::pod_group_pods_count {

using framework::PodPtr;

framework::Scored PodGroupPodsCount::ScorePlacement(framework::CycleState&,
                                                    std::span<const PodPtr> group,
                                                    const framework::Placement&,
                                                    std::span<const PodPtr> proposed) {
  const framework::PodInfo& any = *group.front();
  const auto counts = handle_.CountMembers(any.namespace_name, framework::PodGroupOf(any));
  return {counts.placed + std::ssize(proposed), {}};
}

framework::Status PodGroupPodsCount::NormalizePlacementScores(
    framework::CycleState&, std::span<const PodPtr>,
    std::span<framework::PlacementScore> scores) const {
  int64_t most = 0;
  for (const framework::PlacementScore& each : scores) most = std::max(most, each.score);
  if (most == 0) {
    return framework::Error(
        "no pods from pod group are assigned to any of the candidate placements");
  }
  for (framework::PlacementScore& each : scores) {
    each.score = each.score * framework::kNodeScoreMax / most;
  }
  return framework::Success();
}

}  // namespace berth::plugins::pod_group_pods_count
