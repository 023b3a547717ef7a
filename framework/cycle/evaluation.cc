#include "framework/cycle/evaluation.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"
#include "framework/profile/signature_text.h"

namespace berth::framework {
namespace {

constexpr size_t kKindsMax = std::numeric_limits<uint16_t>::max() - 1;

// Adds what one result depends on; false when it cannot be kept.
bool AddNeeds(Scope scope, const Dependencies& depends, const StringSet& watched, NodeFields* own,
              EvaluationNeeds* needs) {
  switch (scope) {
    case Scope::kNode: *own |= depends.node_fields; break;
    case Scope::kCluster:
      if ((depends.node_fields & kNodePods) != 0) return false;
      needs->cluster_fields |= depends.node_fields;
      break;
    case Scope::kDomain:
    case Scope::kFeasibleSet: return false;
  }
  for (const std::string& object : depends.objects) {
    if (!watched.contains(object)) return false;
    needs->objects = true;
  }
  return true;
}

// visit(plugin, its bit): once for each that filters or scores.
template <typename Visit>
void ForEachPlugin(const Profile& profile, Visit visit) {
  uint64_t visited = 0;
  const auto walk = [&](const auto& entries) {
    for (const auto& entry : entries) {
      const uint64_t bit = PluginBit(entry.ordinal);
      if ((visited & bit) == 0) visit(*entry.plugin, bit);
      visited |= bit;
    }
  };
  walk(profile.filter);
  walk(profile.score);
}

// Times one plugin over many nodes, when the attempt is sampled: what is told is the time for one.
class BatchSpan {
 public:
  BatchSpan(const Runtime& runtime, const CycleState& state, std::string_view plugin,
            std::string_view point, int64_t nodes)
      : times_(state.record_plugin_metrics && runtime.times().wanted() ? &runtime.times()
                                                                       : nullptr),
        plugin_(plugin),
        point_(point),
        nodes_(nodes) {
    if (times_ != nullptr) began_ = times_->Now();
  }
  ~BatchSpan() {
    if (times_ != nullptr) times_->Took(plugin_, point_, Code::kSuccess, began_, nodes_);
  }
  BatchSpan(const BatchSpan&) = delete;
  BatchSpan& operator=(const BatchSpan&) = delete;

