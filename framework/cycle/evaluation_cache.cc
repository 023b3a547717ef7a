#include "framework/cycle/evaluation_cache.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "framework/cycle/algorithm.h"

namespace berth::framework {
namespace {

template <typename T>
void AppendBytes(T value, std::string& out) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

EvaluationCache::EvaluationCache(const Runtime& runtime, const ClusterSnapshot& snapshot,
                                 TieBreaker& tie_breaker, const EngineOptions& options,
                                 Metrics& metrics,
                                 const StringSet& watched_objects,
                                 const int64_t& objects_generation)
    : runtime_(runtime),
      snapshot_(snapshot),
      tie_breaker_(tie_breaker),
      options_(options),
      metrics_(metrics),
      watched_objects_(watched_objects),
      objects_generation_(objects_generation),
      check_(options.verify_evaluations, options.seed, metrics) {}

EvaluationCache::~EvaluationCache() = default;

void EvaluationCache::Clear() {
  clear_after_ = deciding_;
  if (deciding_) return;
  entries_.clear();
  by_signature_.clear();
  bytes_ = 0;
}

void EvaluationCache::Drop(Entries::iterator entry) {
  bytes_ -= entry->bytes;
  by_signature_.erase(entry->signature);
  entries_.erase(entry);
}

EvaluationCache::Entry& EvaluationCache::Use(std::string_view signature, const PodPtr& pod,
                                             const PluginRoles& roles) {
  // Who has which part may depend on more of the pod than the signature says.
  key_.assign(signature);
  AppendBytes(roles, key_);
  // Those who sort nodes into classes read more of it: all that the template says. As long as the
  // entry is there, so are these traits, and no others are in their place.
  if (roles.classifiers != 0) {
    AppendBytes(pod->traits().get(), key_);
    key_ += ClassKeyOf(runtime_.profile(), *pod, roles.classifiers);
  }
  auto it = by_signature_.find(key_);
  if (it != by_signature_.end()) {
    entries_.splice(entries_.begin(), entries_, it->second);
    return entries_.front();
  }
  Entry& entry = entries_.emplace_front();
  entry.self = entries_.begin();
  entry.signature = key_;
  entry.traits = pod->traits();
  entry.needs = NeedsOf(runtime_.profile(), *pod, watched_objects_, roles);
  by_signature_.emplace(key_, entry.self);
  if (entry.needs.shareable) {
    entry.evaluation = std::make_unique<Evaluation>(runtime_, snapshot_, entry.needs, pod);
    const NodeGroups* groups = entry.evaluation->groups();
    if (groups != nullptr && !groups->ok()) entry.evaluation = nullptr;
  }
  return entry;
}

// Sizes are taken anew after each use; the oldest go until the rest fits.
void EvaluationCache::Account(Entry& entry) {
  int64_t bytes = static_cast<int64_t>(2 * entry.signature.size() + 256);
  if (entry.evaluation) bytes += entry.evaluation->bytes();
  if (bytes == entry.bytes) return;
  bytes_ += bytes - entry.bytes;
  entry.bytes = bytes;
  while (bytes_ > options_.evaluation_cache_bytes && entries_.size() > 1) {
    Drop(std::prev(entries_.end()));
  }
  metrics_.EvaluationCache(static_cast<int64_t>(entries_.size()), bytes_);
}

bool EvaluationCache::Decide(CycleState& state, const PodPtr& pod, const std::string& signature,
                             const PluginRoles& roles, Decision& decision) {
  deciding_ = true;
  const bool decided = DecideWith(Use(signature, pod, roles), state, pod, decision);
  deciding_ = false;
  if (clear_after_) Clear();
  return decided;
}

bool EvaluationCache::DecideWith(Entry& entry, CycleState& state, const PodPtr& pod,
                                 Decision& decision) {
  Account(entry);
  if (!entry.evaluation) return false;
  Evaluation& evaluation = *entry.evaluation;
  int64_t evaluated = 0;
  const int64_t scored_before = evaluation.nodes_scored();
  const uint64_t skipped = state.skipped_filters;
  state.skipped_filters |= evaluation.needs().each_pod;
  bool fresh = Refresh(evaluation, state, &evaluated);
  checked_last_ = fresh && check_.Due();
  if (checked_last_) fresh = HoldsTrue(evaluation, state, *pod);
  const std::string* nominated_to = runtime_.nominator().NodeOf(pod->uid);
  const NodeInfo* own = nominated_to == nullptr ? nullptr : snapshot_.Find(*nominated_to);
  if (own != nullptr) {
    ++evaluated;
    fresh = fresh && evaluation.BeginOwn(state, *pod, own->index);
  }
  state.skipped_filters = skipped;
  decision.nodes_evaluated += evaluated;
  const Outcome outcome =
      fresh ? Choose(evaluation, state, *pod, decision) : Outcome::kUseless;
  const bool decided = outcome == Outcome::kDecided;
  if (decided) CountReused(evaluation, evaluated, evaluation.nodes_scored() - scored_before);
  // What was decided stands also when the evaluation is of no more use.
  if (outcome == Outcome::kUseless || (own != nullptr && !evaluation.EndOwn())) {
    Drop(entry.self);
  } else {
    Account(entry);
  }
  decision.reused = decided && evaluated < static_cast<int64_t>(snapshot_.nodes().size());
  return decided;
}

void EvaluationCache::CountReused(const Evaluation& evaluation, int64_t evaluated,
                                  int64_t scored) {
  const auto nodes = static_cast<int64_t>(snapshot_.nodes().size());
  runtime_.counts().reused_verdicts->Add(std::max<int64_t>(0, nodes - evaluated));
  if (evaluation.feasible_count() < 2) return;
  runtime_.counts().reused_scores->Add(
      std::max<int64_t>(0, evaluation.feasible_count() - scored));
}

// False: it does not, or could not be scored.
bool EvaluationCache::HoldsTrue(Evaluation& evaluation, const CycleState& state,
                                const PodInfo& pod) {
  if (evaluation.feasible_count() > 1 && !evaluation.EnsureScored()) return false;
  const auto found = evaluation.FirstDifference(state, pod);
  check_.Tell(found);
  return !found;
}

// The Filter point of a shared decision: what changed is looked at again, and scored again.
bool EvaluationCache::Refresh(Evaluation& evaluation, CycleState& state, int64_t* evaluated) {
  PointTimer timer = runtime_.Timed("Filter");
  const bool fresh = evaluation.Refresh(state, objects_generation_, evaluated);
  if (!fresh) timer.Abandon();  // the plain path searches again
  return fresh;
}

EvaluationCache::Outcome EvaluationCache::Choose(Evaluation& evaluation, CycleState& state,
                                                 const PodInfo& pod, Decision& decision) {
  if (evaluation.groups() != nullptr) return ChooseByGroups(evaluation, state, pod, decision);
  if (evaluation.needs().each_pod != 0) return ChooseForPod(evaluation, state, pod, decision);
  if (evaluation.feasible_count() == 0) {
    const NoFit& why = evaluation.WhyNot();
    decision.diagnosis = why.diagnosis;
    decision.statuses = why.statuses;
    decision.fit_error = true;
    decision.status = why.status;
    return Outcome::kDecided;
  }
  decision.feasible_nodes = evaluation.feasible_count();
  NodeIndex chosen = -1;
  const bool only = evaluation.feasible_count() == 1;
  if (only) {
    chosen = evaluation.OnlyFeasible();
  } else {
    PointTimer timer = runtime_.Timed("Score");
    if (!evaluation.EnsureScored()) {
      timer.Abandon();
      return Outcome::kUseless;
    }
    const ScoreBoard& board = evaluation.board();
    chosen = tie_breaker_.mode() == TieBreak::kRandom
                 ? board.Nth(tie_breaker_.Draw(board.best_count()))
                 : board.FirstFrom(tie_breaker_.Start(snapshot_));
  }
  const NodeInfo& node = *snapshot_.nodes()[static_cast<size_t>(chosen)];
  if (!runtime_.RunFilterWithNominated(state, pod, node).ok()) return Outcome::kUseless;
  if (!only) tie_breaker_.Chosen(chosen, snapshot_);
  decision.node = &node;
  return Outcome::kDecided;
}

EvaluationCache::Outcome EvaluationCache::ChooseForPod(Evaluation& evaluation, CycleState& state,
                                                       const PodInfo& pod, Decision& decision) {
  // What the others leave out changes what a draw takes, and what is said of a pod that fits
  // nowhere: the plain path knows.
  if (tie_breaker_.mode() == TieBreak::kRandom || evaluation.feasible_count() < 2) {
    return Outcome::kPlainly;
  }
  PointTimer timer = runtime_.Timed("Score");
  const bool scored = evaluation.EnsureScored();
  if (!scored || !evaluation.ScoresStandAlone()) {
    timer.Abandon();
    return scored ? Outcome::kPlainly : Outcome::kUseless;
  }
  // With a single feasible node the cursor does not move: a second one is looked for.
  const NodeInfo* best = nullptr;
  bool more = false, failed = false;
  evaluation.board().ForEachFrom(tie_breaker_.Start(snapshot_), [&](NodeIndex index) {
    const NodeInfo& node = *snapshot_.nodes()[static_cast<size_t>(index)];
    const Verdict verdict = runtime_.RunFilterWithNominated(state, pod, node);
    ++decision.nodes_evaluated;
    failed = !verdict.ok() && !verdict.status.IsRejected();
    more = verdict.ok() && best != nullptr;
    if (verdict.ok() && best == nullptr) best = &node;
    return !more && !failed;
  });
  if (!more) {
    timer.Abandon();
    return Outcome::kPlainly;
  }
  decision.feasible_nodes = evaluation.feasible_count();
  tie_breaker_.Chosen(best->index, snapshot_);
  decision.node = best;
  return Outcome::kDecided;
}

bool EvaluationCache::Standings(const Evaluation& evaluation, Decision& decision) {
  const NodeGroups& groups = *evaluation.groups();
  standings_.clear();
  bool some_left_out = false;
  for (size_t i = 0; i < groups.end(); ++i) {
    const auto group = static_cast<NodeGroup>(i);
    const auto nodes = static_cast<int64_t>(evaluation.board().count(group));
    if (nodes == 0) continue;
    if (groups.Feasible(group)) {
      standings_.push_back({group, nodes, 0});
      decision.feasible_nodes += nodes;
    } else {
      some_left_out = true;
    }
  }
  // What is said of a pod that fits nowhere, the plain path knows.
  if (decision.feasible_nodes == 0) return false;
  if (some_left_out && !evaluation.ScoresStandAlone()) return false;
  return decision.feasible_nodes == 1 || groups.Score(standings_);
}

NodeIndex EvaluationCache::BestOf(const ScoreBoard& board, NodeIndex start) const {
  const auto count = static_cast<NodeIndex>(snapshot_.nodes().size());
  const auto steps = [&](NodeIndex node) { return node >= start ? node : node + count; };
  NodeIndex chosen = -1;
  int64_t best = 0;
  for (const GroupStanding& standing : standings_) {
    const int64_t total = board.best(standing.group) + standing.score;
    if (chosen >= 0 && total < best) continue;
    const NodeIndex first = board.FirstFrom(start, standing.group);
    if (chosen < 0 || total > best || steps(first) < steps(chosen)) chosen = first;
    best = total;
  }
  return chosen;
}

EvaluationCache::Outcome EvaluationCache::ChooseByGroups(Evaluation& evaluation,
                                                         CycleState& state, const PodInfo& pod,
                                                         Decision& decision) {
  // Whom a draw would take of several groups, only the plain path knows.
  if (tie_breaker_.mode() == TieBreak::kRandom || evaluation.needs().each_pod != 0) {
    return Outcome::kPlainly;
  }
  PointTimer timer = runtime_.Timed("Score");
  const bool scored = evaluation.EnsureScored();
  if (!scored || !Standings(evaluation, decision)) {
    timer.Abandon();
    decision.feasible_nodes = 0;
    return scored ? Outcome::kPlainly : Outcome::kUseless;
  }
  const bool only = decision.feasible_nodes == 1;
  const NodeIndex start = only ? 0 : tie_breaker_.Start(snapshot_);
  const NodeIndex chosen = BestOf(evaluation.board(), start);
  const NodeInfo& node = *snapshot_.nodes()[static_cast<size_t>(chosen)];
  if (!runtime_.RunFilterWithNominated(state, pod, node).ok()) {
    timer.Abandon();
    decision.feasible_nodes = 0;
    return Outcome::kUseless;
  }
  if (!only) tie_breaker_.Chosen(chosen, snapshot_);
  decision.node = &node;
  return Outcome::kDecided;
}

}  // namespace berth::framework
