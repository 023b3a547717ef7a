// What a scheduler and an extender say to each other, as JSON. Field names are written as upstream
// writes them, and read in any case, as Go reads them.
// Source: k8s.io/kube-scheduler/extender/v1/types.go; framework.md section 6.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "framework/extender.h"
#include "framework/plugin.h"
#include "framework/pod_info.h"

namespace berth::scheduler {

// {"Pod":..,"Nodes":{..},"NodeNames":null}, of nodes that are JSON already; or by name.
std::string ExtenderArgs(const framework::PodInfo& pod,
                         const std::vector<std::string_view>& nodes_json);
std::string ExtenderArgsByName(const framework::PodInfo& pod,
                               const std::vector<framework::NodePtr>& nodes);
std::string ExtenderBindingArgs(const framework::PodInfo& pod, std::string_view node);
// by_uid: victims are named only ("meta victims").
std::string ExtenderPreemptionArgs(const framework::PodInfo& pod,
                                   const std::vector<framework::PreemptionCandidate>& candidates,
                                   bool by_uid);

// Errors: what the extender says went wrong, text that is not JSON, a field of the wrong type.
// extender: its name, for messages. by_name: the answer may name nodes, each one of `asked`.
absl::StatusOr<framework::ExtenderFilterResult> ParseFilterResult(
    std::string_view text, std::string_view extender, bool by_name,
    const std::vector<framework::NodePtr>& asked);
absl::StatusOr<framework::Extender::Scores> ParseHostPriorities(std::string_view text);
absl::Status ParseBindingResult(std::string_view text);
absl::StatusOr<std::vector<framework::ExtenderVictims>> ParsePreemptionResult(
    std::string_view text);

}  // namespace berth::scheduler