 private:
  PluginTimes* const times_;
  const std::string_view plugin_, point_;
  const int64_t nodes_;
  absl::Time began_;
};

}  // namespace

PluginRoles RolesFor(const Profile& profile, const PodInfo& pod) {
  PluginRoles roles;
  ForEachPlugin(profile, [&](const Plugin& plugin, uint64_t bit) {
    if (plugin.Abstains(pod)) {
      roles.abstainers |= bit;
    } else if (plugin.Classifies(pod)) {
      roles.classifiers |= bit;
    } else if (plugin.FiltersEachPod(pod)) {
      roles.each_pod |= bit;
    }
  });
  return roles;
}

std::string ClassKeyOf(const Profile& profile, const PodInfo& pod, uint64_t classifiers) {
  SignatureText text;
  ForEachPlugin(profile, [&](const Plugin& plugin, uint64_t bit) {
    if ((classifiers & bit) != 0) plugin.ClassKey(pod, text);
  });
  return text.Finish();
}

EvaluationNeeds FilterNeedsOf(const Profile& profile, const PodInfo& pod,
                              const StringSet& watched, uint64_t left_out) {
  EvaluationNeeds needs;
  for (const auto& entry : profile.filter) {
    if ((left_out & PluginBit(entry.ordinal)) != 0) continue;
    const Dependencies depends = entry.plugin->DependsOn(pod);
    if (!AddNeeds(depends.filter, depends, watched, &needs.filter_fields, &needs)) return needs;
  }
  needs.shareable = true;
  return needs;
}

EvaluationNeeds NeedsOf(const Profile& profile, const PodInfo& pod, const StringSet& watched,
                        const PluginRoles& roles) {
  const uint64_t left_out = roles.abstainers | roles.classifiers | roles.each_pod;
  EvaluationNeeds needs = FilterNeedsOf(profile, pod, watched, left_out);
  needs.abstainers = roles.abstainers;
  needs.classifiers = roles.classifiers;
  needs.each_pod = roles.each_pod;
  if (!needs.shareable) return needs;
  needs.shareable = false;
  for (const auto& entry : profile.score) {
    if ((left_out & PluginBit(entry.ordinal)) != 0) continue;
    if (entry.plugin->normalization() == Normalization::kCustom) return needs;
    const Dependencies depends = entry.plugin->DependsOn(pod);
    if (!AddNeeds(depends.score, depends, watched, &needs.score_fields, &needs)) return needs;
  }
  needs.shareable = true;
  return needs;
}

Evaluation::Evaluation(const Runtime& runtime, const ClusterSnapshot& snapshot,
                       EvaluationNeeds needs, const PodPtr& pod)
    : runtime_(runtime), snapshot_(snapshot), needs_(needs), pod_(PodInfo::Anonymous(*pod)) {
  if (needs_.classifiers == 0) return;
  groups_ = std::make_unique<NodeGroups>(runtime_, *pod_, needs_.classifiers);
}

// --- staying up to date ------------------------------------------------------------------------

bool Evaluation::Refresh(CycleState& state, int64_t objects_generation, int64_t* evaluated) {
  const int64_t cluster = snapshot_.ChangedGeneration(needs_.cluster_fields);
  const bool start_over = structure_ != snapshot_.structure_generation() ||
                          !snapshot_.Remembers(log_position_) || cluster != cluster_generation_ ||
                          (needs_.objects && objects_generation != objects_generation_);
  const bool first = structure_ < 0;
  // The plugins see something the signature does not say.
  if (!first && state.skipped_filters != state_.skipped_filters) return false;
  const int64_t from = log_position_;
  structure_ = snapshot_.structure_generation();
  log_position_ = snapshot_.log_end();
  cluster_generation_ = cluster;
  objects_generation_ = objects_generation;
  if (groups_ != nullptr) RefreshGroups(start_over, from);
  if (start_over) {
    state_ = state.Clone();
    return EvaluateAll(evaluated);
  }

  const NodeFields relevant = needs_.filter_fields | needs_.score_fields;
  changes_.clear();
  for (const NodeChange& change : snapshot_.ChangesSince(from)) {
    if ((change.fields & relevant) != 0) changes_.push_back(change);
  }
  if (changes_.size() > 1) {  // one entry per node
    std::sort(changes_.begin(), changes_.end(),
              [](const NodeChange& a, const NodeChange& b) { return a.node < b.node; });
    size_t kept = 0;
    for (const NodeChange& change : changes_) {
      if (kept > 0 && changes_[kept - 1].node == change.node) {
        changes_[kept - 1].fields |= change.fields;
      } else {
        changes_[kept++] = change;
      }
    }
    changes_.resize(kept);
  }
  *evaluated += static_cast<int64_t>(changes_.size());
  for (const NodeChange& change : changes_) {
    if (!EvaluateNode(state, change.node, change.fields)) return false;
  }
  return Settle();
}

void Evaluation::RefreshGroups(bool start_over, int64_t from) {
  constexpr NodeFields kSeenByOthers = kNodePods | kNodeLabels | kNodeTaints;
  other_.clear();
  moved_.clear();
  if (!start_over) {
    for (const NodeChange& change : snapshot_.ChangesSince(from)) {
      if ((change.fields & kSeenByOthers) != 0) other_.push_back(change.node);
    }
    std::sort(other_.begin(), other_.end());
    other_.erase(std::unique(other_.begin(), other_.end()), other_.end());
  }
  groups_->Update(snapshot_, other_, start_over, moved_);
  if (start_over) {
    for (const NodeInfo* node : snapshot_.nodes()) {
      board_.SetGroup(node->index, groups_->Of(node->index));
    }
  }
  for (const NodeIndex node : moved_) board_.SetGroup(node, groups_->Of(node));
}

bool Evaluation::EvaluateAll(int64_t* evaluated) {
  const size_t count = snapshot_.nodes().size();
  *evaluated += static_cast<int64_t>(count);
  kind_of_.assign(count, 0);
  kinds_.clear();
  feasible_count_ = static_cast<int64_t>(count);
  why_not_.reset();
  scored_ = false;
  columns_.clear();
  std::vector<NodeIndex> alive(count);
  for (size_t i = 0; i < count; ++i) alive[i] = static_cast<NodeIndex>(i);
  std::vector<uint8_t> pass;
  // Plugin by plugin over the nodes that are left: a node's first failure is the one that counts,
  // and a plugin's code and data stay in the processor's cache.
  const auto& filters = runtime_.profile().filter;
  for (size_t at = 0; at < filters.size(); ++at) {
    const auto& entry = filters[at];
    if ((state_.skipped_filters & PluginBit(entry.ordinal)) != 0) continue;
    pass.assign(alive.size(), 0);
    runtime_.counts().filter[at]->Add(std::ssize(alive));
    const BatchSpan span(runtime_, state_, entry.name, "Filter", std::ssize(alive));
    const bool batch =
        entry.plugin->FilterBatch(state_, *pod_, snapshot_.columns(), alive, pass);
    size_t kept = 0;
    for (size_t i = 0; i < alive.size(); ++i) {
      const NodeIndex node = alive[i];
      if (batch && pass[i] != 0) {
        alive[kept++] = node;
        continue;
      }
      Status status =
          entry.plugin->Filter(state_, *pod_, *snapshot_.nodes()[static_cast<size_t>(node)]);
      if (status.ok()) {
        alive[kept++] = node;
        continue;
      }
      if (!status.IsRejected()) return false;
      if (!SetVerdict(node, {std::move(status), entry.ordinal})) return false;
    }
    alive.resize(kept);
  }
  // Where pods are nominated they count as there.
  for (const auto& [name, pods] : runtime_.nominator().by_node()) {
    const NodeInfo* node = snapshot_.Find(name);
    if (node != nullptr && !EvaluateNode(state_, node->index, kAllNodeFields)) return false;
  }
  return true;
}

bool Evaluation::EvaluateNode(CycleState& state, NodeIndex node, NodeFields fields) {
  if ((fields & needs_.filter_fields) != 0) {
    const NodeInfo& info = *snapshot_.nodes()[static_cast<size_t>(node)];
    const Verdict verdict = runtime_.RunFilterWithNominated(state, *pod_, info);
    if (!verdict.ok() && !verdict.status.IsRejected()) return false;
    if (!SetVerdict(node, verdict)) return false;
  }
  if (!scored_) return true;
  if (!IsFeasible(node)) return true;  // SetVerdict took its scores away
  if (board_.Has(node) && (fields & needs_.score_fields) == 0) return true;
  return ScoreNode(node);
}

bool Evaluation::SetVerdict(NodeIndex node, const Verdict& verdict) {
  uint16_t& kind = kind_of_[static_cast<size_t>(node)];
  if (kind != 0) {
    Kind& held = kinds_[kind - 1u];
    if (!verdict.ok() && held.verdict.ordinal == verdict.ordinal &&
        held.verdict.status == verdict.status) {
      return true;
    }
    --held.nodes;
    ++feasible_count_;
    kind = 0;
    why_not_.reset();
  }
  if (verdict.ok()) return true;
  why_not_.reset();
  if (scored_) UnscoreNode(node);
  --feasible_count_;
  size_t place = kinds_.size();
  for (size_t i = 0; i < kinds_.size(); ++i) {
    if (kinds_[i].nodes == 0) place = std::min(place, i);  // free for another verdict
    if (kinds_[i].verdict.ordinal != verdict.ordinal) continue;
    if (!(kinds_[i].verdict.status == verdict.status)) continue;
    ++kinds_[i].nodes;
    kind = static_cast<uint16_t>(i + 1);
    return true;
  }
  if (place == kKindsMax) return false;
  if (place == kinds_.size()) kinds_.emplace_back();
  kinds_[place] = {verdict, 1};
  kind = static_cast<uint16_t>(place + 1);
  return true;
}

Verdict Evaluation::HeldVerdict(NodeIndex node) const {
  const uint16_t kind = kind_of_[static_cast<size_t>(node)];
  return kind == 0 ? Verdict() : kinds_[kind - 1u].verdict;
}

// As if the node had been looked at and said that.
bool Evaluation::Answer(NodeIndex node, const Verdict& verdict) {
  if (!SetVerdict(node, verdict)) return false;
  if (scored_ && verdict.ok() && !board_.Has(node) && !ScoreNode(node)) return false;
  return Settle();
}

bool Evaluation::BeginOwn(CycleState& state, const PodInfo& pod, NodeIndex nominated_to) {
  BERTH_CHECK(own_ < 0);
  const auto at = static_cast<size_t>(nominated_to);
  const Verdict own = runtime_.RunFilterWithNominated(state, pod, *snapshot_.nodes()[at]);
  if (!own.ok() && !own.status.IsRejected()) return false;
  others_verdict_ = HeldVerdict(nominated_to);
  own_ = nominated_to;
  return Answer(nominated_to, own);
}

bool Evaluation::EndOwn() { return Answer(std::exchange(own_, -1), others_verdict_); }

// --- scores ------------------------------------------------------------------------------------

bool Evaluation::EnsureScored() { return scored_ || ScoreAll(); }

bool Evaluation::ScoreAll() {
  const size_t count = snapshot_.nodes().size();
  std::vector<NodeIndex> feasible;
  std::vector<const NodeInfo*> infos;
  for (size_t i = 0; i < count; ++i) {
    if (kind_of_[i] != 0) continue;
    feasible.push_back(static_cast<NodeIndex>(i));
    infos.push_back(snapshot_.nodes()[i]);
  }
  state_.skipped_scores = 0;
  // Abstainers too: the pod that asks has nothing for them, `pod_` may have by now.
  if (!runtime_.RunPreScore(state_, *pod_, infos, needs_.left_out()).ok()) return false;
  columns_.clear();
  const auto& scorers = runtime_.profile().score;
  for (size_t at = 0; at < scorers.size(); ++at) {
    const auto& entry = scorers[at];
    if ((state_.skipped_scores & PluginBit(entry.ordinal)) != 0) continue;
    Column column;
    column.entry = &entry;
    column.calls = runtime_.counts().score[at];
    column.normalization = entry.plugin->normalization();
    column.raw.assign(count, 0);
    if (!ScoreColumn(column, feasible)) return false;
    columns_.push_back(std::move(column));
  }
  scored_ = true;
  nodes_scored_ += std::ssize(feasible);
  return RebuildBoard();
}

bool Evaluation::ScoreColumn(Column& column, const std::vector<NodeIndex>& nodes) {
  const ScorePlugin& plugin = *column.entry->plugin;
  std::vector<int64_t> scores(nodes.size());
  column.calls->Add(std::ssize(nodes));
  const BatchSpan span(runtime_, state_, column.entry->name, "Score", std::ssize(nodes));
  const bool batch = plugin.ScoreBatch(state_, *pod_, snapshot_.columns(), nodes, scores);
  for (size_t i = 0; i < nodes.size(); ++i) {
    const auto node = static_cast<size_t>(nodes[i]);
    if (!batch) {
      Scored scored = plugin.Score(state_, *pod_, *snapshot_.nodes()[node]);
      if (!scored.status.ok()) return false;
      scores[i] = scored.score;
    }
    column.raw[node] = scores[i];
    CountMax(column, scores[i]);
  }
  return true;
}

void Evaluation::CountMax(Column& column, int64_t raw) {
  if (column.normalization == Normalization::kNone) return;
  if (raw > column.max) {
    column.max = raw;
    column.at_max = 1;
    stale_totals_ = true;
  } else if (raw == column.max) {
    ++column.at_max;
  }
}

void Evaluation::UncountMax(Column& column, int64_t raw) {
  if (column.normalization == Normalization::kNone || raw != column.max) return;
  --column.at_max;
}

void Evaluation::RescanMax(Column& column) {
  const int64_t before = column.max;
  column.max = 0;
  column.at_max = 0;
  for (size_t node = 0; node < column.raw.size(); ++node) {
    if (board_.Has(static_cast<NodeIndex>(node))) CountMax(column, column.raw[node]);
  }
  stale_totals_ = stale_totals_ || column.max != before;
}

bool Evaluation::ScoreNode(NodeIndex node) {
  const NodeInfo& info = *snapshot_.nodes()[static_cast<size_t>(node)];
  UnscoreNode(node);
  ++nodes_scored_;
  for (Column& column : columns_) {
    column.calls->Add();
    const Scored scored = column.entry->plugin->Score(state_, *pod_, info);
    if (!scored.status.ok()) return false;
    column.raw[static_cast<size_t>(node)] = scored.score;
    CountMax(column, scored.score);
  }
  int64_t total = 0;
  // With a maximum that has moved the total is not final, nor is its range checked.
  if (!stale_totals_ && !TotalOf(node, &total)) return false;
  board_.Set(node, total);
  return true;
}

void Evaluation::UnscoreNode(NodeIndex node) {
  if (!board_.Has(node)) return;
  board_.Remove(node);
  for (Column& column : columns_) UncountMax(column, column.raw[static_cast<size_t>(node)]);
}

bool Evaluation::TotalOf(NodeIndex node, int64_t* total) const {
  *total = 0;
  for (const Column& column : columns_) {
    int64_t score = column.raw[static_cast<size_t>(node)];
    if (column.normalization != Normalization::kNone) {
      score = NormalizedScore(score, column.max,
                              column.normalization == Normalization::kDefaultReverse);
    }
    if (score < kNodeScoreMin || score > kNodeScoreMax) return false;
    *total += score * column.entry->weight;
  }
  return true;
}

// After a run of changes: maxima that lost their last node, then totals that lean on a maximum.
bool Evaluation::Settle() {
  if (!scored_) return true;
  for (Column& column : columns_) {
    if (column.normalization == Normalization::kNone) continue;
    if (column.max > 0 && column.at_max == 0) RescanMax(column);
  }
  return !stale_totals_ || RebuildBoard();
}

bool Evaluation::RebuildBoard() {
  stale_totals_ = false;
  board_.Reset(kind_of_.size());
  for (size_t i = 0; i < kind_of_.size(); ++i) {
    if (kind_of_[i] != 0) continue;
    const auto node = static_cast<NodeIndex>(i);
    int64_t total = 0;
    if (!TotalOf(node, &total)) return false;
    board_.Set(node, total);
  }
  return true;
}

bool Evaluation::ScoresStandAlone() const {
  return std::all_of(columns_.begin(), columns_.end(), [](const Column& column) {
    return column.normalization == Normalization::kNone || column.max == 0;
  });
}

// --- answers -----------------------------------------------------------------------------------

NodeIndex Evaluation::OnlyFeasible() const {
  const auto it = std::find(kind_of_.begin(), kind_of_.end(), uint16_t{0});
  BERTH_CHECK(it != kind_of_.end());
  return static_cast<NodeIndex>(it - kind_of_.begin());
}

const NoFit& Evaluation::WhyNot() {
  if (why_not_) return *why_not_;
  NoFit& why = why_not_.emplace();
  auto statuses = std::make_shared<NodeStatuses>(runtime_, snapshot_);
  why.diagnosis.all_nodes = static_cast<int64_t>(kind_of_.size());
  why.diagnosis.absent_status = statuses->absent();
  std::vector<Verdict> kinds;
  for (const Kind& kind : kinds_) {
    kinds.push_back(kind.verdict);
    if (kind.nodes == 0) continue;
    const Status stamped = runtime_.Stamped(kind.verdict);
    why.diagnosis.AddRejector(stamped);
    why.diagnosis.verdicts.emplace_back(stamped, kind.nodes);
  }
  if (!runtime_.profile().post_filter.empty()) statuses->SetAll(kind_of_, std::move(kinds));
  why.diagnosis.KeepText();
  why.status = Status(Code::kUnschedulable, {why.diagnosis.Message()});
  why.statuses = std::move(statuses);
  return why;
}

int64_t Evaluation::bytes() const {
  const size_t nodes = kind_of_.size();
  const size_t why_not = why_not_ ? 12 : 0;  // a number of each node, and lists of them by code
  return static_cast<int64_t>(nodes * (2 + why_not + 8 * columns_.size()) +
                              128 * kinds_.size() + 1024) +
         board_.bytes() + (groups_ != nullptr ? groups_->bytes() : 0);
}

}  // namespace berth::framework
