// Which changes may make a pod schedulable that VolumeZone rejected.
// Source: kube-scheduler volumezone/volume_zone.go; plugins.md section 16.
#pragma once

#include <absl/status/statusor.h>

#include "framework/events.h"

namespace berth::plugins::volume_zone {

// A class came that waits for the first consumer.
absl::StatusOr<framework::QueueingHint> AfterClassCreation(
    const framework::PodInfo& pod, const google::protobuf::Message* old_object,
    const google::protobuf::Message* new_object);
// A claim that the pod names came or changed.
absl::StatusOr<framework::QueueingHint> AfterClaimChange(
    const framework::PodInfo& pod, const google::protobuf::Message* old_object,
    const google::protobuf::Message* new_object);
// A volume came, or is in other zones.
absl::StatusOr<framework::QueueingHint> AfterVolumeChange(
    const framework::PodInfo& pod, const google::protobuf::Message* old_object,
    const google::protobuf::Message* new_object);

}  // namespace berth::plugins::volume_zone
