// Which changes may make a pod schedulable that VolumeBinding rejected.
// Source: kube-scheduler volumebinding/volume_binding.go; plugins.md section 15.
#pragma once

#include <absl/status/statusor.h>

#include "framework/events.h"

namespace berth::plugins::volume_binding {

// A class came, or may be used elsewhere.
absl::StatusOr<framework::QueueingHint> AfterClassChange(
    const framework::PodInfo& pod, const google::protobuf::Message* old_object,
    const google::protobuf::Message* new_object);
// A claim of the pod came or changed.
absl::StatusOr<framework::QueueingHint> AfterClaimChange(
    const framework::PodInfo& pod, const google::protobuf::Message* old_object,
    const google::protobuf::Message* new_object);
// A CSINode came, or other old plugins moved to drivers there.
absl::StatusOr<framework::QueueingHint> AfterCsiNodeChange(
    const framework::PodInfo& pod, const google::protobuf::Message* old_object,
    const google::protobuf::Message* new_object);
// The driver of an inline CSI volume of the pod no longer limits where volumes can be made.
absl::StatusOr<framework::QueueingHint> AfterCsiDriverChange(
    const framework::PodInfo& pod, const google::protobuf::Message* old_object,
    const google::protobuf::Message* new_object);
// A capacity was reported first, or grew.
absl::StatusOr<framework::QueueingHint> AfterCapacityChange(
    const framework::PodInfo& pod, const google::protobuf::Message* old_object,
    const google::protobuf::Message* new_object);

}  // namespace berth::plugins::volume_binding
