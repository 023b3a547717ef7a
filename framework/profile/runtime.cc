#include "framework/profile/runtime.h"

#include <algorithm>

#include <fmt/core.h>

#include "api/errors.h"
#include "base/log.h"

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

void Runtime::NothingRan(std::string_view point) const {
  if (!metrics_.WantsDurations()) return;
  metrics_.ExtensionPoint(point, Code::kSuccess, profile_.name(), absl::ZeroDuration());
}

// --- filtering ---------------------------------------------------------------------------------

PreFilterOutcome Runtime::RunPreFilter(CycleState& state, const PodInfo& pod,
                                       const Snapshot& snapshot, uint64_t except) const {
  PointTimer timer = Timed("PreFilter");
  PreFilterOutcome outcome;
  state.skipped_filters |= except;
  const bool sampled = state.record_plugin_metrics;
  times_->Begin(sampled);
  for (size_t i = 0; i < profile_.pre_filter.size(); ++i) {
    const auto& entry = profile_.pre_filter[i];
    if ((except & PluginBit(entry.ordinal)) != 0) continue;
    PreFilterResult result = times_->Time(sampled, entry.name, "PreFilter", [&] {
      return entry.plugin->PreFilter(state, pod, snapshot);
    });
    if (result.status.IsSkip()) {
      state.skipped_filters |= PluginBit(entry.ordinal);
      continue;
    }
    counts_->pre_filter[i]->Add();
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
  const bool sampled = state.record_plugin_metrics;
  for (size_t i = 0; i < profile_.filter.size(); ++i) {
    const auto& entry = profile_.filter[i];
    if ((state.skipped_filters & PluginBit(entry.ordinal)) != 0) continue;
    counts_->filter[i]->Add();
    Status status = times_->Time(sampled, entry.name, "Filter", [&] {
      return entry.plugin->Filter(state, pod, node);
    });
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
    const Status status =
        times_->Time(state.record_plugin_metrics, entry.name, "PreFilterExtensionAddPod",
                     [&] { return entry.plugin->AddPod(state, to_schedule, added, node); });
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
    const Status status =
        times_->Time(state.record_plugin_metrics, entry.name, "PreFilterExtensionRemovePod",
                     [&] { return entry.plugin->RemovePod(state, to_schedule, removed, node); });
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
                            std::span<const NodeInfo* const> feasible, uint64_t except) const {
  PointTimer timer = Timed("PreScore");
  state.skipped_scores |= except;
  for (size_t i = 0; i < profile_.pre_score.size(); ++i) {
    const auto& entry = profile_.pre_score[i];
    if ((except & PluginBit(entry.ordinal)) != 0) continue;
    const Status status =
        times_->Time(state.record_plugin_metrics, entry.name, "PreScore",
                     [&] { return entry.plugin->PreScore(state, pod, feasible); });
    if (status.IsSkip()) {
      state.skipped_scores |= PluginBit(entry.ordinal);
      continue;
    }
    counts_->pre_score[i]->Add();
    if (!status.ok()) return timer.Ended(Failed("PreScore", entry.name, status));
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
        const Status custom =
            times_->Time(state.record_plugin_metrics, entry.name, "ScoreExtensionNormalize",
                         [&] { return entry.plugin->NormalizeScore(state, pod, scores); });
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
  PointTimer timer = Timed("Score");
  const size_t count = feasible.size();
  out.plugins.clear();
  for (size_t i = 0; i < profile_.score.size(); ++i) {
    const auto& entry = profile_.score[i];
    if ((state.skipped_scores & PluginBit(entry.ordinal)) != 0) continue;
    out.plugins.push_back(&entry);
    counts_->score[i]->Add(static_cast<int64_t>(count));
  }
  out.raw.assign(out.plugins.size() * count, 0);
  out.normalized.assign(out.raw.size(), 0);
  out.total.assign(count, 0);
  for (size_t p = 0; p < out.plugins.size(); ++p) {
    for (size_t n = 0; n < count; ++n) {
      const Scored scored =
          times_->Time(state.record_plugin_metrics, out.plugins[p]->name, "Score",
                       [&] { return out.plugins[p]->plugin->Score(state, pod, *feasible[n]); });
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
  if (profile_.reserve.empty()) {
    NothingRan("Reserve");
    return Success();
  }
  PointTimer timer = Timed("Reserve");
  for (const auto& entry : profile_.reserve) {
    const Status status =
        times_->Time(state.record_plugin_metrics, entry.name, "Reserve",
                     [&] { return entry.plugin->Reserve(state, pod, node); });
    if (status.ok()) continue;
    return timer.Ended(status.IsRejected() ? status.WithPlugin(entry.name)
                                           : Failed("Reserve", entry.name, status));
  }
  return Success();
}

void Runtime::RunUnreserve(CycleState& state, const PodInfo& pod, std::string_view node) const {
  PointTimer timer = Timed("Unreserve");
  for (auto it = profile_.reserve.rbegin(); it != profile_.reserve.rend(); ++it) {
    times_->Time(state.record_plugin_metrics, it->name, "Unreserve", [&] {
      it->plugin->Unreserve(state, pod, node);
      return Success();
    });
  }
}

Runtime::PermitOutcome Runtime::RunPermit(CycleState& state, const PodInfo& pod,
                                          std::string_view node) const {
  PermitOutcome outcome;
  if (profile_.permit.empty()) {
    NothingRan("Permit");
    return outcome;
  }
  PointTimer timer = Timed("Permit");
  for (const auto& entry : profile_.permit) {
    const PermitResult result =
        times_->Time(state.record_plugin_metrics, entry.name, "Permit",
                     [&] { return entry.plugin->Permit(state, pod, node); });
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
  if (profile_.post_bind.empty()) return NothingRan("PostBind");
  PointTimer timer = Timed("PostBind");
  for (const auto& entry : profile_.post_bind) {
    times_->Time(state.record_plugin_metrics, entry.name, "PostBind", [&] {
      entry.plugin->PostBind(state, pod, node);
      return Success();
    });
  }
}

}  // namespace berth::framework
