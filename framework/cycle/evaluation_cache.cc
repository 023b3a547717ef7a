#include "framework/cycle/evaluation_cache.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "framework/cycle/algorithm.h"

namespace berth::framework {

struct EvaluationCache::Entry {
  std::string signature;  // and the plugins that abstain
  EvaluationNeeds needs;
  std::unique_ptr<Evaluation> evaluation;  // null: not shareable, which is worth remembering too
  int64_t bytes = 0;
  Entries::iterator self;
};

EvaluationCache::EvaluationCache(const Runtime& runtime, const ClusterSnapshot& snapshot,
                                 TieBreaker& tie_breaker, int64_t budget_bytes, Metrics& metrics,
                                 const StringSet& watched_objects,
                                 const int64_t& objects_generation)
    : runtime_(runtime),
      snapshot_(snapshot),
      tie_breaker_(tie_breaker),
      budget_bytes_(budget_bytes),
      metrics_(metrics),
      watched_objects_(watched_objects),
      objects_generation_(objects_generation) {}

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

EvaluationCache::Entry& EvaluationCache::Use(std::string_view signature, const PodPtr& pod) {
  const uint64_t abstainers = AbstainersFor(runtime_.profile(), *pod);
  // Who abstains may depend on more of the pod than the signature says.
  key_.assign(signature).append(reinterpret_cast<const char*>(&abstainers), sizeof abstainers);
  auto it = by_signature_.find(key_);
  if (it != by_signature_.end()) {
    entries_.splice(entries_.begin(), entries_, it->second);
    return entries_.front();
  }
  Entry& entry = entries_.emplace_front();
  entry.self = entries_.begin();
  entry.signature = key_;
  entry.needs = NeedsOf(runtime_.profile(), *pod, watched_objects_, abstainers);
  by_signature_.emplace(key_, entry.self);
  if (entry.needs.shareable) {
    entry.evaluation = std::make_unique<Evaluation>(runtime_, snapshot_, entry.needs, pod);
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
  while (bytes_ > budget_bytes_ && entries_.size() > 1) Drop(std::prev(entries_.end()));
  metrics_.EvaluationCache(static_cast<int64_t>(entries_.size()), bytes_);
}

bool EvaluationCache::Decide(CycleState& state, const PodPtr& pod, const std::string& signature,
                             Decision& decision) {
  deciding_ = true;
  const bool decided = DecideWith(Use(signature, pod), state, pod, decision);
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
  bool fresh = Refresh(evaluation, state, &evaluated);
  const std::string* nominated_to = runtime_.nominator().NodeOf(pod->uid);
  const NodeInfo* own = nominated_to == nullptr ? nullptr : snapshot_.Find(*nominated_to);
  if (own != nullptr) {
    ++evaluated;
    fresh = fresh && evaluation.BeginOwn(state, *pod, own->index);
  }
  decision.nodes_evaluated += evaluated;
  const bool decided = fresh && Choose(evaluation, state, *pod, decision);
  if (decided) CountReused(evaluation, evaluated, evaluation.nodes_scored() - scored_before);
  // What was decided stands also when the evaluation is of no more use.
  if (!decided || (own != nullptr && !evaluation.EndOwn())) {
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

// The Filter point of a shared decision: what changed is looked at again, and scored again.
bool EvaluationCache::Refresh(Evaluation& evaluation, CycleState& state, int64_t* evaluated) {
  PointTimer timer = runtime_.Timed("Filter");
  const bool fresh = evaluation.Refresh(state, objects_generation_, evaluated);
  if (!fresh) timer.Abandon();  // the plain path searches again
  return fresh;
}

bool EvaluationCache::Choose(Evaluation& evaluation, CycleState& state, const PodInfo& pod,
                             Decision& decision) {
  if (evaluation.feasible_count() == 0) {
    const NoFit& why = evaluation.WhyNot();
    decision.diagnosis = why.diagnosis;
    decision.statuses = why.statuses;
    decision.fit_error = true;
    decision.status = why.status;
    return true;
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
      return false;
    }
    const ScoreBoard& board = evaluation.board();
    chosen = tie_breaker_.mode() == TieBreak::kRandom
                 ? board.Nth(tie_breaker_.Draw(board.best_count()))
                 : board.FirstFrom(tie_breaker_.Start(snapshot_));
  }
  const NodeInfo& node = *snapshot_.nodes()[static_cast<size_t>(chosen)];
  if (!runtime_.RunFilterWithNominated(state, pod, node).ok()) return false;
  if (!only) tie_breaker_.Chosen(chosen, snapshot_);
  decision.node = &node;
  return true;
}

void EvaluationCache::CheckLastAgainstPlain(const CycleState& state) {
  if (!entries_.empty() && entries_.front().evaluation) {
    entries_.front().evaluation->CheckAgainstPlain(state);
  }
}

}  // namespace berth::framework
