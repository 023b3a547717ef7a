#include "framework/cycle/algorithm.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "base/log.h"
#include "framework/cycle/evaluation_cache.h"

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

// One pass over one pod.
struct Algorithm::Attempt {
  CycleState& state;
  const PodInfo& pod;
  ExtenderAnswers* answers;
  Decision& decision;
  std::shared_ptr<NodeStatuses> statuses;
  std::span<const NodeInfo* const> nodes;  // that may be chosen, in the snapshot's order

  bool MayChoose(const NodeInfo& node) const {
    return std::binary_search(nodes.begin(), nodes.end(), &node,
                              [](const auto* a, const auto* b) { return a->index < b->index; });
  }
  void Reject() {
    decision.fit_error = true;
    decision.statuses = std::move(statuses);
    decision.status = FitErrorStatus(decision.diagnosis);
  }
  void RejectBefore(std::string message) {
    decision.diagnosis.pre_filter_message = std::move(message);
    Reject();
  }
};

Algorithm::Algorithm(const Runtime& runtime, const ClusterSnapshot& snapshot,
                     const Nominator& nominator, TieBreaker& tie_breaker,
                     const EngineOptions& options, const Extenders& extenders,
                     EvaluationCache* cache)
    : runtime_(runtime),
      snapshot_(snapshot),
      nominator_(nominator),
      tie_breaker_(tie_breaker),
      options_(options),
      extenders_(extenders),
      cache_(cache) {}

int64_t Algorithm::WantedNodes(int64_t nodes) const {
  const bool extenders_decide =
      std::any_of(extenders_.begin(), extenders_.end(), [](const auto& extender) {
        return extender->filters() || extender->prioritizes();
      });
  if (runtime_.profile().score.empty() && !extenders_decide) return std::min<int64_t>(1, nodes);
  const auto own = runtime_.profile().percentage_of_nodes_to_score();
  return FeasibleNodesToFind(nodes, own.value_or(options_.percentage_of_nodes_to_score.value_or(0)),
                             options_.adaptive_sampling);
}

Decision Algorithm::Schedule(CycleState& state, const PodPtr& pod, const std::string& signature,
                             ExtenderAnswers* answers, const Nodes* only) {
  Decision decision;
  const std::span<const NodeInfo* const> nodes = only != nullptr ? *only : snapshot_.nodes();
  decision.diagnosis.all_nodes = std::ssize(nodes);
  if (nodes.empty()) {
    decision.status = Unresolvable(kNoNodesAvailable);
    return decision;
  }
  const bool asks = answers != nullptr && AnyDecides(extenders_, *pod);
  Attempt attempt{state, *pod, asks ? answers : nullptr, decision,
                  std::make_shared<NodeStatuses>(runtime_, snapshot_), nodes};
  const int64_t start = next_start_;
  Decide(attempt, pod, signature);
  if (!decision.questions.empty()) next_start_ = start;  // the next pass looks at the same nodes
  return decision;
}

void Algorithm::Decide(Attempt& attempt, const PodPtr& pod, const std::string& signature) {
  Decision& decision = attempt.decision;
  const auto nodes = std::ssize(attempt.nodes);
  const bool may_share = cache_ != nullptr && !signature.empty() && attempt.answers == nullptr &&
                         WantedNodes(nodes) == nodes;
  // Nominated pods count as there, which classes of nodes know nothing of.
  const bool none_nominated = nominator_.by_node().empty() && pod->nominated_node_name.empty();
  PluginRoles roles;
  if (may_share) roles = RolesFor(runtime_.profile(), *pod);
  const bool by_classes = roles.classifiers != 0 && none_nominated;
  if (by_classes && DecideByClasses(attempt, pod, signature, roles)) return;
  const PreFilterOutcome pre = runtime_.RunPreFilter(attempt.state, *pod, snapshot_);
  decision.diagnosis.unschedulable_plugins.insert(pre.narrowed_by.begin(), pre.narrowed_by.end());
  if (!pre.status.ok()) {
    if (!pre.status.IsRejected()) {
      decision.status = pre.status;
      return;
    }
    decision.diagnosis.AddRejector(pre.status);
    decision.diagnosis.absent_status = pre.status;
    attempt.statuses->SetAbsent(pre.status);
    return attempt.RejectBefore(pre.status.Message());
  }
  if (!pod->nominated_node_name.empty() && TryNominated(attempt)) return;
  roles.classifiers = 0;
  const bool share = may_share && !by_classes && !pre.node_names;
  if (share && Share(attempt, pod, signature, roles)) return;
  DecidePlainly(attempt, pre);
}

