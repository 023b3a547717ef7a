// Keys and values of signature fragments. Plugins that look at the same part of a pod put the
// same key and value, which counts once. The keys are upstream's (framework/signers.go).
#pragma once

#include <string_view>

#include "framework/fwd.h"

namespace berth::plugins {

inline constexpr std::string_view kTolerationsKey = "v1.Pod.Spec.Tolerations";
inline constexpr std::string_view kNodeAffinityKey = "v1.Pod.Spec.Affinity.NodeAffinity";
inline constexpr std::string_view kNodeSelectorKey = "v1.Pod.Spec.Affinity.NodeSelector";
inline constexpr std::string_view kNodeNameKey = "v1.Pod.Spec.NodeName";
inline constexpr std::string_view kHostPortsKey = "v1.Pod.Spec.HostPorts()";
inline constexpr std::string_view kRequestsKey = "v1.Pod.Spec.ContainerRequestsAndOverheads()";
inline constexpr std::string_view kRequiredFeaturesKey = "v1.Pod.Spec.RequiredFeatures()";
inline constexpr std::string_view kImageNamesKey = "v1.Pod.Spec.CanonicalImageNames()";

// Tolerations, in no order. Shared by NodeUnschedulable and TaintToleration.
void PutTolerations(const framework::PodInfo& pod, framework::SignatureBuilder& out);
// Effective requests, and those with defaults that NodeResourcesFit scores by: two pods may differ
// in the second alone. Shared by NodeResourcesFit and NodeResourcesBalancedAllocation.
void PutRequests(const framework::PodInfo& pod, framework::SignatureBuilder& out);

}  // namespace berth::plugins
