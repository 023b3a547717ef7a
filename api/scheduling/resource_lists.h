// What a pod requests and is limited to, by resource name and as exact quantities: for metrics and
// reports. The arithmetic is that of resources.h.
// Source: component-helpers/resource/helpers.go (PodRequests, PodLimits).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "api/fwd.h"
#include "api/quantity.h"

namespace berth::api::scheduling {

using ResourceList = std::vector<std::pair<std::string, Quantity>>;  // by name

// Of all containers and the pod level, overhead included.
ResourceList PodRequestList(const core::Pod& pod);
// Likewise; overhead counts only towards limits that are there.
ResourceList PodLimitList(const core::Pod& pod);

}  // namespace berth::api::scheduling
