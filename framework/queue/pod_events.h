// Which cluster events the change of a pod or a node stands for (queue.md section 7.2).
#pragma once

#include <vector>

#include "api/fwd.h"
#include "framework/events.h"

namespace berth::framework {

// resource: kAssignedPodResource or kUnschedulablePodResource. In upstream's order; one generic
// Update when nothing of interest changed.
std::vector<ClusterEvent> PodChangeEvents(std::string_view resource, const PodInfo& old_pod,
                                          const PodInfo& new_pod);
// In upstream's order; empty when nothing of interest changed.
std::vector<ClusterEvent> NodeChangeEvents(const api::core::Node& old_node,
                                           const api::core::Node& new_node);

// Events with labels of their own.
const ClusterEvent& UnschedulableTimeoutEvent();
const ClusterEvent& ForceActivateEvent();
const ClusterEvent& UnschedulablePodAddEvent();
const ClusterEvent& AssignedPodAddEvent();
const ClusterEvent& AssignedPodDeleteEvent();
const ClusterEvent& NodeAddEvent();
const ClusterEvent& NodeDeleteEvent();

}  // namespace berth::framework
