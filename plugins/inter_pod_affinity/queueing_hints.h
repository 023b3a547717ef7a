// Which changes may make a pod schedulable that InterPodAffinity rejected.
// Source: kube-scheduler interpodaffinity/plugin.go; plugins.md section 12.
#pragma once

#include <absl/status/statusor.h>

#include "framework/events.h"

namespace berth::plugins::inter_pod_affinity {

// A pod was added, deleted, or has other labels. Namespaces count by name alone: selectors are not
// looked up, as upstream.
absl::StatusOr<framework::QueueingHint> AfterPodChange(
    const framework::PodInfo& pod, const google::protobuf::Message* old_object,
    const google::protobuf::Message* new_object);
// A node was added, or has other labels.
absl::StatusOr<framework::QueueingHint> AfterNodeChange(
    const framework::PodInfo& pod, const google::protobuf::Message* old_object,
    const google::protobuf::Message* new_object);

}  // namespace berth::plugins::inter_pod_affinity
