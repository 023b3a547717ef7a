#include "scheduler-main/explain/explain_json.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace berth::scheduler {
namespace {

using api::JsonValue;
using framework::Explanation;

JsonValue Names(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  JsonValue out = JsonValue::EmptyArray();
  for (std::string& name : names) out.array().emplace_back(std::move(name));
  return out;
}

JsonValue StatusJson(const framework::Status& status) {
  JsonValue out = JsonValue::EmptyObject();
  out.Set("code", JsonValue(std::string(framework::CodeName(status.code()))));
  if (!status.plugin().empty()) out.Set("plugin", JsonValue(std::string(status.plugin())));
  out.Set("reasons", Names(status.Reasons()));
  return out;
}

JsonValue ScoresJson(const Explanation& explanation) {
  JsonValue out = JsonValue::EmptyObject();
  for (const Explanation::NodeScores& node : explanation.scores) {
    JsonValue row = JsonValue::EmptyObject();
    for (const Explanation::PluginScore& score : node.plugins) {
      JsonValue cell = JsonValue::EmptyObject();
      cell.Set("raw", JsonValue(score.raw));
      cell.Set("normalized", JsonValue(score.normalized));
      cell.Set("weighted", JsonValue(score.weighted));
      row.Set(score.plugin, std::move(cell));
    }
    row.Set("total", JsonValue(node.total));
    out.Set(node.node, std::move(row));
  }
  return out;
}

JsonValue PreemptionJson(const Explanation::Preemption& preemption) {
  JsonValue out = JsonValue::EmptyObject();
  if (!preemption.message.empty()) out.Set("message", JsonValue(preemption.message));
  if (preemption.candidates.empty()) return out;
  JsonValue candidates = JsonValue::EmptyObject();
  for (const auto& candidate : preemption.candidates) {
    JsonValue row = JsonValue::EmptyObject();
    JsonValue victims = JsonValue::EmptyArray();  // the most important first
    for (const auto& victim : candidate.victims) victims.array().emplace_back(victim->key);
    row.Set("victims", std::move(victims));
    row.Set("pdbViolations", JsonValue(candidate.budget_violations));
    candidates.Set(candidate.node, std::move(row));
  }
  out.Set("candidates", std::move(candidates));
  out.Set("pick", Names(preemption.pick));
  return out;
}

void SetOutcome(const Explanation& explanation, JsonValue& out) {
  if (!explanation.error.empty()) out.Set("error", JsonValue(explanation.error));
  if (!explanation.message.empty()) out.Set("message", JsonValue(explanation.message));
  if (!explanation.feasible.empty() && explanation.error.empty()) {
    out.Set("feasible", Names(explanation.feasible));
    out.Set("best", Names(explanation.best));
  }
}

}  // namespace

JsonValue ToJson(const Explanation& explanation) {
  JsonValue out = JsonValue::EmptyObject();
  if (!explanation.pre_filter.ok()) {
    out.Set("preFilter", StatusJson(explanation.pre_filter));
  } else if (explanation.narrowed_to) {
    JsonValue narrowed = JsonValue::EmptyObject();
    narrowed.Set("code", JsonValue("Success"));
    narrowed.Set("nodeNames", Names(*explanation.narrowed_to));
    out.Set("preFilter", std::move(narrowed));
  }
  if (!explanation.rejected.empty()) {
    JsonValue filter = JsonValue::EmptyObject();
    for (const auto& row : explanation.rejected) filter.Set(row.node, StatusJson(row.status));
    out.Set("filter", std::move(filter));
  }
  if (!explanation.scores.empty()) out.Set("scores", ScoresJson(explanation));
  if (explanation.preemption) out.Set("preemption", PreemptionJson(*explanation.preemption));
  SetOutcome(explanation, out);
  return out;
}

JsonValue ToStepJson(const Explanation& explanation) {
  JsonValue out = JsonValue::EmptyObject();
  if (!explanation.scores.empty()) {
    JsonValue totals = JsonValue::EmptyObject();
    for (const auto& node : explanation.scores) totals.Set(node.node, JsonValue(node.total));
    out.Set("totals", std::move(totals));
  }
  SetOutcome(explanation, out);
  return out;
}

}  // namespace berth::scheduler
