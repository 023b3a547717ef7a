#include "framework/cycle/algorithm.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "base/check.h"
#include "base/log.h"
#include "framework/cycle/evaluation_cache.h"
#include "framework/profile/absent_plugins.h"

namespace berth::framework {
namespace {

constexpr int64_t kFeasibleNodesMin = 100;
constexpr int64_t kPercentageMin = 5;

Status FitErrorStatus(const Diagnosis& diagnosis) {
  return Status(Code::kUnschedulable, {diagnosis.Message()});
}

std::string Bracketed(const std::vector<std::string>& names) {
  std::string text = "[";
  for (const std::string& name : names) text += (text.size() == 1 ? "" : " ") + name;
  return text + "]";
}

}  // namespace

int64_t FeasibleNodesToFind(int64_t nodes, int32_t percentage, bool adaptive) {
  if (nodes < kFeasibleNodesMin) return nodes;
  int64_t share = percentage;
  if (share == 0) {
    if (!adaptive) return nodes;
    share = std::max(int64_t{50} - nodes / 125, kPercentageMin);
  }
  return std::max(nodes * share / 100, kFeasibleNodesMin);
}

Algorithm::Algorithm(const Runtime& runtime, const ClusterSnapshot& snapshot,
                     const Nominator& nominator, TieBreaker& tie_breaker,
                     const EngineOptions& options, EvaluationCache* cache)
    : runtime_(runtime),
      snapshot_(snapshot),
      nominator_(nominator),
      tie_breaker_(tie_breaker),
      options_(options),
      cache_(cache) {}

int64_t Algorithm::WantedNodes(int64_t nodes) const {
  if (runtime_.profile().score.empty()) return std::min<int64_t>(1, nodes);
  const auto own = runtime_.profile().percentage_of_nodes_to_score();
  return FeasibleNodesToFind(nodes, own.value_or(options_.percentage_of_nodes_to_score.value_or(0)),
                             options_.adaptive_sampling);
}

Decision Algorithm::Schedule(CycleState& state, const PodPtr& pod,
                             const std::string& signature) {
  Decision decision;
  decision.diagnosis.all_nodes = static_cast<int64_t>(snapshot_.nodes().size());
  if (snapshot_.nodes().empty()) {
    decision.status = Unresolvable(kNoNodesAvailable);
    return decision;
  }
  auto statuses = std::make_shared<NodeStatuses>(runtime_, snapshot_);
  const auto reject = [&](std::string message) {
    decision.diagnosis.pre_filter_message = std::move(message);
    decision.fit_error = true;
    decision.statuses = statuses;
    decision.status = FitErrorStatus(decision.diagnosis);
  };
  if (auto use = FindAbsentPluginUse(*pod, runtime_.profile().absent())) {
    decision.diagnosis.unschedulable_plugins.emplace(use->plugin);
    reject(use->Message());
    return decision;
  }
  PreFilterOutcome pre = runtime_.RunPreFilter(state, *pod, snapshot_);
  decision.diagnosis.unschedulable_plugins.insert(pre.narrowed_by.begin(), pre.narrowed_by.end());
  if (!pre.status.ok()) {
    if (!pre.status.IsRejected()) {
      decision.status = pre.status;
      return decision;
    }
    decision.diagnosis.AddRejector(pre.status);
    decision.diagnosis.absent_status = pre.status;
    statuses->SetAbsent(pre.status);
    reject(pre.status.Message());
    return decision;
  }
  if (!pod->nominated_node_name.empty() && TryNominated(state, *pod, *statuses, decision)) {
    return decision;
  }
  const auto nodes = static_cast<int64_t>(snapshot_.nodes().size());
  const bool shareable = cache_ != nullptr && !signature.empty() && !pre.node_names &&
                         pod->nominated_node_name.empty() && !nominator_.Has(pod->uid) &&
                         WantedNodes(nodes) == nodes;
  if (shareable) {
    const TieBreaker before = tie_breaker_;
    if (cache_->Decide(state, pod, signature, decision)) {
      if (options_.verify_evaluations) Verify(pod, before, decision);
      return decision;
    }
  }
  SchedulePlainly(state, *pod, pre, std::move(statuses), decision);
  return decision;
}

void Algorithm::Verify(const PodPtr& pod, const TieBreaker& before,
                       const Decision& decision) const {
  CycleState fresh;
  if (runtime_.RunPreFilter(fresh, *pod, snapshot_).status.ok()) {
    cache_->CheckLastAgainstPlain(fresh);
  }
  if (before.mode() == TieBreak::kRandom) return;  // the draw is made
  TieBreaker tie_breaker = before;
  Algorithm plain(runtime_, snapshot_, nominator_, tie_breaker, options_, nullptr);
  CycleState state;
  const Decision expected = plain.Schedule(state, pod, {});
  BERTH_CHECK(expected.node == decision.node);
  BERTH_CHECK(expected.fit_error == decision.fit_error);
  BERTH_CHECK(expected.status == decision.status);
}

// The node the pod is nominated to, when it fits there, and no other is looked at.
bool Algorithm::TryNominated(CycleState& state, const PodInfo& pod, NodeStatuses& statuses,
                             Decision& decision) {
  const NodeInfo* node = snapshot_.Find(pod.nominated_node_name);
  if (node == nullptr) {
    BERTH_LOG(kWarning, "nominated node is not there pod={} node={}", pod.key,
              pod.nominated_node_name);
    return false;
  }
  ++decision.nodes_evaluated;
  PointTimer timer = runtime_.Timed("Filter");
  Verdict verdict = runtime_.RunFilterWithNominated(state, pod, *node);
  if (verdict.ok()) {
    decision.node = node;
    decision.feasible_nodes = 1;
    return true;
  }
  if (verdict.status.IsRejected()) {
    decision.diagnosis.AddRejector(runtime_.Stamped(verdict));
    statuses.Set(node->index, std::move(verdict));
  }
  return false;
}

void Algorithm::SchedulePlainly(CycleState& state, const PodInfo& pod,
                                const PreFilterOutcome& pre,
                                std::shared_ptr<NodeStatuses> statuses, Decision& decision) {
  Nodes narrowed;
  std::span<const NodeInfo* const> nodes = snapshot_.nodes();
  if (pre.node_names) {
    for (const std::string& name : *pre.node_names) {
      if (const NodeInfo* node = snapshot_.Find(name)) narrowed.push_back(node);
    }
    std::sort(narrowed.begin(), narrowed.end(),
              [](const NodeInfo* a, const NodeInfo* b) { return a->index < b->index; });
    nodes = narrowed;
    statuses->SetAbsent(Unresolvable(
        fmt::format("node(s) didn't satisfy plugin(s) {}", Bracketed(pre.narrowed_by))));
  }
  decision.diagnosis.absent_status = statuses->absent();
  Nodes feasible;
  decision.status = FindFeasible(state, pod, nodes, *statuses, decision, feasible);
  if (!decision.status.ok()) return;
  if (feasible.empty()) {
    decision.fit_error = true;
    decision.statuses = std::move(statuses);
    decision.status = FitErrorStatus(decision.diagnosis);
    return;
  }
  decision.status = Select(state, pod, feasible, decision);
}

Status Algorithm::FindFeasible(CycleState& state, const PodInfo& pod,
                               std::span<const NodeInfo* const> nodes, NodeStatuses& statuses,
                               Decision& decision, Nodes& feasible) {
  PointTimer timer = runtime_.Timed("Filter");
  const auto count = static_cast<int64_t>(nodes.size());
  const int64_t wanted = WantedNodes(count);
  absl::flat_hash_map<std::pair<const void*, int>, size_t> seen;  // verdict -> its place
  const bool sampled = wanted < count;
  int64_t looked_at = 0, rejected = 0;
  for (int64_t i = 0; i < count && static_cast<int64_t>(feasible.size()) < wanted; ++i) {
    const int64_t at = sampled ? (next_start_ + i) % count : i;
    const NodeInfo* node = nodes[static_cast<size_t>(at)];
    ++looked_at;
    Verdict verdict = runtime_.RunFilterWithNominated(state, pod, *node);
    if (verdict.ok()) {
      feasible.push_back(node);
      continue;
    }
    if (!verdict.status.IsRejected()) return timer.Ended(runtime_.Stamped(verdict));
    ++rejected;
    // Verdicts live on in `statuses`, so identities are not reused meanwhile.
    auto [it, added] = seen.try_emplace({verdict.status.identity(), verdict.ordinal},
                                        decision.diagnosis.verdicts.size());
    if (added) {
      const Status stamped = runtime_.Stamped(verdict);
      decision.diagnosis.AddRejector(stamped);
      decision.diagnosis.verdicts.emplace_back(stamped, 0);
    }
    ++decision.diagnosis.verdicts[it->second].second;
    statuses.Set(node->index, std::move(verdict));
  }
  decision.nodes_evaluated += looked_at;
  decision.feasible_nodes = std::ssize(feasible);
  const auto all = static_cast<int64_t>(snapshot_.nodes().size());
  next_start_ = (next_start_ + static_cast<int64_t>(feasible.size()) + rejected) % all;
  return Success();
}

Status Algorithm::Select(CycleState& state, const PodInfo& pod, const Nodes& feasible,
                         Decision& decision) {
  if (feasible.size() == 1) {
    decision.node = feasible.front();
    return Success();
  }
  std::vector<NodeIndex> tied;
  if (runtime_.profile().score.empty()) {
    for (const NodeInfo* node : feasible) tied.push_back(node->index);
  } else {
    Status status = runtime_.RunPreScore(state, pod, feasible);
    if (!status.ok()) return status;
    ScoreTable table;
    status = runtime_.RunScore(state, pod, feasible, table);
    if (!status.ok()) return status;
    const int64_t best = *std::max_element(table.total.begin(), table.total.end());
    for (size_t n = 0; n < feasible.size(); ++n) {
      if (table.total[n] == best) tied.push_back(feasible[n]->index);
    }
  }
  std::sort(tied.begin(), tied.end());
  decision.node = snapshot_.nodes()[static_cast<size_t>(tie_breaker_.Choose(tied, snapshot_))];
  return Success();
}

}  // namespace berth::framework
