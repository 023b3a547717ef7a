// Which pods of one node would have to go so that a pod of higher priority fits.
// Source: kube-scheduler defaultpreemption/default_preemption.go; plugins.md section 17.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "api/fwd.h"
#include "api/scheduling/label_selector.h"
#include "base/strings.h"
#include "framework/cycle_state.h"
#include "framework/handle.h"
#include "framework/node_info.h"
#include "framework/pod_info.h"
#include "framework/status.h"

namespace berth::plugins::default_preemption {

// A PodDisruptionBudget, as far as it counts here.
struct Budget {
  std::string namespace_name;
  api::scheduling::CompiledSelector selector;
  int64_t allowed = 0;  // disruptions
  StringSet disrupted;  // names of pods whose disruption has been counted
};
// Those whose selector parses and picks some pods but not all.
std::vector<Budget> BudgetsOf(const framework::ObjectSource& objects);

// Higher priority first, then the one that runs longer. Pods that have not started come last, in
// reverse order: upstream takes the time of asking for the start of each, so that of two the one
// asked for first is the more important, and its sort asks for the later one first.
void SortByImportance(std::vector<framework::PodPtr>& pods);

struct Victims {
  framework::Status status;  // Success: these are they
  std::vector<framework::PodPtr> pods;  // the most important first
  int64_t violations = 0;    // of budgets
};
// Takes all pods of lower priority away, and puts back, the most important first and those whose
// budget would be violated before the others, whatever the pod fits beside.
// UnschedulableAndUnresolvable when there is nobody to take away; the rejection when it does not
// help. state, node: are copied only when there is somebody.
Victims SelectVictims(framework::Handle& handle, const framework::CycleState& state,
                      const framework::PodInfo& preemptor, const framework::NodeInfo& node,
                      std::span<const Budget> budgets);

// What it costs that victims go; the lesser is the better choice, the first field that differs
// decides.
struct Cost {
  int64_t violations = 0;         // of budgets
  int32_t highest_priority = 0;   // of the most important one
  int64_t priorities = 0;         // their sum, each counted from the least there is
  int64_t pods = 0;
  int64_t earliest_start_ns = 0;  // negative Unix time: of the most important, the latest is best
  friend auto operator<=>(const Cost&, const Cost&) = default;
};
// pods: not empty, the most important first.
Cost CostOf(std::span<const framework::PodPtr> pods, int64_t violations);
// Indices of those that cost least, in order.
std::vector<size_t> CheapestOf(std::span<const Cost> costs);

}  // namespace berth::plugins::default_preemption
