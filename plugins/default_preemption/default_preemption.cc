#include "plugins/default_preemption/default_preemption.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/policy_v1.pb.h"
#include "api/schema/scheduling_v1alpha2.pb.h"
#include "framework/cycle/fit_error.h"
#include "framework/cycle/metrics.h"
#include "framework/object_source.h"
#include "framework/pod_group.h"
#include "framework/snapshot.h"
#include "plugins/default_preemption/victims.h"

namespace berth::plugins::default_preemption {
namespace {

using api::gang::PodGroup;
using framework::NodeIndex;
using framework::NodeInfo;
using framework::NominatingInfo;
using framework::PodInfo;
using framework::PodPtr;
using framework::PostFilterPlan;
using framework::PreemptionCandidate;
using framework::Status;
using Answer = KnownVictims::Answer;

bool IsBeingPreempted(const PodInfo& pod) {
  if (!pod.terminating) return false;
  const auto& conditions = pod.object().status().conditions();
  return std::any_of(conditions.begin(), conditions.end(), [](const auto& condition) {
    return condition.type() == "DisruptionTarget" && condition.status() == "True" &&
           condition.reason() == "PreemptionByScheduler";
  });
}

Status Prefixed(const Status& status) {
  const std::string message = status.Message();
  return message.empty() ? status : Status(status.code(), {"preemption: " + message});
}

}  // namespace

// Victims by node for one pod: what is known, else found out.
class DefaultPreemption::Search {
 public:
  Search(DefaultPreemption& plugin, const framework::CycleState& state, const PodInfo& pod)
      : plugin_(plugin), state_(state), pod_(pod) {
    plugin_.ReadBudgets();
    framework::NodeScope scope = plugin_.handle_.NodeScopeOf(pod);
    // Where there are budgets, victims are chosen by them as they are now.
    if (!scope.signature.empty() && !plugin_.budgets_.empty()) {
      scope.signature += fmt::format("/{}", plugin_.budgets_generation_);
    }
    plugin_.known_.Begin(plugin_.handle_.snapshot(), scope);
  }

  Answer On(NodeIndex node) const {
    const Answer known = plugin_.known_.Find(node);
    return known != Answer::kUnknown ? known : FindOut(node);
  }

  // Success, unless it is known that nobody's going helps on any of these nodes.
  Status WhyHopeless(std::span<const NodeIndex> nodes) const {
    const std::string* said = plugin_.known_.Hopeless(nodes);
    return said == nullptr ? framework::Success() : framework::Unschedulable(*said);
  }
  // It does not: each was tried.
  Status FindHopeless(std::span<const NodeIndex> nodes) const {
    framework::Diagnosis why_not;
    why_not.all_nodes = std::ssize(plugin_.handle_.snapshot().nodes());
    why_not.absent_status = framework::Unresolvable("Preemption is not helpful for scheduling");
    for (const NodeIndex node : nodes) {
      On(node);
      why_not.Count(plugin_.known_.VictimsOn(node).status);
    }
    plugin_.known_.KeepHopeless(nodes, why_not.Message());
    return framework::Unschedulable(why_not.Message());
  }

 private:
  Answer FindOut(NodeIndex index) const {
    const NodeInfo& node = *plugin_.handle_.snapshot().nodes()[static_cast<size_t>(index)];
    Victims found = SelectVictims(plugin_.handle_, state_, pod_, node, plugin_.budgets_);
    if (found.status.ok() && found.pods.empty()) {
      found.status = framework::Error(fmt::format("expected at least one victim pod on node {}",
                                                  api::GoQuoted(node.name())));
    }
    return plugin_.known_.Keep(index, std::move(found));
  }

