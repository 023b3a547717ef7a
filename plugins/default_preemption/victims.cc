#include "plugins/default_preemption/victims.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "api/resource_table.h"
#include "api/schema/policy_v1.pb.h"
#include "framework/object_source.h"

namespace berth::plugins::default_preemption {
namespace {

using framework::NodeInfo;
using framework::PodInfo;
using framework::PodPtr;
using framework::Status;

// Pods whose eviction would violate a budget, and the others, both in the order given. Every budget
// that picks a pod is drawn on.
struct Split {
  std::vector<PodPtr> violating, others;
};
Split SplitByBudget(const std::vector<PodPtr>& pods, std::span<const Budget> budgets) {
  std::vector<int64_t> allowed;
  for (const Budget& budget : budgets) allowed.push_back(budget.allowed);
  Split split;
  for (const PodPtr& pod : pods) {
    bool violates = false;
    for (size_t i = 0; i < budgets.size(); ++i) {
      const Budget& budget = budgets[i];
      if (budget.namespace_name != pod->namespace_name || pod->labels.size() == 0) continue;
      if (!budget.selector.Matches(pod->labels) || budget.disrupted.contains(pod->name)) continue;
      if (--allowed[i] < 0) violates = true;
    }
    (violates ? split.violating : split.others).push_back(pod);
  }
  return split;
}

// The node as it is tried out.
class Trial {
 public:
  Trial(framework::Handle& handle, const framework::CycleState& state, const PodInfo& preemptor,
        const NodeInfo& node)
      : handle_(handle), state_(state.Clone()), preemptor_(preemptor), node_(node) {}

  Status Remove(const PodPtr& pod) {
    node_.RemovePod(*pod);
    return handle_.RunRemovePod(state_, preemptor_, *pod, node_);
  }
  Status Add(const PodPtr& pod) {
    node_.AddPod(pod);
    return handle_.RunAddPod(state_, preemptor_, *pod, node_);
  }
  Status Fits() { return handle_.RunFiltersWithNominatedPods(state_, preemptor_, node_); }

 private:
  framework::Handle& handle_;
  framework::CycleState state_;
  const PodInfo& preemptor_;
  NodeInfo node_;
};

absl::Time EarliestStartOfTheMostImportant(std::span<const PodPtr> pods) {
  int32_t highest = std::numeric_limits<int32_t>::min();
  absl::Time earliest = absl::InfiniteFuture();
  for (const PodPtr& pod : pods) {
    if (pod->priority > highest) {
      highest = pod->priority;
      earliest = pod->start_time;
    } else if (pod->priority == highest) {
      earliest = std::min(earliest, pod->start_time);
    }
  }
  return earliest;
}

}  // namespace

std::vector<Budget> BudgetsOf(const framework::ObjectSource& objects) {
  std::vector<Budget> budgets;
  objects.ForEach(api::ResourceOf<api::policy::PodDisruptionBudget>(), {},
                  [&](const framework::ObjectPtr& held) {
                    const auto& object =
                        static_cast<const api::policy::PodDisruptionBudget&>(*held);
                    if (!object.spec().has_selector()) return;
                    auto selector = api::scheduling::CompileSelector(object.spec().selector());
                    if (!selector.ok() || selector->MatchesEverything()) return;
                    Budget budget;
                    budget.namespace_name = object.metadata().namespace_();
                    budget.selector = *std::move(selector);
                    budget.allowed = object.status().disruptions_allowed();
                    for (const auto& [name, when] : object.status().disrupted_pods()) {
                      budget.disrupted.insert(name);
                    }
                    budgets.push_back(std::move(budget));
                  });
  return budgets;
}

void SortByImportance(std::vector<PodPtr>& pods) {
  std::reverse(pods.begin(), pods.end());
  std::stable_sort(pods.begin(), pods.end(), [](const PodPtr& a, const PodPtr& b) {
    if (a->priority != b->priority) return a->priority > b->priority;
    return a->start_time < b->start_time;
  });
  // Only those that have not started stay reversed.
  const auto same = [](const PodPtr& a, const PodPtr& b) {
    return a->priority == b->priority && a->start_time == b->start_time;
  };
  for (auto first = pods.begin(); first != pods.end();) {
    auto end = std::find_if_not(first, pods.end(),
                                [&](const PodPtr& pod) { return same(*first, pod); });
    if ((*first)->start_time != absl::InfiniteFuture()) std::reverse(first, end);
    first = end;
  }
}

Victims SelectVictims(framework::Handle& handle, const framework::CycleState& state,
                      const PodInfo& preemptor, const NodeInfo& node,
                      std::span<const Budget> budgets) {
  static const Status* const kNobody =
      new Status(framework::Unresolvable("No preemption victims found for incoming pod"));
  Victims out;
  std::vector<PodPtr> potential;
  for (const PodPtr& pod : node.pods()) {
    if (pod->priority < preemptor.priority) potential.push_back(pod);
  }
  if (potential.empty()) {
    out.status = *kNobody;
    return out;
  }
  Trial trial(handle, state, preemptor, node);
  for (const PodPtr& pod : potential) {
    out.status = trial.Remove(pod);
    if (!out.status.ok()) return out;
  }
  out.status = trial.Fits();
  if (!out.status.ok()) return out;
  SortByImportance(potential);
  const Split split = SplitByBudget(potential, budgets);
  const auto reprieve = [&](const std::vector<PodPtr>& pods, bool violating) {
    for (const PodPtr& pod : pods) {
      out.status = trial.Add(pod);
      if (!out.status.ok()) return false;
      if (trial.Fits().ok()) continue;
      out.status = trial.Remove(pod);
      if (!out.status.ok()) return false;
      out.pods.push_back(pod);
      if (violating) ++out.violations;
    }
    return true;
  };
  if (!reprieve(split.violating, true) || !reprieve(split.others, false)) return out;
  if (!split.violating.empty() && !split.others.empty()) {
    SortByImportance(out.pods);
  }
  return out;
}

Cost CostOf(std::span<const PodPtr> pods, int64_t violations) {
  Cost cost;
  cost.violations = violations;
  cost.highest_priority = pods.front()->priority;
  for (const PodPtr& pod : pods) cost.priorities += int64_t{pod->priority} + (int64_t{1} << 31);
  cost.pods = std::ssize(pods);
  cost.earliest_start_ns = -absl::ToUnixNanos(EarliestStartOfTheMostImportant(pods));
  return cost;
}

std::vector<size_t> CheapestOf(std::span<const Cost> costs) {
  std::vector<size_t> cheapest;
  for (size_t i = 0; i < costs.size(); ++i) {
    if (!cheapest.empty() && costs[i] > costs[cheapest.front()]) continue;
    if (!cheapest.empty() && costs[i] < costs[cheapest.front()]) cheapest.clear();
    cheapest.push_back(i);
  }
  return cheapest;
}

}  // namespace berth::plugins::default_preemption