bool Algorithm::Share(Attempt& attempt, const PodPtr& pod, const std::string& signature,
                      const PluginRoles& roles) {
  const TieBreaker before = tie_breaker_;
  if (!cache_->Decide(attempt.state, pod, signature, roles, attempt.decision)) return false;
  if (cache_->checked_last()) CheckChoice(pod, before, attempt.decision);
  return true;
}

bool Algorithm::DecideByClasses(Attempt& attempt, const PodPtr& pod, const std::string& signature,
                                const PluginRoles& roles) {
  const PreFilterOutcome pre =
      runtime_.RunPreFilter(attempt.state, *pod, snapshot_, roles.classifiers);
  const bool decided = pre.status.ok() && !pre.node_names &&
                       Share(attempt, pod, signature, roles);
  if (decided) return true;
  CycleState anew;
  anew.record_plugin_metrics = attempt.state.record_plugin_metrics;
  attempt.state = std::move(anew);
  return false;
}

void Algorithm::CheckChoice(const PodPtr& pod, const TieBreaker& before,
                            const Decision& decision) const {
  if (before.mode() == TieBreak::kRandom) return;  // the draw is made
  TieBreaker tie_breaker = before;
  Algorithm plain(runtime_, snapshot_, nominator_, tie_breaker, options_, extenders_, nullptr);
  CycleState state;
  const Decision expected = plain.Schedule(state, pod, {}, nullptr);
  const auto text = [](const Decision& d) {
    return d.node != nullptr ? fmt::format("choice {}", d.node->name()) : d.status.Message();
  };
  if (text(expected) == text(decision) && expected.status.code() == decision.status.code()) return;
  const NodeInfo* node = decision.node != nullptr ? decision.node : expected.node;
  cache_->check().Tell(WrongEvaluation{{}, node != nullptr ? std::string(node->name()) : "",
                                       pod->key, text(decision), text(expected)});
}

// The node the pod is nominated to, when it fits there, and no other is looked at.
bool Algorithm::TryNominated(Attempt& attempt) {
  const PodInfo& pod = attempt.pod;
  Decision& decision = attempt.decision;
  const NodeInfo* node = snapshot_.Find(pod.nominated_node_name);
  if (node != nullptr && !attempt.MayChoose(*node)) return false;
  if (node == nullptr) {
    BERTH_LOG(kWarning, "nominated node is not there pod={} node={}", pod.key,
              pod.nominated_node_name);
    return false;
  }
  ++decision.nodes_evaluated;
  PointTimer timer = runtime_.Timed("Filter");
  Verdict verdict = runtime_.RunFilterWithNominated(attempt.state, pod, *node);
  if (!verdict.ok()) {
    if (verdict.status.IsRejected()) {
      decision.diagnosis.AddRejector(runtime_.Stamped(verdict));
      attempt.statuses->Set(node->index, std::move(verdict));
    }
    return false;
  }
  Nodes feasible = {node};
  const Status taken =
      AskExtenders(attempt, ExtenderQuestion::Kind::kFilterNominated, feasible);
  if (!decision.questions.empty()) return true;
  if (!taken.ok() || feasible.empty()) return false;
  decision.node = node;
  decision.feasible_nodes = 1;
  return true;
}

void Algorithm::DecidePlainly(Attempt& attempt, const PreFilterOutcome& pre) {
  Decision& decision = attempt.decision;
  Nodes narrowed;
  std::span<const NodeInfo* const> nodes = attempt.nodes;
  if (pre.node_names) {
    for (const std::string& name : *pre.node_names) {
      const NodeInfo* node = snapshot_.Find(name);
      if (node != nullptr && attempt.MayChoose(*node)) narrowed.push_back(node);
    }
    std::sort(narrowed.begin(), narrowed.end(),
              [](const NodeInfo* a, const NodeInfo* b) { return a->index < b->index; });
    nodes = narrowed;
    attempt.statuses->SetAbsent(Unresolvable(
        fmt::format("node(s) didn't satisfy plugin(s) {}", Bracketed(pre.narrowed_by))));
  }
  decision.diagnosis.absent_status = attempt.statuses->absent();
  Nodes feasible;
  decision.status = FindFeasible(attempt, nodes, feasible);
  if (!decision.status.ok()) return;
  decision.status = AskExtenders(attempt, ExtenderQuestion::Kind::kFilter, feasible);
  if (!decision.status.ok() || !decision.questions.empty()) return;
  if (feasible.empty()) return attempt.Reject();
  decision.status = Select(attempt, feasible);
}

