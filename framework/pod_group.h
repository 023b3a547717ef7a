// Pod groups: pods that are scheduled together (spec.schedulingGroup, scheduling.k8s.io PodGroup).
// Alpha upstream, behind gates. framework.md section 9.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/fwd.h"
#include "framework/fwd.h"
#include "framework/pod_info.h"

namespace berth::framework {

// Upstream's gates. All off by default: then spec.schedulingGroup means nothing.
struct PodGroupFeatures {
  bool generic_workload = false;   // pods of a group are scheduled in one cycle
  bool gang_scheduling = false;    // plugin GangScheduling is among the defaults
  bool topology_aware = false;     // TopologyAwareWorkloadScheduling: placements
};

// A group's pods, as the scheduler knows them.
struct PodGroupMembers {
  using PodObject = std::shared_ptr<const api::core::Pod>;
  std::vector<PodObject> waiting;  // without a node
  std::vector<PodObject> assumed;  // given a node, and not yet seen there
  std::vector<PodObject> bound;
};
struct PodGroupCounts {
  int64_t all = 0;
  int64_t placed = 0;  // bound, assumed, or with a node in the group's cycle that is under way
};

// spec.schedulingGroup.podGroupName; empty: the pod is in no group.
std::string_view PodGroupOf(const api::core::Pod& pod);
inline std::string_view PodGroupOf(const PodInfo& pod) { return PodGroupOf(pod.object()); }
// The group of that name in the pod's namespace; null when there is none.
std::shared_ptr<const api::gang::PodGroup> FindPodGroup(const ObjectSource& objects,
                                                        const PodInfo& pod);

}  // namespace berth::framework
