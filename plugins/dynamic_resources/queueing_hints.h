// What events mean for a pod that waits for claims. Pure but for looking claims up.
#pragma once

#include <absl/status/statusor.h>

#include "api/fwd.h"
#include "framework/events.h"
#include "plugins/dynamic_resources/claims.h"

namespace berth::plugins::dynamic_resources {

// Any claim that gives its devices back; one of the pod's that is new, or whose status changed.
// Nothing helps while the pod's claims are not all there.
absl::StatusOr<framework::QueueingHint> AfterClaimChange(
    const framework::PodInfo& pod, const google::protobuf::Message* old_object,
    const google::protobuf::Message* new_object, const FindClaim& find);

// The pod's own status names all its claims, and they are there.
absl::StatusOr<framework::QueueingHint> AfterPodChange(
    const framework::PodInfo& pod, const google::protobuf::Message* old_object,
    const google::protobuf::Message* new_object, const FindClaim& find);

}  // namespace berth::plugins::dynamic_resources
