#include "plugins/inter_pod_affinity/inter_pod_affinity.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "api/resource_table.h"
#include "api/schema/core_v1_namespace.pb.h"
#include "framework/handle.h"
#include "framework/object_source.h"
#include "framework/snapshot.h"
#include "plugins/inter_pod_affinity/affinity_classes.h"
#include "plugins/inter_pod_affinity/queueing_hints.h"
#include "plugins/inter_pod_affinity/topology_counts.h"

namespace berth::plugins::inter_pod_affinity {
namespace {

using api::scheduling::LabelSet;
using api::scheduling::MatchesAll;
using api::scheduling::PodAffinity;
using api::scheduling::PodAffinityTerm;
using framework::NodeInfo;
using framework::PodInfo;
using framework::Status;

constexpr framework::StateKey kPreFilterState{"PreFilterInterPodAffinity"};
constexpr framework::StateKey kPreScoreState{"PreScoreInterPodAffinity"};

const PodAffinity& TermsOf(const PodInfo& pod) {
  static const PodAffinity* const kNone = new PodAffinity;
  return pod.pod_affinity ? *pod.pod_affinity : *kNone;
}

// By namespace name alone: an expanded term has the names its selector picks.
bool Matches(const PodAffinityTerm& term, const PodInfo& pod) {
  return term.Matches(pod.namespace_symbol, pod.labels, LabelSet());
}

}  // namespace

// The incoming pod's terms, with namespaces by name, and what was counted.
struct InterPodAffinity::PreFilterState final : framework::StateData {
  std::shared_ptr<const PodAffinity> terms;  // shared by clones
  LabelSet namespace_labels;                 // of the incoming pod's namespace
  TopologyCounts theirs;    // pods there that keep it away
  TopologyCounts affinity;  // pods it requires
  TopologyCounts anti;      // pods it keeps away from
  std::unique_ptr<framework::StateData> Clone() const override {
    return std::make_unique<PreFilterState>(*this);
  }
};

// Weights by key, then value. A pair is there as soon as a term applies, also when the sum is 0.
struct InterPodAffinity::PreScoreState final : framework::StateData {
  std::vector<api::scheduling::WeightedPodAffinityTerm> preferred, preferred_anti;
  LabelSet namespace_labels;
  std::vector<std::pair<Symbol, absl::flat_hash_map<Symbol, int64_t>>> by_key;

