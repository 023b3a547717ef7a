// What the scheduler writes into a pod's status: the PodScheduled condition of a failed attempt,
// and the node it nominates.
//
// A write that nobody answered (the network lost it, the server was restarting) is sent again,
// later and later, for as long as the pod waits for the outcome it describes: until it is tried
// again, bound or gone. So a pod that waits says why, also after a bad moment of the network.
// Upstream sends once. Source: kube-scheduler schedule_one.go (updatePod), util.PatchPodStatus.
#pragma once

#include <optional>
#include <string_view>

#include "framework/cycle/engine_core.h"

namespace berth::framework {

// The condition, and what the attempt nominates; nothing when the pod's object says so already.
// reason: "Unschedulable" or "SchedulerError".
void PatchFailure(EngineCore& core, const PodPtr& pod, std::string_view reason,
                  std::string_view message, const std::optional<NominatingInfo>& nominating);

// Writes status.nominatedNodeName alone, once.
void PatchNomination(EngineCore& core, const PodInfo& pod, std::string_view node_name);

}  // namespace berth::framework
