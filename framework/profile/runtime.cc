#include "framework/profile/runtime.h"

#include <algorithm>

#include <fmt/core.h>

#include "api/errors.h"
#include "base/log.h"
#include "framework/profile/point_timer.h"

namespace berth::framework {
namespace {

constexpr absl::Duration kPermitTimeoutMax = absl::Minutes(15);

Status Failed(std::string_view what, std::string_view plugin, const Status& status) {
  return Error(fmt::format("running {} plugin {}: {}", what, api::GoQuoted(plugin),
                           status.Message()))
      .WithPlugin(plugin);
}

// Both sorted.
std::vector<std::string> Intersection(const std::vector<std::string>& a,
                                      const std::vector<std::string>& b) {
  std::vector<std::string> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both;
}

Status NoNodeSatisfies(const std::vector<std::string>& narrowed_by) {
  if (narrowed_by.size() == 1) {
    return Unresolvable("node(s) didn't satisfy plugin " + narrowed_by[0]);
  }
  std::string names;
  for (const std::string& name : narrowed_by) names += (names.empty() ? "" : " ") + name;
  return Unresolvable(fmt::format("node(s) didn't satisfy plugin(s) [{}] simultaneously", names));
}

}  // namespace

// --- filtering ---------------------------------------------------------------------------------

PreFilterOutcome Runtime::RunPreFilter(CycleState& state, const PodInfo& pod,
                                       const Snapshot& snapshot) const {
  PointTimer timer(metrics_, clock_, "PreFilter", profile_.name());
  PreFilterOutcome outcome;
  for (const auto& entry : profile_.pre_filter) {
    PreFilterResult result = entry.plugin->PreFilter(state, pod, snapshot);
    if (result.status.IsSkip()) {
      state.skipped_filters |= PluginBit(entry.ordinal);
      continue;
    }
    if (!result.status.ok()) {
      const Code code = result.status.code();
      if (code == Code::kUnschedulable) {
        outcome.status = result.status.WithPlugin(entry.name);
        continue;
      }
      outcome.narrowed_by.clear();
      outcome.status = code == Code::kUnschedulableAndUnresolvable
                           ? result.status.WithPlugin(entry.name)
                           : Failed("PreFilter", entry.name, result.status);
      timer.Ended(outcome.status);
      return outcome;
    }
    if (!result.node_names) continue;
    outcome.narrowed_by.emplace_back(entry.name);
    std::sort(result.node_names->begin(), result.node_names->end());
    outcome.node_names = outcome.node_names ? Intersection(*outcome.node_names, *result.node_names)
                                            : *std::move(result.node_names);
    if (!outcome.node_names->empty()) continue;
    std::sort(outcome.narrowed_by.begin(), outcome.narrowed_by.end());
    outcome.status = NoNodeSatisfies(outcome.narrowed_by);
    timer.Ended(outcome.status);
    return outcome;
  }
  std::sort(outcome.narrowed_by.begin(), outcome.narrowed_by.end());
  timer.Ended(outcome.status);
  return outcome;
}

Verdict Runtime::RunFilter(const CycleState& state, const PodInfo& pod,
                           const NodeInfo& node) const {
  for (const auto& entry : profile_.filter) {
    if ((state.skipped_filters & PluginBit(entry.ordinal)) != 0) continue;
    Status status = entry.plugin->Filter(state, pod, node);
    if (status.ok()) continue;
    if (!status.IsRejected()) {
      status = Error(fmt::format("running {} filter plugin: {}", api::GoQuoted(entry.name),
                                 status.Message()));
    }
    return {std::move(status), entry.ordinal};
  }
  return {};
}

Verdict Runtime::RunFilterWithNominated(CycleState& state, const PodInfo& pod,
                                        const NodeInfo& node) const {
  const std::vector<PodPtr>* nominated_here = nominator_.Find(node.name_symbol());
  if (nominated_here == nullptr) return RunFilter(state, pod, node);
  NodeInfo crowded;
  CycleState crowded_state;
  bool any = false;
  for (const PodPtr& nominated : *nominated_here) {
    if (nominated->uid == pod.uid || nominated->priority < pod.priority) continue;
    if (!any) {
      any = true;
      crowded = node;
      crowded_state = state.Clone();
    }
    crowded.AddPod(nominated);
    Status status = RunAddPod(crowded_state, pod, *nominated, crowded);
    if (!status.ok()) return {std::move(status), -1};
  }
  if (any) {
    Verdict verdict = RunFilter(crowded_state, pod, crowded);
    if (!verdict.ok()) return verdict;
  }
  return RunFilter(state, pod, node);
}

Status Runtime::RunAddPod(CycleState& state, const PodInfo& to_schedule, const PodInfo& added,
                          const NodeInfo& node) const {
  for (const auto& entry : profile_.pre_filter) {
    if (!entry.plugin->HasExtensions()) continue;
    if ((state.skipped_filters & PluginBit(entry.ordinal)) != 0) continue;
    const Status status = entry.plugin->AddPod(state, to_schedule, added, node);
    if (!status.ok()) {
      return Error(fmt::format("running AddPod on PreFilter plugin {}: {}",
                               api::GoQuoted(entry.name), status.Message()));
    }
  }
  return Success();
}

Status Runtime::RunRemovePod(CycleState& state, const PodInfo& to_schedule,
                             const PodInfo& removed, const NodeInfo& node) const {
  for (const auto& entry : profile_.pre_filter) {
    if (!entry.plugin->HasExtensions()) continue;
    if ((state.skipped_filters & PluginBit(entry.ordinal)) != 0) continue;
    const Status status = entry.plugin->RemovePod(state, to_schedule, removed, node);
    if (!status.ok()) {
      return Error(fmt::format("running RemovePod on PreFilter plugin {}: {}",
                               api::GoQuoted(entry.name), status.Message()));
    }
  }
  return Success();
}

Status Runtime::Stamped(const Verdict& verdict) const {
  if (verdict.ordinal < 0) return verdict.status;
  return verdict.status.WithPlugin(profile_.plugin_name(verdict.ordinal));
}

// --- scoring -----------------------------------------------------------------------------------

Status Runtime::RunPreScore(CycleState& state, const PodInfo& pod,
                            std::span<const NodeInfo* const> feasible) const {
  PointTimer timer(metrics_, clock_, "PreScore", profile_.name());
  for (const auto& entry : profile_.pre_score) {
    const Status status = entry.plugin->PreScore(state, pod, feasible);
    if (status.IsSkip()) {
      state.skipped_scores |= PluginBit(entry.ordinal);
    } else if (!status.ok()) {
      return timer.Ended(Failed("PreScore", entry.name, status));
    }
  }
  return Success();
}

void Runtime::NormalizeAndWeigh(const CycleState& state, const PodInfo& pod,
                                std::span<const NodeInfo* const> feasible, ScoreTable& out,
                                Status& status) const {
  const size_t count = feasible.size();
  std::vector<NodeScore> scores(count);
  for (size_t p = 0; p < out.plugins.size(); ++p) {
    const PointEntry<ScorePlugin>& entry = *out.plugins[p];
    for (size_t n = 0; n < count; ++n) scores[n] = {feasible[n]->index, out.raw[p * count + n]};
    switch (entry.plugin->normalization()) {
      case Normalization::kNone: break;
      case Normalization::kDefault: DefaultNormalize(scores, false); break;
      case Normalization::kDefaultReverse: DefaultNormalize(scores, true); break;
      case Normalization::kCustom: {
        const Status custom = entry.plugin->NormalizeScore(state, pod, scores);
        if (custom.ok()) break;
        status = Error(fmt::format("running Normalize on Score plugins: plugin {} failed with: {}",
                                   api::GoQuoted(entry.name), custom.Message()));
        return;
      }
    }
    for (size_t n = 0; n < count; ++n) {
      const int64_t score = scores[n].score;
      if (score < kNodeScoreMin || score > kNodeScoreMax) {
        status = Error(fmt::format(
            "applying score defaultWeights on Score plugins: plugin {} returns an invalid score "
            "{}, it should in the range of [0, 100] after normalizing",
            api::GoQuoted(entry.name), score));
        return;
      }
      out.normalized[p * count + n] = score;
      out.total[n] += score * entry.weight;
    }
  }
}

Status Runtime::RunScore(const CycleState& state, const PodInfo& pod,
                         std::span<const NodeInfo* const> feasible, ScoreTable& out) const {
  PointTimer timer(metrics_, clock_, "Score", profile_.name());
  const size_t count = feasible.size();
  out.plugins.clear();
  for (const auto& entry : profile_.score) {
    if ((state.skipped_scores & PluginBit(entry.ordinal)) == 0) out.plugins.push_back(&entry);
  }
  out.raw.assign(out.plugins.size() * count, 0);
  out.normalized.assign(out.raw.size(), 0);
  out.total.assign(count, 0);
  for (size_t p = 0; p < out.plugins.size(); ++p) {
    for (size_t n = 0; n < count; ++n) {
      const Scored scored = out.plugins[p]->plugin->Score(state, pod, *feasible[n]);
      if (!scored.status.ok()) {
        return timer.Ended(Error(fmt::format("running Score plugins: plugin {} failed with: {}",
                                             api::GoQuoted(out.plugins[p]->name),
                                             scored.status.Message())));
      }
      out.raw[p * count + n] = scored.score;
    }
  }
  Status status;
  NormalizeAndWeigh(state, pod, feasible, out, status);
  return timer.Ended(std::move(status));
}

// --- after the choice --------------------------------------------------------------------------

Status Runtime::RunReserve(CycleState& state, const PodInfo& pod, std::string_view node) const {
  if (profile_.reserve.empty()) return Success();
  PointTimer timer(metrics_, clock_, "Reserve", profile_.name());
  for (const auto& entry : profile_.reserve) {
    const Status status = entry.plugin->Reserve(state, pod, node);
    if (status.ok()) continue;
    return timer.Ended(status.IsRejected() ? status.WithPlugin(entry.name)
                                           : Failed("Reserve", entry.name, status));
  }
  return Success();
}

void Runtime::RunUnreserve(CycleState& state, const PodInfo& pod, std::string_view node) const {
  for (auto it = profile_.reserve.rbegin(); it != profile_.reserve.rend(); ++it) {
    it->plugin->Unreserve(state, pod, node);
  }
}

Runtime::PermitOutcome Runtime::RunPermit(CycleState& state, const PodInfo& pod,
                                          std::string_view node) const {
  PermitOutcome outcome;
  if (profile_.permit.empty()) return outcome;
  PointTimer timer(metrics_, clock_, "Permit", profile_.name());
  for (const auto& entry : profile_.permit) {
    const PermitResult result = entry.plugin->Permit(state, pod, node);
    if (result.status.ok()) continue;
    if (result.status.IsWait()) {
      outcome.waits.emplace_back(std::string(entry.name),
                                 std::min(result.timeout, kPermitTimeoutMax));
      continue;
    }
    outcome.waits.clear();
    outcome.status = timer.Ended(result.status.IsRejected()
                                     ? result.status.WithPlugin(entry.name)
                                     : Failed("Permit", entry.name, result.status));
    return outcome;
  }
  if (!outcome.waits.empty()) {
    outcome.status =
        timer.Ended(Wait("one or more plugins asked to wait and no plugin rejected pod"));
  }
  return outcome;
}

void Runtime::RunPostBind(CycleState& state, const PodInfo& pod, std::string_view node) const {
  if (profile_.post_bind.empty()) return;
  PointTimer timer(metrics_, clock_, "PostBind", profile_.name());
  for (const auto& entry : profile_.post_bind) entry.plugin->PostBind(state, pod, node);
}

}  // namespace berth::framework
