// Which changes may make a pod schedulable that PodTopologySpread rejected.
// Source: kube-scheduler podtopologyspread/plugin.go; plugins.md section 11.
#pragma once

#include <absl/status/statusor.h>

#include "framework/events.h"
#include "plugins/pod_topology_spread/constraints.h"

namespace berth::plugins::pod_topology_spread {

// constraints: the hard ones of the waiting pod, or why there are none.
// A pod was added, deleted, or has other labels or tolerations.
absl::StatusOr<framework::QueueingHint> AfterPodChange(
    const framework::PodInfo& pod, const absl::StatusOr<Constraints>& constraints,
    const google::protobuf::Message* old_object, const google::protobuf::Message* new_object);
// A node was added, deleted, or has other labels or taints.
absl::StatusOr<framework::QueueingHint> AfterNodeChange(
    const absl::StatusOr<Constraints>& constraints, const google::protobuf::Message* old_object,
    const google::protobuf::Message* new_object);

}  // namespace berth::plugins::pod_topology_spread