  void Add(Symbol key, const NodeInfo& node, int64_t weight) {
    Symbol value;
    if (!node.labels().Get(key, &value)) return;
    auto it = std::find_if(by_key.begin(), by_key.end(),
                           [&](const auto& entry) { return entry.first == key; });
    if (it == by_key.end()) it = by_key.insert(it, {key, {}});
    it->second[value] += weight;
  }
  std::unique_ptr<framework::StateData> Clone() const override {
    return std::make_unique<PreScoreState>(*this);
  }
};

InterPodAffinity::InterPodAffinity(const InterPodAffinityArgs& args, framework::Handle& handle)
    : hard_weight_(args.hard_pod_affinity_weight.value_or(1)),
      ignore_existing_(args.ignore_preferred_terms_of_existing_pods),
      handle_(handle) {
  handle.Watch(api::ResourceOf<api::core::Namespace>());
}

// --- namespaces --------------------------------------------------------------------------------

LabelSet InterPodAffinity::NamespaceLabels(std::string_view name) const {
  const auto object =
      handle_.objects().Get(api::ResourceOf<api::core::Namespace>(), {}, name);
  if (object == nullptr) return {};
  return LabelSet::FromMeta(static_cast<const api::core::Namespace&>(*object).metadata());
}

void InterPodAffinity::ExpandNamespaces(Term& term) const {
  if (term.namespace_selector.nothing || term.namespace_selector.MatchesEverything()) return;
  handle_.objects().ForEach(
      api::ResourceOf<api::core::Namespace>(), {}, [&](const framework::ObjectPtr& object) {
        const auto& metadata = static_cast<const api::core::Namespace&>(*object).metadata();
        if (!term.namespace_selector.Matches(LabelSet::FromMeta(metadata))) return;
        term.namespaces.push_back(Symbol::Intern(metadata.name()));
      });
}

// --- filtering ---------------------------------------------------------------------------------

// One pod more or less on a node.
void InterPodAffinity::Count(PreFilterState& counts, const PodInfo& pod, const PodInfo& other,
                             const NodeInfo& node, int sign) {
  const LabelSet& labels = node.labels();
  Symbol value;
  for (const PodAffinityTerm& term : TermsOf(other).required_anti) {
    if (term.Matches(pod.namespace_symbol, pod.labels, counts.namespace_labels) &&
        labels.Get(term.topology_key, &value)) {
      counts.theirs.Add(term.topology_key, value, sign);
    }
  }
  if (MatchesAll(counts.terms->required, other.namespace_symbol, other.labels)) {
    for (const PodAffinityTerm& term : counts.terms->required) {
      if (labels.Get(term.topology_key, &value)) {
        counts.affinity.Add(term.topology_key, value, sign);
      }
    }
  }
  for (const PodAffinityTerm& term : counts.terms->required_anti) {
    if (Matches(term, other) &&
        labels.Get(term.topology_key, &value)) {
      counts.anti.Add(term.topology_key, value, sign);
    }
  }
}

framework::PreFilterResult InterPodAffinity::PreFilter(framework::CycleState& state,
                                                       const PodInfo& pod,
                                                       const framework::Snapshot& snapshot) {
  const PodAffinity& own = TermsOf(pod);
  if (!own.problem.empty()) return {framework::Unresolvable("parsing pod: " + own.problem), {}};
  const bool requires_some = !own.required.empty() || !own.required_anti.empty();
  if (!requires_some && snapshot.nodes_with_required_anti_affinity().empty()) {
    return {framework::Skip(), {}};
  }
  auto counts = std::make_unique<PreFilterState>();
  auto terms = std::make_shared<PodAffinity>();
  terms->required = own.required;
  terms->required_anti = own.required_anti;
  for (auto& term : terms->required) ExpandNamespaces(term);
  for (auto& term : terms->required_anti) ExpandNamespaces(term);
  counts->terms = std::move(terms);
  counts->namespace_labels = NamespaceLabels(pod.namespace_name);
  if (requires_some) {
    for (const NodeInfo* node : snapshot.nodes()) {
      for (const auto& existing : node->pods()) Count(*counts, pod, *existing, *node, 1);
    }
  } else {
    for (const NodeInfo* node : snapshot.nodes_with_required_anti_affinity()) {
      for (const auto& existing : node->pods_with_required_anti_affinity()) {
        Count(*counts, pod, *existing, *node, 1);
      }
    }
    if (counts->theirs.empty()) return {framework::Skip(), {}};
  }
  state.Write(kPreFilterState, std::move(counts));
  return {};
}

Status InterPodAffinity::AddPod(framework::CycleState& state, const PodInfo& to_schedule,
                                const PodInfo& added, const NodeInfo& node) {
  if (auto* counts = state.Mutable<PreFilterState>(kPreFilterState)) {
    Count(*counts, to_schedule, added, node, 1);
  }
  return framework::Success();
}

Status InterPodAffinity::RemovePod(framework::CycleState& state, const PodInfo& to_schedule,
                                   const PodInfo& removed, const NodeInfo& node) {
  if (auto* counts = state.Mutable<PreFilterState>(kPreFilterState)) {
    Count(*counts, to_schedule, removed, node, -1);
  }
  return framework::Success();
}

Status InterPodAffinity::Filter(const framework::CycleState& state, const PodInfo& pod,
                                const NodeInfo& node) const {
  static const Status* const kNotWith = new Status(framework::Unresolvable(kReasonAffinity));
  static const Status* const kAway = new Status(framework::Unschedulable(kReasonAntiAffinity));
  static const Status* const kKeptAway =
      new Status(framework::Unschedulable(kReasonExistingAntiAffinity));
  const auto* counts = state.Read<PreFilterState>(kPreFilterState);
  const LabelSet& labels = node.labels();
  Symbol value;
  bool all_there = true;
  for (const PodAffinityTerm& term : counts->terms->required) {
    if (!labels.Get(term.topology_key, &value)) return *kNotWith;
    if (counts->affinity.Get(term.topology_key, value) <= 0) all_there = false;
  }
  if (!all_there && !(counts->affinity.empty() &&
        MatchesAll(counts->terms->required, pod.namespace_symbol, pod.labels))) {
    return *kNotWith;
  }
  if (!counts->anti.empty()) {
    for (const PodAffinityTerm& term : counts->terms->required_anti) {
      if (labels.Get(term.topology_key, &value) &&
          counts->anti.Get(term.topology_key, value) > 0) {
        return *kAway;
      }
    }
  }
  if (!counts->theirs.empty()) {
    for (const auto& [key, held] : labels) {
      if (counts->theirs.Get(key, held) > 0) return *kKeptAway;
    }
  }
  return framework::Success();
}

// --- scoring -----------------------------------------------------------------------------------

void InterPodAffinity::Weigh(PreScoreState& scores, const PodInfo& pod, const PodInfo& existing,
                             const NodeInfo& node) const {
  for (const auto& [term, weight] : scores.preferred) {
    if (Matches(term, existing)) {
      scores.Add(term.topology_key, node, weight);
    }
  }
  for (const auto& [term, weight] : scores.preferred_anti) {
    if (Matches(term, existing)) {
      scores.Add(term.topology_key, node, -int64_t{weight});
    }
  }
  const PodAffinity& theirs = TermsOf(existing);
  const auto matches = [&](const PodAffinityTerm& term) {
    return term.Matches(pod.namespace_symbol, pod.labels, scores.namespace_labels);
  };
  if (hard_weight_ > 0) {
    for (const PodAffinityTerm& term : theirs.required) {
      if (matches(term)) scores.Add(term.topology_key, node, hard_weight_);
    }
  }
  for (const auto& [term, weight] : theirs.preferred) {
    if (matches(term)) scores.Add(term.topology_key, node, weight);
  }
  for (const auto& [term, weight] : theirs.preferred_anti) {
    if (matches(term)) scores.Add(term.topology_key, node, -int64_t{weight});
  }
}

Status InterPodAffinity::PreScore(framework::CycleState& state, const PodInfo& pod,
                                  std::span<const NodeInfo* const> feasible) {
  const PodAffinity& own = TermsOf(pod);
  const bool prefers_some = !own.preferred.empty() || !own.preferred_anti.empty();
  if (feasible.empty() || (ignore_existing_ && !prefers_some)) return framework::Skip();
  const framework::Snapshot& snapshot = handle_.snapshot();
  if (!prefers_some && snapshot.nodes_with_affinity().empty()) return framework::Skip();
  if (!own.problem.empty()) return framework::Error("failed to parse pod: " + own.problem);
  auto scores = std::make_unique<PreScoreState>();
  scores->preferred = own.preferred;
  scores->preferred_anti = own.preferred_anti;
  for (auto& weighted : scores->preferred) ExpandNamespaces(weighted.term);
  for (auto& weighted : scores->preferred_anti) ExpandNamespaces(weighted.term);
  scores->namespace_labels = NamespaceLabels(pod.namespace_name);
  for (const NodeInfo* node : prefers_some ? snapshot.nodes() : snapshot.nodes_with_affinity()) {
    for (const auto& existing : prefers_some ? node->pods() : node->pods_with_affinity()) {
      Weigh(*scores, pod, *existing, *node);
    }
  }
  if (scores->by_key.empty()) return framework::Skip();
  state.Write(kPreScoreState, std::move(scores));
  return framework::Success();
}

framework::Scored InterPodAffinity::Score(const framework::CycleState& state, const PodInfo&,
                                          const NodeInfo& node) const {
  const auto* scores = state.Read<PreScoreState>(kPreScoreState);
  int64_t sum = 0;
  for (const auto& [key, weights] : scores->by_key) {
    Symbol value;
    if (!node.labels().Get(key, &value)) continue;
    auto it = weights.find(value);
    if (it != weights.end()) sum += it->second;
  }
  return {sum, {}};
}

Status InterPodAffinity::NormalizeScore(const framework::CycleState&, const PodInfo&,
                                        std::span<framework::NodeScore> scores) const {
  Normalize(scores);
  return framework::Success();
}

void InterPodAffinity::Normalize(std::span<framework::NodeScore> scores) {
  int64_t least = std::numeric_limits<int64_t>::max();
  int64_t most = std::numeric_limits<int64_t>::min();
  for (const auto& each : scores) {
    least = std::min(least, each.score);
    most = std::max(most, each.score);
  }
  const int64_t range = most - least;
  for (auto& each : scores) {
    const double share =
        range > 0 ? static_cast<double>(each.score - least) / static_cast<double>(range) : 0;
    each.score = static_cast<int64_t>(static_cast<double>(framework::kNodeScoreMax) * share);
  }
}

// --- what it depends on ------------------------------------------------------------------------

framework::Dependencies InterPodAffinity::DependsOn(const PodInfo&) const {
  return {.filter = framework::Scope::kDomain,
          .score = framework::Scope::kDomain,
          .node_fields = framework::kNodeLabels | framework::kNodePods,
          .domains = {},
          .objects = {"Namespace"}};
}

bool InterPodAffinity::Abstains(const PodInfo& pod) const {
  return !pod.has_pod_affinity && handle_.snapshot().nodes_with_affinity().empty();
}

bool InterPodAffinity::Classifies(const PodInfo& pod) const {
  return TermsOf(pod).problem.empty();
}

std::unique_ptr<framework::NodeClasses> InterPodAffinity::Classify(const PodInfo& pod) const {
  return std::make_unique<AffinityClasses>(*this, pod);
}

// Results for pods it does not abstain from are kept by classes of nodes, or not at all.
bool InterPodAffinity::Sign(const PodInfo&, framework::SignatureBuilder&) const { return true; }

std::optional<std::vector<framework::ClusterEventWithHint>> InterPodAffinity::EventsToRegister()
    const {
  constexpr framework::ActionType kPodActions =
      framework::kAdd | framework::kUpdatePodLabel | framework::kDelete;
  constexpr framework::ActionType kNodeActions = framework::kAdd | framework::kUpdateNodeLabel;
  return {{{{std::string(framework::kPodResource), kPodActions, ""}, AfterPodChange},
           {{std::string(framework::kNodeResource), kNodeActions, ""}, AfterNodeChange}}};
}

}  // namespace berth::plugins::inter_pod_affinity