  DefaultPreemption& plugin_;
  const framework::CycleState& state_;
  const PodInfo& pod_;
};

void DefaultPreemption::ReadBudgets() {
  if (budgets_generation_ == handle_.objects_generation()) return;
  budgets_generation_ = handle_.objects_generation();
  budgets_ = BudgetsOf(handle_.objects());
}

DefaultPreemption::DefaultPreemption(const DefaultPreemptionArgs& args, framework::Handle& handle)
    : percentage_(args.min_candidate_nodes_percentage.value_or(10)),
      absolute_(args.min_candidate_nodes_absolute.value_or(100)),
      handle_(handle),
      evictions_(handle, kName) {
  handle.Watch(api::ResourceOf<api::policy::PodDisruptionBudget>());
  if (handle.pod_group_features().topology_aware) handle.Watch(api::ResourceOf<PodGroup>());
}

Status DefaultPreemption::PreEnqueue(const PodInfo& pod) {
  static const Status* const kUnderWay = new Status(
      framework::Unresolvable("waiting for the preemption for this pod to be finished"));
  return evictions_.IsUnderWay(pod.uid) ? *kUnderWay : framework::Success();
}

// A pod of a group that is placed as a whole does not preempt by itself.
Status DefaultPreemption::GroupMayPreempt(const PodInfo& pod) const {
  const bool in_group = !framework::PodGroupOf(pod).empty();
  if (!in_group || !handle_.pod_group_features().topology_aware) return framework::Success();
  const auto object = framework::FindPodGroup(handle_.objects(), pod);
  if (object == nullptr) return framework::Unschedulable("pod group for pod not found");
  if (!object->spec().has_scheduling_constraints()) return framework::Success();
  return framework::Unschedulable(
      "not eligible due to placement-based pod group scheduling limitation");
}

Status DefaultPreemption::MayPreempt(const PodInfo& pod,
                                     const framework::NodeStatusReader& statuses) const {
  if (const Status status = GroupMayPreempt(pod); !status.ok()) return status;
  if (pod.object().spec().preemption_policy() == "Never") {
    return framework::Unschedulable("not eligible due to preemptionPolicy=Never.");
  }
  const std::string& nominated = pod.nominated_node_name;
  if (nominated.empty() ||
      statuses.Get(nominated).code() == framework::Code::kUnschedulableAndUnresolvable) {
    return framework::Success();
  }
  const NodeInfo* node = handle_.snapshot().Find(nominated);
  if (node == nullptr) return framework::Success();
  for (const PodPtr& there : node->pods()) {
    if (there->priority < pod.priority && IsBeingPreempted(*there)) {
      return framework::Unschedulable(
          "not eligible due to a terminating pod on the nominated node.");
    }
  }
  return framework::Success();
}

// Where the pod could be placed; without candidates: why not.
struct DefaultPreemption::Found {
  Status status;
  std::optional<NominatingInfo> nominating;
  std::vector<NodeIndex> candidates;
};

DefaultPreemption::Found DefaultPreemption::Candidates(
    const framework::CycleState& state, const PodInfo& pod,
    const framework::NodeStatusReader& statuses, bool all) {
  Found found;
  found.status = MayPreempt(pod, statuses);
  if (!found.status.ok()) return found;
  const std::span<const NodeIndex> nodes = statuses.NodesWith(framework::Code::kUnschedulable);
  const int64_t count = std::ssize(nodes);
  int64_t offset = 0, enough = count;
  if (!all && count > 0) {
    offset = static_cast<int64_t>(handle_.random().Below(static_cast<uint64_t>(count)));
    enough = std::min(count, std::max(count * percentage_ / 100, absolute_));
  }
  const Search search(*this, state, pod);
  found.status = search.WhyHopeless(nodes);
  if (!found.status.ok()) {
    found.nominating = NominatingInfo{NominatingInfo::Mode::kOverride, ""};
    return found;
  }
  std::vector<NodeIndex> violating;
  Status error;
  found.candidates.reserve(static_cast<size_t>(enough));
  int64_t helpful = 0;
  for (int64_t i = 0, at = offset; i < count; ++i, at = at + 1 < count ? at + 1 : 0) {
    if (helpful > 0 && helpful + std::ssize(violating) >= enough) break;
    const NodeIndex node = nodes[static_cast<size_t>(at)];
    switch (search.On(node)) {
      case Answer::kHelps:
        ++helpful;
        found.candidates.push_back(node);
        break;
      case Answer::kViolates:
        if (std::ssize(violating) < enough) violating.push_back(node);
        break;
      case Answer::kError: error = known_.VictimsOn(node).status; break;
      case Answer::kRejects:
      case Answer::kUnknown: break;
    }
  }
  found.candidates.insert(found.candidates.end(), violating.begin(), violating.end());
  if (!found.candidates.empty()) return found;
  found.status = error;
  if (!error.ok()) return found;
  found.status = search.FindHopeless(nodes);
  found.nominating = NominatingInfo{NominatingInfo::Mode::kOverride, ""};
  return found;
}

PreemptionCandidate DefaultPreemption::AsShown(NodeIndex node) const {
  const NodeInfo& info = *handle_.snapshot().nodes()[static_cast<size_t>(node)];
  const Victims& victims = known_.VictimsOn(node);
  return {std::string(info.name()), victims.pods, victims.violations};
}

PostFilterPlan DefaultPreemption::PlanPostFilter(const framework::CycleState& state,
                                                 const PodInfo& pod,
                                                 const framework::NodeStatusReader& statuses) {
  const Found found = Candidates(state, pod, statuses, /*all=*/true);
  PostFilterPlan plan;
  plan.status = Prefixed(found.status);
  plan.nominating = found.nominating;
  if (!found.status.ok()) return plan;
  std::vector<Cost> costs;
  for (const NodeIndex node : found.candidates) {
    plan.candidates.push_back(AsShown(node));
    costs.push_back(known_.CostOn(node));
  }
  for (const size_t i : CheapestOf(costs)) plan.pick.push_back(plan.candidates[i].node);
  plan.nominating = NominatingInfo{NominatingInfo::Mode::kOverride, plan.pick.front()};
  return plan;
}

void DefaultPreemption::PostFilter(framework::CycleState& state, const PodInfo& pod,
                                   const framework::NodeStatusReader& statuses,
                                   framework::PostFilterDone done) {
  handle_.metrics().PreemptionAttempt();
  const auto object = handle_.objects().Get(api::ResourceOf<api::core::Pod>(), pod.namespace_name,
                                            pod.name);
  if (object == nullptr ||
      static_cast<const api::core::Pod&>(*object).metadata().uid() != pod.uid) {
    return done({Prefixed(framework::Error(
                     fmt::format("pod {} not found", api::GoQuoted(pod.name)))),
                 std::nullopt});
  }
  const auto read = [&] {
    return PodInfo::Make(std::static_pointer_cast<const api::core::Pod>(object));
  };
  PodPtr current = object.get() == &pod.object() ? nullptr : read();
  Found found = Candidates(state, current ? *current : pod, statuses, /*all=*/false);
  if (!found.status.ok()) return done({Prefixed(found.status), found.nominating});
  if (!current) current = read();
  Preempt(current, std::move(found), std::move(done));
}

void DefaultPreemption::Preempt(const PodPtr& pod, Found found, framework::PostFilterDone done) {
  const auto on = [this, pod](const PreemptionCandidate& best, framework::PostFilterDone& then) {
    evictions_.Start(pod, best);
    then({framework::Success(), NominatingInfo{NominatingInfo::Mode::kOverride, best.node}});
  };
  if (!handle_.ExtendersPreempt(*pod)) {
    const auto& nodes = found.candidates;
    const NodeIndex best = *std::min_element(
        nodes.begin(), nodes.end(),
        [this](NodeIndex a, NodeIndex b) { return known_.CostOn(a) < known_.CostOn(b); });
    return on(AsShown(best), done);
  }
  std::vector<PreemptionCandidate> shown;
  for (const NodeIndex node : found.candidates) shown.push_back(AsShown(node));
  handle_.AskExtendersToPreempt(
      pod, std::move(shown),
      [on, done = std::move(done)](
          absl::StatusOr<std::vector<PreemptionCandidate>> left) mutable {
        if (!left.ok()) return done({Prefixed(Status::FromError(left.status())), std::nullopt});
        if (left->empty()) {
          return done({Prefixed(framework::Unschedulable("no candidate node for preemption")),
                       std::nullopt});
        }
        std::vector<Cost> costs;
        for (const PreemptionCandidate& each : *left) {
          costs.push_back(CostOf(each.victims, each.budget_violations));
        }
        on((*left)[CheapestOf(costs).front()], done);
      });
}

std::optional<std::vector<framework::ClusterEventWithHint>> DefaultPreemption::EventsToRegister()
    const {
  const auto never = [](const PodInfo&, const auto*, const auto*) {
    return framework::QueueingHint::kSkip;
  };
  return {{{{std::string(framework::kPodResource), framework::kDelete, ""}, never}}};
}

}  // namespace berth::plugins::default_preemption
