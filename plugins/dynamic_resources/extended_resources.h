// Extended resources that come from devices: the claim that stands for those of a pod. It is made
// in memory, asks on each node for what that node does not offer by itself, and is written when
// the pod is bound.
// Source: kube-scheduler dynamicresources/extendeddynamicresources.go.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/fwd.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/resource_v1.pb.h"
#include "base/symbol.h"
#include "framework/pod_info.h"
#include "plugins/dynamic_resources/requests.h"

namespace berth::plugins::dynamic_resources {

// No claim of an API server can have that name.
inline constexpr std::string_view kExtendedClaimInMemory = "<extended-resources>";

bool IsInMemory(const api::dra::ResourceClaim& claim);

// Without requests, and a uid until the API server gives it one.
ClaimPtr NewExtendedClaim(const framework::PodInfo& pod, const std::string& uid);

using ResourceClasses = std::vector<std::pair<Symbol, ClassPtr>>;

struct ExtendedRequests {
  std::vector<api::dra::DeviceRequest> requests;  // by name
  // Which container gets the devices of which request, as the pod's status says it.
  api::core::PodExtendedResourceClaimStatus status;
};
// For those resources, each with the class that stands for it. Containers that run to their end
// before others start use these others' devices, and the largest of what they need beyond is
// asked for once.
ExtendedRequests ExtendedRequestsOf(const api::core::Pod& pod, ResourceClasses resources);

}  // namespace berth::plugins::dynamic_resources
