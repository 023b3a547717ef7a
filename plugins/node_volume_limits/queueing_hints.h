// Which changes may make a pod schedulable that NodeVolumeLimits rejected.
// Source: kube-scheduler nodevolumelimits/csi.go; plugins.md section 14.
#pragma once

#include <absl/status/statusor.h>

#include "framework/events.h"

namespace berth::plugins::node_volume_limits {

// A driver can attach more than before.
absl::StatusOr<framework::QueueingHint> AfterCsiNodeUpdate(
    const framework::PodInfo& pod, const google::protobuf::Message* old_object,
    const google::protobuf::Message* new_object);
// A pod with a place and with volumes that count went.
absl::StatusOr<framework::QueueingHint> AfterPodDeletion(
    const framework::PodInfo& pod, const google::protobuf::Message* old_object,
    const google::protobuf::Message* new_object);
// A claim of the pod came.
absl::StatusOr<framework::QueueingHint> AfterClaimCreation(
    const framework::PodInfo& pod, const google::protobuf::Message* old_object,
    const google::protobuf::Message* new_object);
// A volume was detached: of any driver when the pod names a claim, else of one of its volumes'.
absl::StatusOr<framework::QueueingHint> AfterAttachmentDeletion(
    const framework::PodInfo& pod, const google::protobuf::Message* old_object,
    const google::protobuf::Message* new_object);

}  // namespace berth::plugins::node_volume_limits
