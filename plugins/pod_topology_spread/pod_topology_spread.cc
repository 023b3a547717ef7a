#include "plugins/pod_topology_spread/pod_topology_spread.h"

#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include <absl/container/flat_hash_map.h>
#include <fmt/core.h>

#include "api/schema/core_v1_pod.pb.h"
#include "base/strings.h"
#include "framework/handle.h"
#include "framework/snapshot.h"
#include "plugins/pod_topology_spread/queueing_hints.h"
#include "plugins/pod_topology_spread/spread_classes.h"

namespace berth::plugins::pod_topology_spread {
namespace {

using framework::NodeInfo;
using framework::PodInfo;
using framework::Status;

constexpr framework::StateKey kPreFilterState{"PreFilterPodTopologySpread"};
constexpr framework::StateKey kPreScoreState{"PreScorePodTopologySpread"};

using Counts = absl::flat_hash_map<Symbol, int64_t>;  // by value of one key

std::vector<SpreadConstraintArgs> Defaults(const PodTopologySpreadArgs& args) {
  if (args.defaulting_type != "System") return args.default_constraints;
  SpreadConstraintArgs by_node, by_zone;
  by_node.max_skew = 3;
  by_node.topology_key = "kubernetes.io/hostname";
  by_node.when_unsatisfiable = "ScheduleAnyway";
  by_zone.max_skew = 5;
  by_zone.topology_key = "topology.kubernetes.io/zone";
  by_zone.when_unsatisfiable = "ScheduleAnyway";
  return {by_node, by_zone};
}

// The two smallest counts of a key, and their values; upstream keeps no more, and after pods are
// moved in simulations the second is not always the second smallest.
class CriticalPaths {
 public:
  int64_t least() const { return paths_[0].count; }
  void Update(Symbol value, int64_t count) {
    for (size_t i = 0; i < paths_.size(); ++i) {
      if (!(paths_[i].value == value)) continue;
      paths_[i].count = count;
      if (paths_[0].count > paths_[1].count) std::swap(paths_[0], paths_[1]);
      return;
    }
    if (count < paths_[0].count) {
      paths_[1] = paths_[0];
      paths_[0] = {value, count};
    } else if (count < paths_[1].count) {
      paths_[1] = {value, count};
    }
  }

