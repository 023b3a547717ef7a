// Which pods of one node would have to go so that a pod of higher priority fits.
// Source: kube-scheduler defaultpreemption/default_preemption.go; plugins.md section 17.
#pragma once

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

// Indices of the choices that cost least, in order: fewest budget violations, least important first
// victim, least sum of priorities, fewest victims, and the latest start of the most important ones.
// Each has victims.
std::vector<size_t> LeastVictims(std::span<const Victims* const> choices);

}  // namespace berth::plugins::default_preemption
