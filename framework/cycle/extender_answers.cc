#include "framework/cycle/extender_answers.h"

#include <algorithm>
#include <utility>

#include "api/schema/core_v1_node.pb.h"
#include "base/log.h"
#include "base/strings.h"

namespace berth::framework {
namespace {

constexpr int64_t kPluginScoresPerExtenderScore = kNodeScoreMax / kExtenderScoreMax;

// Garbage wraps around, as upstream's does.
int64_t WrappingSum(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

std::vector<NodePtr> ObjectsOf(const ExtenderAnswers::Nodes& nodes) {
  std::vector<NodePtr> objects;
  objects.reserve(nodes.size());
  for (const NodeInfo* node : nodes) objects.push_back(node->shared_node());
  return objects;
}

}  // namespace

bool AnyDecides(const Extenders& extenders, const PodInfo& pod) {
  return std::any_of(extenders.begin(), extenders.end(), [&](const auto& extender) {
    return (extender->filters() || extender->prioritizes()) && extender->IsInterested(pod);
  });
}

void ExtenderAnswers::SetFilter(const ExtenderQuestion& question,
                                absl::StatusOr<ExtenderFilterResult> answer) {
  Filtered& filtered = filtered_[{question.extender, question.kind}];
  if (!answer.ok()) {
    filtered.failure = answer.status();
    return;
  }
  filtered.kept_are_its_own = answer->kept_are_its_own;
  for (NodePtr& node : answer->kept) {
    std::string name = node->metadata().name();
    filtered.kept.insert_or_assign(std::move(name), std::move(node));
  }
  for (const auto& [node, why] : answer->failed) {
    filtered.rejected.insert_or_assign(node, Unschedulable(why));
  }
  for (const auto& [node, why] : answer->unresolvable) {
    filtered.rejected.insert_or_assign(node, Unresolvable(why));
  }
}

void ExtenderAnswers::SetPrioritize(const ExtenderQuestion& question,
                                    absl::StatusOr<Extender::Scores> answer) {
  const Place place = {question.extender, question.kind};
  if (!answer.ok()) {
    scores_.insert_or_assign(place, answer.status());
    return;
  }
  StringMap<int64_t> by_node;
  for (const auto& [node, score] : *answer) {
    int64_t& sum = by_node[node];
    sum = WrappingSum(sum, score);
  }
  scores_.insert_or_assign(place, std::move(by_node));
}

Status ExtenderAnswers::Filter(const Extenders& extenders, ExtenderQuestion::Kind kind,
                               const PodInfo& pod, const Snapshot& snapshot, Nodes& feasible,
                               NodeStatuses& statuses, Diagnosis& diagnosis,
                               std::vector<ExtenderQuestion>& questions) {
  // What is said of the nominated node alone comes again when all are looked at.
  const bool counts = kind == ExtenderQuestion::Kind::kFilter;
  const size_t before = feasible.size();
  for (size_t i = 0; i < extenders.size() && !feasible.empty(); ++i) {
    const Extender& extender = *extenders[i];
    if (!extender.filters() || !extender.IsInterested(pod)) continue;
    const auto said = filtered_.find({i, kind});
    if (said == filtered_.end()) {
      questions.push_back({i, kind, ObjectsOf(feasible)});
      return Success();
    }
    if (const absl::Status& failure = said->second.failure; !failure.ok()) {
      if (!extender.ignorable()) return Error(ToStd(failure.message()));
      BERTH_LOG(kWarning, "extender is skipped extender={} pod={} err=\"{}\"", extender.name(),
                pod.key, ToStd(failure.message()));
      continue;
    }
    for (Status& status : Apply(said->second, snapshot, feasible, statuses)) {
      if (counts) diagnosis.verdicts.emplace_back(std::move(status), 1);
    }
  }
  if (counts && feasible.size() != before) {
    diagnosis.unschedulable_plugins.emplace(kExtenderPlugin);
  }
  return Success();
}

std::vector<Status> ExtenderAnswers::Apply(const Filtered& answer, const Snapshot& snapshot,
                                           Nodes& feasible, NodeStatuses& statuses) {
  Nodes kept;
  StringSet asked_about;
  for (const NodeInfo* node : feasible) {
    asked_about.emplace(node->name());
    const auto found = answer.kept.find(node->name());
    if (found == answer.kept.end()) continue;
    if (answer.kept_are_its_own) {
      described_.push_back(std::make_unique<NodeInfo>(found->second));
      described_.back()->index = node->index;
      node = described_.back().get();
    }
    kept.push_back(node);
  }
  feasible = std::move(kept);
  std::vector<Status> verdicts;
  for (const auto& [name, status] : answer.rejected) {
    const NodeInfo* node = snapshot.Find(name);
    if (node != nullptr && !asked_about.contains(name)) continue;
    if (node != nullptr) statuses.Set(node->index, {status, -1});
    verdicts.push_back(status);
  }
  return verdicts;
}

void ExtenderAnswers::Prioritize(const Extenders& extenders, const PodInfo& pod,
                                 const Nodes& feasible, std::vector<int64_t>& totals,
                                 std::vector<ExtenderQuestion>& questions) const {
  constexpr auto kKind = ExtenderQuestion::Kind::kPrioritize;
  for (size_t i = 0; i < extenders.size(); ++i) {
    const Extender& extender = *extenders[i];
    if (!extender.prioritizes() || !extender.IsInterested(pod)) continue;
    const auto said = scores_.find({i, kKind});
    if (said == scores_.end()) {
      questions.push_back({i, kKind, ObjectsOf(feasible)});
      continue;
    }
    if (!said->second.ok()) continue;  // as if it had not been asked
    const auto factor = static_cast<uint64_t>(extender.weight() * kPluginScoresPerExtenderScore);
    for (size_t n = 0; n < feasible.size(); ++n) {
      const auto score = said->second->find(feasible[n]->name());
      if (score == said->second->end()) continue;
      const auto weighted = static_cast<int64_t>(static_cast<uint64_t>(score->second) * factor);
      totals[n] = WrappingSum(totals[n], weighted);
    }
  }
}

}  // namespace berth::framework
