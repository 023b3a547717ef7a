// The quality-of-service class of a pod, fixed when it is created.
#pragma once

#include <string_view>

#include "api/fwd.h"

namespace berth::api {

// "Guaranteed": every container has cpu and memory limits, and requests equal to them;
// "BestEffort": none has any of them; "Burstable": the rest. spec.resources, when set, decides
// alone. Source: pkg/apis/core/helper/qos/qos.go ComputePodQOS.
std::string_view PodQosClass(const core::PodSpec& spec);

}  // namespace berth::api
