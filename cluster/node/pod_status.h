// The status of a pod that a simulated kubelet reports.
// Source: pkg/kubelet/status/generate.go, kubelet_pods.go.
#pragma once

#include <string>

#include <absl/time/time.h>

#include "api/fwd.h"
#include "cluster/node/pod_lifecycle.h"

namespace berth::node {

struct PodAddresses {
  std::string host_ip;
  std::string pod_ip;  // the same as host_ip for hostNetwork pods
};

// The status that says where the pod is. Built on the one it has: what is not the kubelet's
// (PodScheduled and other conditions, qosClass, nominatedNodeName, claims) stays, and transition
// times and container statuses that still hold stay, so that a status that tells the truth already
// comes back equal. kStopping changes nothing; kStopped gives a terminal phase.
api::core::PodStatus BuildStatus(const api::core::Pod& pod, const PodPlan& plan,
                                 const PodProgress& progress, const PodAddresses& addresses,
                                 absl::Time now);

// Equal as the API shows them.
bool SameStatus(const api::core::PodStatus& a, const api::core::PodStatus& b);

// hostNetwork pods have their node's address.
bool UsesHostNetwork(const api::core::Pod& pod);

}  // namespace berth::node