 private:
  struct Path {
    Symbol value;
    int64_t count = std::numeric_limits<int32_t>::max();
  };
  std::array<Path, 2> paths_;
};

Status Failed(std::string_view what, const absl::Status& why) {
  return framework::Error(std::string(what) + ": " + std::string(ToStd(why.message())));
}

}  // namespace

struct PodTopologySpread::PreFilterState final : framework::StateData {
  std::shared_ptr<const Constraints> constraints;  // shared by clones
  std::vector<Counts> counts;                      // by constraint
  std::vector<CriticalPaths> paths;
  std::unique_ptr<framework::StateData> Clone() const override {
    return std::make_unique<PreFilterState>(*this);
  }
};

struct PodTopologySpread::PreScoreState final : framework::StateData {
  Constraints constraints;
  std::vector<Counts> counts;   // by constraint; none for the hostname
  std::vector<double> weights;  // by constraint
  bool require_all = false;     // nodes without all keys score nothing
  std::unique_ptr<framework::StateData> Clone() const override {
    return std::make_unique<PreScoreState>(*this);
  }
  bool Ignores(const NodeInfo& node) const {
    return require_all && !HasAllKeys(node, constraints);
  }
};

PodTopologySpread::PodTopologySpread(const PodTopologySpreadArgs& args, framework::Handle& handle)
    : default_hard_(CompileDefaults(Defaults(args), Action::kDoNotSchedule)),
      default_soft_(CompileDefaults(Defaults(args), Action::kScheduleAnyway)),
      system_defaults_(args.defaulting_type == "System"),
      handle_(handle) {
  if (!default_hard_.empty() || !default_soft_.empty()) WatchForDefaults(handle);
}

absl::StatusOr<Constraints> PodTopologySpread::ConstraintsFor(const PodInfo& pod,
                                                              Action action) const {
  const auto& texts = pod.object().spec().topology_spread_constraints();
  if (!texts.empty()) return Compile(texts, action, pod.labels);
  const Constraints& defaults =
      action == Action::kDoNotSchedule ? default_hard_ : default_soft_;
  if (defaults.empty()) return Constraints();
  const auto selector = DefaultSelector(pod, handle_.objects());
  if (selector.MatchesEverything()) return Constraints();
  Constraints out = defaults;
  for (Constraint& each : out) each.selector = selector;
  return out;
}

// --- filtering ---------------------------------------------------------------------------------

framework::PreFilterResult PodTopologySpread::PreFilter(framework::CycleState& state,
                                                        const PodInfo& pod,
                                                        const framework::Snapshot& snapshot) {
  auto constraints = ConstraintsFor(pod, Action::kDoNotSchedule);
  if (!constraints.ok()) {
    return {Failed("get constraints from pod: obtaining pod's hard topology spread constraints",
                   constraints.status()),
            {}};
  }
  if (constraints->empty()) return {framework::Skip(), {}};
  auto made = std::make_unique<PreFilterState>();
  made->counts.resize(constraints->size());
  made->paths.resize(constraints->size());
  for (const NodeInfo* node : snapshot.nodes()) {
    if (!HasAllKeys(*node, *constraints)) continue;
    for (size_t i = 0; i < constraints->size(); ++i) {
      const Constraint& constraint = (*constraints)[i];
      if (!constraint.Counts(pod, *node)) continue;
      Symbol value;
      node->labels().Get(constraint.topology_key, &value);
      made->counts[i][value] += CountMatching(*node, constraint.selector, pod.namespace_symbol);
    }
  }
  // In the order of the nodes, not of a hash map: which of equal counts are tracked matters once
  // pods are added and removed.
  for (const NodeInfo* node : snapshot.nodes()) {
    for (size_t i = 0; i < constraints->size(); ++i) {
      Symbol value;
      if (!node->labels().Get((*constraints)[i].topology_key, &value)) continue;
      auto it = made->counts[i].find(value);
      if (it != made->counts[i].end()) made->paths[i].Update(value, it->second);
    }
  }
  made->constraints = std::make_shared<const Constraints>(*std::move(constraints));
  state.Write(kPreFilterState, std::move(made));
  return {};
}

void PodTopologySpread::Count(framework::CycleState& state, const PodInfo& pod,
                              const PodInfo& other, const NodeInfo& node, int sign) {
  auto* held = state.Mutable<PreFilterState>(kPreFilterState);
  if (held == nullptr || !(other.namespace_symbol == pod.namespace_symbol)) return;
  const Constraints& constraints = *held->constraints;
  if (!HasAllKeys(node, constraints)) return;
  for (size_t i = 0; i < constraints.size(); ++i) {
    if (!constraints[i].selector.Matches(other.labels)) continue;
    if (!constraints[i].Counts(pod, node)) continue;
    Symbol value;
    node.labels().Get(constraints[i].topology_key, &value);
    const int64_t count = held->counts[i][value] += sign;
    held->paths[i].Update(value, count);
  }
}

Status PodTopologySpread::AddPod(framework::CycleState& state, const PodInfo& to_schedule,
                                 const PodInfo& added, const NodeInfo& node) {
  Count(state, to_schedule, added, node, 1);
  return framework::Success();
}

Status PodTopologySpread::RemovePod(framework::CycleState& state, const PodInfo& to_schedule,
                                    const PodInfo& removed, const NodeInfo& node) {
  Count(state, to_schedule, removed, node, -1);
  return framework::Success();
}

Status PodTopologySpread::Filter(const framework::CycleState& state, const PodInfo& pod,
                                 const NodeInfo& node) const {
  static const Status* const kNoLabel = new Status(framework::Unresolvable(kReasonLabel));
  static const Status* const kSkewed = new Status(framework::Unschedulable(kReasonSkew));
  const auto* held = state.Read<PreFilterState>(kPreFilterState);
  for (size_t i = 0; i < held->constraints->size(); ++i) {
    const Constraint& constraint = (*held->constraints)[i];
    Symbol value;
    if (!node.labels().Get(constraint.topology_key, &value)) return *kNoLabel;
    const Counts& counts = held->counts[i];
    const auto domains = static_cast<int64_t>(counts.size());
    const int64_t least = domains < constraint.min_domains ? 0 : held->paths[i].least();
    const int64_t self = constraint.selector.Matches(pod.labels) ? 1 : 0;
    auto it = counts.find(value);
    const int64_t there = it == counts.end() ? 0 : it->second;
    if (there + self - least > constraint.max_skew) return *kSkewed;
  }
  return framework::Success();
}

bool PodTopologySpread::RequiresAllKeys(const PodInfo& pod) const {
  return !system_defaults_ || !pod.object().spec().topology_spread_constraints().empty();
}

// --- scoring -----------------------------------------------------------------------------------

Status PodTopologySpread::PreScore(framework::CycleState& state, const PodInfo& pod,
                                   std::span<const NodeInfo* const> feasible) {
  const auto nodes = handle_.snapshot().nodes();
  if (nodes.empty()) return framework::Skip();
  auto constraints = ConstraintsFor(pod, Action::kScheduleAnyway);
  if (!constraints.ok()) {
    return Failed("calculating preScoreState: obtaining pod's soft topology spread constraints",
                  constraints.status());
  }
  if (constraints->empty()) return framework::Skip();
  auto made = std::make_unique<PreScoreState>();
  made->constraints = *std::move(constraints);
  made->require_all = RequiresAllKeys(pod);
  const size_t count = made->constraints.size();
  made->counts.resize(count);
  int64_t ignored = 0;
  for (const NodeInfo* node : feasible) {
    if (made->Ignores(*node)) {
      ++ignored;
      continue;
    }
    for (size_t i = 0; i < count; ++i) {
      if (made->constraints[i].topology_key == HostnameKey()) continue;
      Symbol value;  // empty when there is no such label
      node->labels().Get(made->constraints[i].topology_key, &value);
      made->counts[i].try_emplace(value, 0);
    }
  }
  for (size_t i = 0; i < count; ++i) {
    const bool by_node = made->constraints[i].topology_key == HostnameKey();
    const int64_t size = by_node ? std::ssize(feasible) - ignored
                                 : static_cast<int64_t>(made->counts[i].size());
    made->weights.push_back(std::log(static_cast<double>(size + 2)));
  }
  for (const NodeInfo* node : nodes) {
    if (made->Ignores(*node)) continue;
    for (size_t i = 0; i < count; ++i) {
      const Constraint& constraint = made->constraints[i];
      if (!constraint.Counts(pod, *node)) continue;
      Symbol value;
      node->labels().Get(constraint.topology_key, &value);
      auto it = made->counts[i].find(value);
      if (it == made->counts[i].end()) continue;  // on no feasible node, or by node
      it->second += CountMatching(*node, constraint.selector, pod.namespace_symbol);
    }
  }
  state.Write(kPreScoreState, std::move(made));
  return framework::Success();
}

framework::Scored PodTopologySpread::Score(const framework::CycleState& state, const PodInfo& pod,
                                           const NodeInfo& node) const {
  const auto* held = state.Read<PreScoreState>(kPreScoreState);
  if (held->Ignores(node)) return {0, {}};
  double sum = 0;
  for (size_t i = 0; i < held->constraints.size(); ++i) {
    const Constraint& constraint = held->constraints[i];
    Symbol value;
    if (!node.labels().Get(constraint.topology_key, &value)) continue;
    int64_t there = 0;
    if (constraint.topology_key == HostnameKey()) {
      there = CountMatching(node, constraint.selector, pod.namespace_symbol);
    } else if (auto it = held->counts[i].find(value); it != held->counts[i].end()) {
      there = it->second;
    }
    sum += static_cast<double>(there) * held->weights[i] +
           static_cast<double>(constraint.max_skew - 1);
  }
  return {static_cast<int64_t>(std::round(sum)), {}};
}

Status PodTopologySpread::NormalizeScore(const framework::CycleState& state, const PodInfo&,
                                         std::span<framework::NodeScore> scores) const {
  const auto* held = state.Read<PreScoreState>(kPreScoreState);
  const auto nodes = handle_.snapshot().nodes();
  const auto ignored = [&](const framework::NodeScore& each) {
    return held->Ignores(*nodes[static_cast<size_t>(each.node)]);
  };
  int64_t least = std::numeric_limits<int64_t>::max();
  int64_t most = 0;
  for (const auto& each : scores) {
    if (ignored(each)) continue;
    least = std::min(least, each.score);
    most = std::max(most, each.score);
  }
  for (auto& each : scores) {
    each.score = ignored(each) ? 0 : NormalizedSpread(each.score, least, most);
  }
  return framework::Success();
}

// --- what it depends on ------------------------------------------------------------------------

framework::Dependencies PodTopologySpread::DependsOn(const PodInfo&) const {
  return {.filter = framework::Scope::kDomain,
          .score = framework::Scope::kFeasibleSet,
          .node_fields =
              framework::kNodeLabels | framework::kNodePods | framework::kNodeTaints,
          .domains = {},
          .objects = {std::begin(kObjectsOfDefaults), std::end(kObjectsOfDefaults)}};
}

bool PodTopologySpread::Abstains(const PodInfo& pod) const {
  if (!pod.object().spec().topology_spread_constraints().empty()) return false;
  if (default_hard_.empty() && default_soft_.empty()) return true;
  return DefaultSelector(pod, handle_.objects()).MatchesEverything();
}

bool PodTopologySpread::Classifies(const PodInfo&) const { return true; }

// Default constraints select by what services and the pod's owner select.
void PodTopologySpread::ClassKey(const PodInfo& pod, framework::SignatureBuilder& out) const {
  if (!pod.object().spec().topology_spread_constraints().empty()) return;
  for (const auto& each : DefaultSelector(pod, handle_.objects()).requirements) {
    std::string text = fmt::format("{}\n{}\n{}", each.key.text(), static_cast<int>(each.op),
                                   each.operand);
    for (const Symbol value : each.values) text.append(1, '\n').append(value.text());
    out.Put("PodTopologySpread/defaultSelector", text);
  }
}

std::unique_ptr<framework::NodeClasses> PodTopologySpread::Classify(const PodInfo& pod) const {
  auto hard = ConstraintsFor(pod, Action::kDoNotSchedule);
  auto soft = ConstraintsFor(pod, Action::kScheduleAnyway);
  if (!hard.ok() || !soft.ok()) return nullptr;
  return std::make_unique<SpreadClasses>(pod, *std::move(hard), *std::move(soft),
                                         RequiresAllKeys(pod));
}

// Results for pods it does not abstain from are kept by classes of nodes, or not at all.
bool PodTopologySpread::Sign(const PodInfo&, framework::SignatureBuilder&) const { return true; }

std::optional<std::vector<framework::ClusterEventWithHint>> PodTopologySpread::EventsToRegister()
    const {
  const auto after_pod = [this](const PodInfo& pod, const auto* before, const auto* after) {
    const auto constraints = ConstraintsFor(pod, Action::kDoNotSchedule);
    return AfterPodChange(pod, constraints, before, after);
  };
  const auto after_node = [this](const PodInfo& pod, const auto* before, const auto* after) {
    return AfterNodeChange(ConstraintsFor(pod, Action::kDoNotSchedule), before, after);
  };
  constexpr framework::ActionType kPodActions = framework::kAdd | framework::kUpdatePodLabel |
                                                framework::kUpdatePodToleration |
                                                framework::kDelete;
  constexpr framework::ActionType kNodeActions = framework::kAdd | framework::kDelete |
                                                 framework::kUpdateNodeLabel |
                                                 framework::kUpdateNodeTaint;
  return {{{{std::string(framework::kPodResource), kPodActions, ""}, after_pod},
           {{std::string(framework::kNodeResource), kNodeActions, ""}, after_node}}};
}

}  // namespace berth::plugins::pod_topology_spread
