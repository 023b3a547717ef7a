#include "cluster/up/load_report.h"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>

#include "cluster/up/text.h"

namespace berth::up {
namespace {

constexpr int kBarMax = 40;
constexpr int64_t kHistogramRowsMax = 16;

std::string Bold(std::string_view text, bool colour) {
  return colour ? fmt::format("\033[1m{}\033[0m", text) : std::string(text);
}

std::string Milliseconds(absl::Duration value) {
  const double ms = absl::ToDoubleMilliseconds(value);
  if (ms < 10) return fmt::format("{:.1f} ms", ms);
  if (ms < 10'000) return fmt::format("{:.0f} ms", ms);
  return fmt::format("{:.1f} s", ms / 1000);
}

std::string Bar(int64_t value, int64_t top) {
  static constexpr const char* kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const int64_t eighths = top <= 0 ? 0 : (value * kBarMax * 8 + top - 1) / top;
  std::string out;
  for (int64_t i = 0; i < eighths / 8; ++i) out += "█";
  return out + kEighths[eighths % 8];
}

std::string LatencyLine(std::string_view what, std::vector<absl::Duration>& values) {
  const Percentiles p = PercentilesOf(values);
  return fmt::format("    {:<16} {:>10} {:>10} {:>10} {:>10}\n", what, Milliseconds(p.p50),
                     Milliseconds(p.p90), Milliseconds(p.p99), Milliseconds(p.max));
}

// "  pods per node: min 9 ..." and a bar for each count; many counts are grouped.
std::string SpreadText(const Spread& spread, std::string_view unit) {
  std::string out = fmt::format("    min {}   max {}   mean {:.1f}   standard deviation {:.2f}\n",
                                spread.min, spread.max, spread.mean, spread.stddev);
  const int64_t width = (spread.max - spread.min) / kHistogramRowsMax + 1;
  std::map<int64_t, int64_t> rows;
  int64_t top = 0;
  for (const auto& [value, nodes] : spread.histogram) {
    top = std::max(top, rows[(value - spread.min) / width] += nodes);
  }
  for (const auto& [row, nodes] : rows) {
    const int64_t first = spread.min + row * width;
    const std::string label = width == 1 ? fmt::format("{}", first)
                                         : fmt::format("{}-{}", first, first + width - 1);
    out += fmt::format("    {:>9} {} {} {}\n", label, unit, Bar(nodes, top), Grouped(nodes));
  }
  return out;
}

}  // namespace

Percentiles PercentilesOf(std::vector<absl::Duration>& values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const auto at = [&](int percent) {
    const size_t rank = (values.size() * static_cast<size_t>(percent) + 99) / 100;
    return values[std::max<size_t>(rank, 1) - 1];
  };
  return {at(50), at(90), at(99), values.back()};
}

Spread SpreadOf(const std::vector<int64_t>& pods_per_node) {
  Spread spread;
  if (pods_per_node.empty()) return spread;
  const auto [low, high] = std::minmax_element(pods_per_node.begin(), pods_per_node.end());
  spread.min = *low;
  spread.max = *high;
  const auto n = static_cast<double>(pods_per_node.size());
  double sum = 0, squares = 0;
  for (const int64_t pods : pods_per_node) {
    sum += static_cast<double>(pods);
    ++spread.histogram[pods];
  }
  spread.mean = sum / n;
  for (const int64_t pods : pods_per_node) {
    squares += std::pow(static_cast<double>(pods) - spread.mean, 2);
  }
  spread.stddev = std::sqrt(squares / n);
  return spread;
}

std::string RenderStep(const LoadStepReport& step, bool colour) {
  absl::Time first = absl::InfiniteFuture(), last_bound = absl::InfinitePast();
  std::vector<absl::Duration> to_bound, to_running;
  std::map<std::string, int64_t> by_scheduler;
  int64_t unbound = 0;
  for (const PodTimes& pod : step.pods) {
    first = std::min(first, pod.created);
    if (pod.bound == absl::InfiniteFuture()) {
      ++unbound;
      continue;
    }
    last_bound = std::max(last_bound, pod.bound);
    to_bound.push_back(pod.bound - pod.created);
    if (pod.running != absl::InfiniteFuture()) to_running.push_back(pod.running - pod.bound);
    ++by_scheduler[pod.scheduler];
  }
  const double seconds = to_bound.empty() ? 0 : absl::ToDoubleSeconds(last_bound - first);
  std::string out = "\n  " + Bold(step.title, colour) + "\n";
  out += fmt::format("    {} pods/s: {} created and bound in {:.2f} s, {} seen running",
                     Grouped(seconds <= 0 ? 0
                                          : std::llround(static_cast<double>(to_bound.size()) /
                                                         seconds)),
                     Grouped(static_cast<int64_t>(to_bound.size())), seconds,
                     Grouped(static_cast<int64_t>(to_running.size())));
  out += unbound > 0 ? fmt::format(", {} not bound\n", Grouped(unbound)) : "\n";
  out += fmt::format("    {:<16} {:>10} {:>10} {:>10} {:>10}\n", "latency", "p50", "p90", "p99",
                     "max");
  out += LatencyLine("create > bound", to_bound);
  out += LatencyLine("bound > running", to_running);
  for (const std::string& name : step.schedulers) {
    out += fmt::format("    scheduled by {:<24} {:>8}\n", name, Grouped(by_scheduler[name]));
  }
  out += fmt::format("    conflicts caught: {} binding{} refused because the node had been filled "
                     "meanwhile\n",
                     Grouped(step.conflicts), step.conflicts == 1 ? "" : "s");
  return out;
}

std::string RenderNodes(const std::vector<NodeUse>& nodes, bool colour) {
  std::vector<int64_t> pods, percents;
  std::vector<std::string> over;
  for (const NodeUse& node : nodes) {
    pods.push_back(node.pods);
    percents.push_back(node.milli_cpu_max == 0 ? 0 : node.milli_cpu * 100 / node.milli_cpu_max);
    if (node.Overcommitted()) over.push_back(node.name);
  }
  std::string out = "\n  " + Bold("Spread over nodes: pods on a node", colour) + "\n";
  out += SpreadText(SpreadOf(pods), "pods");
  out += "\n  " + Bold("Fill of nodes: requested share of cpu", colour) + "\n";
  out += SpreadText(SpreadOf(percents), "%   ");
  out += "\n  " + Bold("Over-commit check", colour) + "\n";
  out += fmt::format("    {} of {} nodes over-committed", over.size(),
                     Grouped(static_cast<int64_t>(nodes.size())));
  for (size_t i = 0; i < over.size() && i < 5; ++i) out += (i == 0 ? ": " : ", ") + over[i];
  return out + "\n";
}

}  // namespace berth::up
