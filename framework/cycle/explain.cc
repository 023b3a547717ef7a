#include "framework/cycle/explain.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "api/errors.h"
#include "framework/cycle/engine_core.h"

namespace berth::framework {
namespace {

class Explainer {
 public:
  Explainer(EngineCore& core, ProfileUnit& unit, const PodPtr& pod)
      : core_(core), unit_(unit), pod_(pod) {}

  Explanation Run() {
    if (core_.snapshot.nodes().empty()) {
      out_.message = kNoNodesAvailable;
      return std::move(out_);
    }
    if (PreFilter() && Filter() && !feasible_.empty()) {
      Score();
      Choose();
    }
    return std::move(out_);
  }

 private:
  // False: no node needs to be looked at.
  bool PreFilter() {
    PreFilterOutcome outcome = unit_.runtime->RunPreFilter(state_, *pod_, core_.snapshot);
    out_.pre_filter = outcome.status;
    out_.narrowed_to = std::move(outcome.node_names);
    if (out_.pre_filter.ok()) return true;
    if (out_.pre_filter.IsRejected()) {
      WhyNot();
    } else {
      out_.error = out_.pre_filter.Message();
    }
    return false;
  }

  bool IsWanted(const NodeInfo& node) const {
    return !out_.narrowed_to || std::binary_search(out_.narrowed_to->begin(),
                                                   out_.narrowed_to->end(), node.name());
  }

  bool Filter() {
    for (const NodeInfo* node : core_.snapshot.nodes()) {
      if (!IsWanted(*node)) continue;
      const Verdict verdict = unit_.runtime->RunFilterWithNominated(state_, *pod_, *node);
      if (verdict.ok()) {
        feasible_.push_back(node);
        out_.feasible.emplace_back(node->name());
      } else if (verdict.status.IsRejected()) {
        out_.rejected.push_back({std::string(node->name()), unit_.runtime->Stamped(verdict),
                                 OtherRejections(*node, verdict.ordinal)});
      } else {
        out_.error = verdict.status.Message();
        return false;
      }
    }
    if (feasible_.empty()) WhyNot();
    return true;
  }

  std::vector<Status> OtherRejections(const NodeInfo& node, int first) const {
    std::vector<Status> others;
    for (const auto& entry : unit_.profile->filter) {
      if (entry.ordinal == first || (state_.skipped_filters & PluginBit(entry.ordinal)) != 0) {
        continue;
      }
      Status status = entry.plugin->Filter(state_, *pod_, node);
      if (status.IsRejected()) others.push_back(status.WithPlugin(entry.name));
    }
    return others;
  }

  // By the very decision the cycle makes, so that the message is its own.
  void WhyNot() {
    CycleState state;
    Decision decision = Decide(state);
    if (!out_.error.empty()) return;
    if (!decision.fit_error) {
      out_.message = decision.status.Message();
      return;
    }
    out_.message = decision.diagnosis.Message();
    if (unit_.profile->post_filter.empty()) return;
    std::vector<std::string> reasons;
    out_.preemption.emplace();
    for (const auto& entry : unit_.profile->post_filter) {
      PostFilterPlan plan = entry.plugin->PlanPostFilter(state, *pod_, *decision.statuses);
      if (plan.status.ok()) {
        out_.preemption->candidates = std::move(plan.candidates);
        out_.preemption->pick = std::move(plan.pick);
        return;
      }
      if (!plan.status.IsRejected()) {
        reasons = {plan.status.Message()};
        break;
      }
      for (std::string& reason : plan.status.Reasons()) reasons.push_back(std::move(reason));
      if (plan.status.code() == Code::kUnschedulableAndUnresolvable) break;
    }
    decision.diagnosis.post_filter_message = fmt::format("{}", fmt::join(reasons, ", "));
    out_.preemption->message = decision.diagnosis.Message();
  }

  void Score() {
    if (feasible_.size() == 1) {
      out_.best = out_.feasible;
      return;
    }
    ScoreTable table;
    Status status = unit_.runtime->RunPreScore(state_, *pod_, feasible_);
    if (status.ok()) status = unit_.runtime->RunScore(state_, *pod_, feasible_, table);
    if (!status.ok()) {
      out_.error = status.Message();
      return;
    }
    const size_t count = feasible_.size();
    const int64_t best = *std::max_element(table.total.begin(), table.total.end());
    for (size_t n = 0; n < count; ++n) {
      Explanation::NodeScores scores;
      scores.node = out_.feasible[n];
      scores.total = table.total[n];
      for (size_t p = 0; p < table.plugins.size(); ++p) {
        const PointEntry<ScorePlugin>& entry = *table.plugins[p];
        const int64_t normalized = table.normalized[p * count + n];
        scores.plugins.push_back({std::string(entry.name), table.raw[p * count + n], normalized,
                                  normalized * entry.weight});
      }
      if (scores.total == best) out_.best.push_back(scores.node);
      out_.scores.push_back(std::move(scores));
    }
  }

  // As the cycle decides; an error when what it shares was checked and is wrong.
  Decision Decide(CycleState& state) {
    EvaluationCache* const cache = unit_.evaluations.get();
    const int64_t wrong_before = cache != nullptr ? cache->check().wrong() : 0;
    Decision decision =
        unit_.algorithm->Schedule(state, pod_, unit_.profile->Sign(*pod_), nullptr);
    if (cache != nullptr && cache->check().wrong() > wrong_before) {
      out_.error = "kept evaluation is wrong: " + cache->check().last();
    }
    return decision;
  }

  void Choose() {
    if (!out_.error.empty()) return;
    CycleState state;
    const Decision decision = Decide(state);
    if (!out_.error.empty()) return;
    if (decision.node == nullptr) {
      out_.error = decision.status.Message();
    } else {
      out_.chosen = std::string(decision.node->name());
    }
  }

  EngineCore& core_;
  ProfileUnit& unit_;
  const PodPtr pod_;
  CycleState state_;
  std::vector<const NodeInfo*> feasible_;
  Explanation out_;
};

}  // namespace

Explanation Explain(EngineCore& core, const PodPtr& pod) {
  if (core.holder != nullptr) {
    Explanation out;
    out.error = "a pod's PostFilter or extenders are at work on this snapshot; ask again";
    return out;
  }
  core.cache.UpdateSnapshot(core.snapshot);
  ProfileUnit* unit = core.UnitOf(pod->scheduler_name);
  if (unit == nullptr) {
    Explanation out;
    out.error = fmt::format("profile not found for scheduler name {}",
                            api::GoQuoted(pod->scheduler_name));
    return out;
  }
  return Explainer(core, *unit, pod).Run();
}

}  // namespace berth::framework
