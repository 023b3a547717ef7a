#include "framework/cycle/evaluation_check.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "framework/cycle/evaluation.h"

namespace berth::framework {
namespace {

std::string TextOf(const Verdict& verdict) {
  if (verdict.ok()) return std::string(CodeName(Code::kSuccess));
  return fmt::format("{}: {}", CodeName(verdict.status.code()), verdict.status.Message());
}

// Whose word has changed: of the two that reject, the one that is asked first.
std::string_view Culprit(const Profile& profile, const Verdict& kept, const Verdict& asked) {
  for (const auto& entry : profile.filter) {
    if (entry.ordinal == kept.ordinal || entry.ordinal == asked.ordinal) return entry.name;
  }
  return {};
}

}  // namespace

std::string WrongEvaluation::ToString() const {
  const std::string what =
      fmt::format("plugin={} node={} pod={} kept=\"{}\" asked=\"{}\"", plugin, node, pod, kept,
                  asked);
  if (plugin.empty()) return what + ": the plugins agree, this is a fault of the engine";
  return what + ": DependsOn, Abstains, Classify, Sign or SignsTemplates of the plugin says less "
                "than its results depend on";
}

void EvaluationCheck::Tell(const std::optional<WrongEvaluation>& found) {
  ++made_;
  metrics_.EvaluationChecked(!found);
  if (!found) return;
  ++wrong_;
  last_ = found->ToString();
  BERTH_LOG(kError, "kept evaluation is wrong {}", last_);
}

// --- node by node ------------------------------------------------------------------------------

std::optional<WrongEvaluation> Evaluation::FirstDifference(const CycleState& state,
                                                           const PodInfo& pod) const {
  const PodPtr stand_in = PodInfo::Anonymous(pod);
  const PodInfo& anonymous = *stand_in;
  if (groups_ != nullptr) return FirstOtherGroup(anonymous);
  CycleState asked_state = state.Clone();
  std::vector<const NodeInfo*> feasible;
  for (const NodeInfo* node : snapshot_.nodes()) {
    const Verdict asked = runtime_.RunFilterWithNominated(asked_state, anonymous, *node);
    const Verdict kept = HeldVerdict(node->index);
    if (asked.ordinal != kept.ordinal || !(asked.status == kept.status)) {
      return WrongEvaluation{std::string(Culprit(runtime_.profile(), kept, asked)),
                             std::string(node->name()), pod.key, TextOf(kept), TextOf(asked)};
    }
    if (kept.ok()) feasible.push_back(node);
  }
  if (feasible_count_ != std::ssize(feasible)) {
    return WrongEvaluation{{}, {}, pod.key, fmt::format("{} feasible nodes", feasible_count_),
                           fmt::format("{} feasible nodes", feasible.size())};
  }
  if (!scored_) return std::nullopt;
  return FirstOtherScore(asked_state, anonymous, feasible);
}

// The same, with what groups answer.
std::optional<WrongEvaluation> Evaluation::FirstOtherGroup(const PodInfo& pod) const {
  CycleState state;
  if (!runtime_.RunPreFilter(state, pod, snapshot_).status.ok()) return std::nullopt;
  state.skipped_filters |= needs_.each_pod;
  std::vector<const NodeInfo*> feasible;
  std::vector<GroupStanding> standings;
  std::vector<size_t> place(groups_->end(), 0);
  bool some_left_out = false;
  for (const NodeInfo* node : snapshot_.nodes()) {
    const NodeGroup group = groups_->Of(node->index);
    const Verdict asked = runtime_.RunFilterWithNominated(state, pod, *node);
    const Verdict held = HeldVerdict(node->index);
    const int refuser = held.ok() ? groups_->Refuser(group) : held.ordinal;
    const bool kept = refuser == NodeGroups::kAllAgree;
    if (asked.ok() != kept) {
      return WrongEvaluation{
          std::string(runtime_.profile().plugin_name(kept ? asked.ordinal : refuser)),
          std::string(node->name()), pod.key, kept ? "feasible" : "not feasible", TextOf(asked)};
    }
    some_left_out = some_left_out || (held.ok() && !kept);
    if (!kept) continue;
    feasible.push_back(node);
    size_t& at = place[static_cast<size_t>(group)];
    if (at != 0) continue;
    standings.push_back({group, static_cast<int64_t>(board_.count(group)), 0});
    at = standings.size();
  }
  if (!scored_ || feasible.size() < 2 || !groups_->Score(standings)) return std::nullopt;
  // Maxima are of more nodes: then the plain path decides.
  if (some_left_out && !ScoresStandAlone()) return std::nullopt;
  ScoreTable table;
  Status status = runtime_.RunPreScore(state, pod, feasible, needs_.each_pod);
  if (status.ok()) status = runtime_.RunScore(state, pod, feasible, table);
  if (!status.ok()) return WrongEvaluation{{}, {}, pod.key, "scores", status.Message()};
  for (size_t n = 0; n < feasible.size(); ++n) {
    const NodeIndex node = feasible[n]->index;
    const size_t at = place[static_cast<size_t>(groups_->Of(node))] - 1;
    const int64_t held = board_.Has(node) ? board_.total(node) + standings[at].score : -1;
    if (held == table.total[n]) continue;
    return WrongEvaluation{ScoreSuspects(table, n, feasible.size(), node),
                           std::string(feasible[n]->name()), pod.key, fmt::format("total {}", held),
                           fmt::format("total {}", table.total[n])};
  }
  return std::nullopt;
}

// Who may have made a total wrong: the first whose kept score is another one now; when none is,
// those that score by classes.
std::string Evaluation::ScoreSuspects(const ScoreTable& table, size_t place, size_t places,
                                      NodeIndex node) const {
  std::vector<std::string_view> by_class;
  for (size_t p = 0; p < table.plugins.size(); ++p) {
    const auto* entry = table.plugins[p];
    const auto column = std::find_if(columns_.begin(), columns_.end(), [entry](const Column& each) {
      return each.entry == entry;
    });
    if (column == columns_.end()) {
      by_class.push_back(entry->name);
    } else if (column->raw[static_cast<size_t>(node)] != table.raw[p * places + place]) {
      return std::string(entry->name);
    }
  }
  return fmt::format("{}", fmt::join(by_class, "+"));
}

std::optional<WrongEvaluation> Evaluation::FirstOtherScore(
    CycleState& state, const PodInfo& pod, const std::vector<const NodeInfo*>& feasible) const {
  const auto differs = [&](std::string_view plugin, std::string_view node, std::string kept,
                           std::string asked) {
    return WrongEvaluation{std::string(plugin), std::string(node), pod.key, std::move(kept),
                           std::move(asked)};
  };
  ScoreTable table;
  Status status = runtime_.RunPreScore(state, pod, feasible, needs_.each_pod);
  if (status.ok()) status = runtime_.RunScore(state, pod, feasible, table);
  if (!status.ok()) return differs(status.plugin(), {}, "scores", status.Message());
  for (size_t p = 0; p < std::max(columns_.size(), table.plugins.size()); ++p) {
    const auto* kept = p < columns_.size() ? columns_[p].entry : nullptr;
    const auto* asked = p < table.plugins.size() ? table.plugins[p] : nullptr;
    if (kept != asked) {
      const bool skips = asked == nullptr || (kept != nullptr && kept->ordinal < asked->ordinal);
      return differs(skips ? kept->name : asked->name, {}, skips ? "scores" : "Skip of PreScore",
                     skips ? "Skip of PreScore" : "scores");
    }
    for (size_t n = 0; n < feasible.size(); ++n) {
      const int64_t held = columns_[p].raw[static_cast<size_t>(feasible[n]->index)];
      const int64_t said = table.raw[p * feasible.size() + n];
      if (held == said) continue;
      return differs(kept->name, feasible[n]->name(), fmt::format("score {}", held),
                     fmt::format("score {}", said));
    }
  }
  for (size_t n = 0; n < feasible.size(); ++n) {
    const NodeIndex node = feasible[n]->index;
    const int64_t held = board_.Has(node) ? board_.total(node) : -1;
    if (held == table.total[n]) continue;
    return differs({}, feasible[n]->name(), fmt::format("total {}", held),
                   fmt::format("total {}", table.total[n]));
  }
  return std::nullopt;
}

}  // namespace berth::framework
