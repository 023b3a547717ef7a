// Sums of what the containers of a pod ask for, as quantities: the form defaulting, QoS and
// validation need (the scheduler's integer form is api/scheduling/resources.h).
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "api/fwd.h"
#include "api/quantity.h"

namespace google::protobuf {
template <typename K, typename V>
class Map;
}

namespace berth::api {

using ResourceList = google::protobuf::Map<std::string, resource::Quantity>;
using QuantityMap = std::map<std::string, Quantity, std::less<>>;

// Containers and sidecars summed; init containers run one after the other, each beside the
// sidecars started before it, so their part is a maximum. Overhead and spec.resources are not in.
// Source: component-helpers/resource/helpers.go AggregateContainerRequests, ...Limits.
QuantityMap AggregateContainerRequests(const core::PodSpec& spec);
QuantityMap AggregateContainerLimits(const core::PodSpec& spec);

// May stand in spec.resources: cpu, memory, hugepages-*.
bool IsPodLevelResource(std::string_view name);
bool IsHugePages(std::string_view name);  // "hugepages-2Mi"
// Requests below limits make sense: native resources other than hugepages.
bool AllowsOvercommit(std::string_view name);
// No domain, or one under kubernetes.io.
bool IsNativeResource(std::string_view name);

}  // namespace berth::api
