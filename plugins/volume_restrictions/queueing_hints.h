// Which changes may make a pod schedulable that VolumeRestrictions rejected.
// Source: kube-scheduler volumerestrictions/volume_restrictions.go; plugins.md section 13.
#pragma once

#include <absl/status/statusor.h>

#include "framework/events.h"

namespace berth::plugins::volume_restrictions {

// A pod of the namespace went that had one of the disks, or used one of the claims.
absl::StatusOr<framework::QueueingHint> AfterPodDeletion(
    const framework::PodInfo& pod, const google::protobuf::Message* old_object,
    const google::protobuf::Message* new_object);
// The claim came that the pod names.
absl::StatusOr<framework::QueueingHint> AfterClaimCreation(
    const framework::PodInfo& pod, const google::protobuf::Message* old_object,
    const google::protobuf::Message* new_object);

}  // namespace berth::plugins::volume_restrictions
