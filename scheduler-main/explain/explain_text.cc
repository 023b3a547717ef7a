#include "scheduler-main/explain/explain_text.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <fmt/ranges.h>

namespace berth::scheduler {
namespace {

using framework::Explanation;
using Row = std::vector<std::string>;

// Columns as wide as their widest cell, two spaces between them, none at the end of a line.
std::string Aligned(const std::vector<Row>& rows) {
  std::vector<size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const Row& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}", row[i], widths[i] + 2);
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string Reasons(const framework::Status& status) {
  std::vector<std::string> reasons = status.Reasons();
  std::sort(reasons.begin(), reasons.end());
  return fmt::format("{}", fmt::join(reasons, "; "));
}

std::string Outcome(const Explanation& said) {
  if (!said.error.empty()) return "The cycle fails: " + said.error;
  if (said.feasible.empty()) return "Fits nowhere: " + said.message;
  std::string text =
      fmt::format("Goes to {}, of {} node{} it fits on", said.chosen, said.feasible.size(),
                  said.feasible.size() == 1 ? "" : "s");
  if (said.best.size() > 1) {
    text += fmt::format("; {} have the highest score, and the tie-break takes this one",
                        said.best.size());
  }
  return text + ".";
}

std::string Scores(const Explanation& said) {
  std::vector<const Explanation::NodeScores*> nodes;
  for (const auto& node : said.scores) nodes.push_back(&node);
  std::stable_sort(nodes.begin(), nodes.end(),
                   [](const auto* a, const auto* b) { return a->total > b->total; });
  std::vector<Row> rows = {{"NODE", "TOTAL"}};
  for (const auto& plugin : nodes.front()->plugins) rows[0].push_back(plugin.plugin);
  for (const auto* node : nodes) {
    Row row = {node->node + (node->node == said.chosen ? " *" : ""), std::to_string(node->total)};
    for (const auto& plugin : node->plugins) {
      row.push_back(fmt::format("{} ({} of {})", plugin.weighted, plugin.normalized, plugin.raw));
    }
    rows.push_back(std::move(row));
  }
  return "\nScores: weighted (normalized of raw)\n" + Aligned(rows);
}

std::string Rejections(const Explanation& said) {
  std::vector<Row> rows = {{"NODE", "REJECTED BY", "REASON", "PREEMPTION", "ALSO REJECTED BY"}};
  for (const auto& [node, status, others] : said.rejected) {
    const bool may_help = status.code() == framework::Code::kUnschedulable;
    std::vector<std::string> also;
    for (const auto& other : others) {
      also.push_back(fmt::format("{} ({})", other.plugin(), Reasons(other)));
    }
    rows.push_back({node, std::string(status.plugin()), Reasons(status),
                    may_help ? "may help" : "cannot help",
                    fmt::format("{}", fmt::join(also, ", "))});
  }
  return "\nRejected\n" + Aligned(rows);
}

std::string Preemption(const Explanation::Preemption& preemption) {
  if (preemption.candidates.empty()) {
    return fmt::format("\nPreemption does not help: {}\n", preemption.message);
  }
  std::vector<Row> rows = {{"NODE", "BUDGETS VIOLATED", "VICTIMS"}};
  for (const auto& candidate : preemption.candidates) {
    const bool picked = std::find(preemption.pick.begin(), preemption.pick.end(),
                                  candidate.node) != preemption.pick.end();
    std::vector<std::string> victims;
    for (const auto& victim : candidate.victims) victims.push_back(victim->key);
    rows.push_back({candidate.node + (picked ? " *" : ""),
                    std::to_string(candidate.budget_violations),
                    fmt::format("{}", fmt::join(victims, ", "))});
  }
  return "\nPreemption makes room (* the best)\n" + Aligned(rows);
}

}  // namespace

std::string ToText(const PodExplanation& pod) {
  const Explanation& said = pod.explanation;
  std::string out = fmt::format("Pod {}\n{}\n", pod.pod, Outcome(said));
  if (said.narrowed_to) {
    out += fmt::format("Only these nodes were looked at: {}\n", fmt::join(*said.narrowed_to, ", "));
  }
  if (!said.scores.empty()) out += Scores(said);
  if (said.preemption) out += Preemption(*said.preemption);
  if (!said.rejected.empty()) out += Rejections(said);
  if (!pod.skipped.empty()) {
    out += fmt::format("\nNot looked at: {}\n", fmt::join(pod.skipped, ", "));
  }
  return out;
}

}  // namespace berth::scheduler
