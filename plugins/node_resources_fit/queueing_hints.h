// Which changes may make room for a pod.
#pragma once

#include <absl/status/statusor.h>

#include "api/scheduling/resources.h"
#include "framework/events.h"

namespace berth::plugins::node_resources_fit {

// The node grew in pods, or in a resource of which `request` wants more than 0.
bool HasGrown(const api::scheduling::Amounts& request, const api::scheduling::Allocatable& before,
              const api::scheduling::Allocatable& after);

// Pod/Delete: the deleted pod held, or was promised, a node. Pod/UpdatePodScaleDown: the waiting
// pod itself shrank, or a pod on a node shrank in a resource the waiting pod wants.
absl::StatusOr<framework::QueueingHint> AfterPodChange(const framework::PodInfo& pod,
                                                       const google::protobuf::Message* old_object,
                                                       const google::protobuf::Message* new_object);

// DeviceClass/Add, Update: the class has come to stand for a resource that the pod requests.
absl::StatusOr<framework::QueueingHint> AfterClassChange(
    const framework::PodInfo& pod, const google::protobuf::Message* old_object,
    const google::protobuf::Message* new_object);

}  // namespace berth::plugins::node_resources_fit