Status Algorithm::AskExtenders(Attempt& attempt, ExtenderQuestion::Kind kind, Nodes& feasible) {
  if (attempt.answers == nullptr) return Success();
  Decision& decision = attempt.decision;
  return attempt.answers->Filter(extenders_, kind, attempt.pod, snapshot_, feasible,
                                 *attempt.statuses, decision.diagnosis, decision.questions);
}

Status Algorithm::FindFeasible(Attempt& attempt, std::span<const NodeInfo* const> nodes,
                               Nodes& feasible) {
  PointTimer timer = runtime_.Timed("Filter");
  Decision& decision = attempt.decision;
  const auto count = static_cast<int64_t>(nodes.size());
  const int64_t wanted = WantedNodes(count);
  absl::flat_hash_map<std::pair<const void*, int>, size_t> seen;  // verdict -> its place
  const bool sampled = wanted < count;
  int64_t looked_at = 0, rejected = 0;
  for (int64_t i = 0; i < count && static_cast<int64_t>(feasible.size()) < wanted; ++i) {
    const int64_t at = sampled ? (next_start_ + i) % count : i;
    const NodeInfo* node = nodes[static_cast<size_t>(at)];
    ++looked_at;
    Verdict verdict = runtime_.RunFilterWithNominated(attempt.state, attempt.pod, *node);
    if (verdict.ok()) {
      feasible.push_back(node);
      continue;
    }
    if (!verdict.status.IsRejected()) return timer.Ended(runtime_.Stamped(verdict));
    ++rejected;
    // Verdicts live on in the statuses, so identities are not reused meanwhile.
    auto [it, added] = seen.try_emplace({verdict.status.identity(), verdict.ordinal},
                                        decision.diagnosis.verdicts.size());
    if (added) {
      const Status stamped = runtime_.Stamped(verdict);
      decision.diagnosis.AddRejector(stamped);
      decision.diagnosis.verdicts.emplace_back(stamped, 0);
    }
    ++decision.diagnosis.verdicts[it->second].second;
    attempt.statuses->Set(node->index, std::move(verdict));
  }
  decision.nodes_evaluated += looked_at;
  decision.feasible_nodes = std::ssize(feasible);
  const auto all = std::ssize(attempt.nodes);
  next_start_ = (next_start_ + static_cast<int64_t>(feasible.size()) + rejected) % all;
  return Success();
}

Status Algorithm::Select(Attempt& attempt, const Nodes& feasible) {
  Decision& decision = attempt.decision;
  // The snapshot's own: an extender may have described the feasible ones anew.
  const auto in_snapshot = [&](NodeIndex index) {
    return snapshot_.nodes()[static_cast<size_t>(index)];
  };
  if (feasible.size() == 1) {
    decision.node = in_snapshot(feasible.front()->index);
    return Success();
  }
  std::vector<int64_t> totals(feasible.size());
  if (!runtime_.profile().score.empty()) {
    Status status = runtime_.RunPreScore(attempt.state, attempt.pod, feasible);
    if (!status.ok()) return status;
    ScoreTable table;
    status = runtime_.RunScore(attempt.state, attempt.pod, feasible, table);
    if (!status.ok()) return status;
    totals = std::move(table.total);
  }
  if (attempt.answers != nullptr) {
    attempt.answers->Prioritize(extenders_, attempt.pod, feasible, totals, decision.questions);
    if (!decision.questions.empty()) return Success();
  }
  std::vector<NodeIndex> tied;
  const int64_t best = *std::max_element(totals.begin(), totals.end());
  for (size_t n = 0; n < feasible.size(); ++n) {
    if (totals[n] == best) tied.push_back(feasible[n]->index);
  }
  std::sort(tied.begin(), tied.end());
  decision.node = in_snapshot(tie_breaker_.Choose(tied, snapshot_));
  return Success();
}

}  // namespace berth::framework
