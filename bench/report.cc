#include "bench/report.h"

#include <cmath>
#include <cstdio>

#include <fmt/core.h>

namespace berth::bench {
namespace {

constexpr size_t kResourcesShown = 4;

// NAN where there is no such figure.
double LastOf(const Result& result, std::string_view name) {
  const auto it = result.figures.find(std::string(name));
  return it == result.figures.end() ? NAN : it->second.values.back();
}
double MedianOf(const Result& result, std::string_view name) {
  const auto it = result.figures.find(std::string(name));
  return it == result.figures.end() ? NAN : Median(it->second.values);
}

std::string Number(double value, int digits) {
  return std::isnan(value) ? "-" : fmt::format("{:.{}f}", value, digits);
}

// An offer's row has what was bound a second while pods were offered.
std::string_view RateOf(const Result& result) {
  return result.offered_rate > 0 ? "offered.bound_per_second" : kPodsPerSecond;
}

std::string NameOf(const Result& result) {
  if (result.offered_rate == 0) return result.name;
  return fmt::format("{} at {:g}/s", result.name, result.offered_rate);
}

template <typename Get>
void PrintRow(const std::string& name, Get get) {
  fmt::print("{:<60} {:>7} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}\n", name,
             Number(get("pods"), 0), Number(get("seconds"), 3), Number(get({}), 0),
             Number(get("latency_ms.p50"), 2), Number(get("latency_ms.p90"), 2),
             Number(get("latency_ms.p99"), 2), Number(get("latency_ms.p99.9"), 2),
             Number(get(kCpuPerPod), 1));
}

void PrintOwnSettings(const Result& result) {
  for (const char* name : {"scheduler_config", "nodes_scored", "feature_gates",
                           "feature_gates_without_effect", "queueing_hints"}) {
    const auto it = result.settings.find(name);
    const bool usual = it == result.settings.end() || it->second == "defaults" ||
                       it->second == "none" || it->second == "all" || it->second == "on";
    if (!usual) fmt::print("  {}: {}\n", name, it->second);
  }
}

void PrintSamples(const Result& result) {
  std::vector<double> averages;
  for (const DataItem& item : result.items) {
    const auto metric = item.labels.find("Metric");
    if (metric == item.labels.end() || metric->second != kThroughputMetric) continue;
    if (const auto it = item.data.find("Average"); it != item.data.end()) {
      averages.push_back(it->second);
    }
  }
  if (averages.empty()) {
    fmt::print("  {}: no sample, it was over too soon\n", kThroughputMetric);
    return;
  }
  fmt::print("  {}: Average {:.0f} pods/s", kThroughputMetric, Median(averages));
  fmt::print("{}\n", averages.size() > 1 ? fmt::format(" (median of {})", averages.size()) : "");
}

void PrintPlacement(const Result& result) {
  if (result.placement.empty()) return;
  const Placement& last = result.placement.back();
  std::string text = fmt::format("{} of {} nodes used", last.nodes_used, last.nodes);
  size_t shown = 0;
  for (const auto& [name, use] : last.resources) {
    if (shown++ == kResourcesShown) {
      text += fmt::format("; {} more with -o json", last.resources.size() - kResourcesShown);
      break;
    }
    text += fmt::format("; {} {} used (deviation {}), {} stranded", name, Percent(use.mean),
                        Percent(use.deviation), Percent(use.stranded));
  }
  fmt::print("  placement: {}; {} unschedulable; {:.0f} preempted\n", text,
             Percent(last.UnschedulableShare()), MedianOf(result, "scenario.preempted"));
}

}  // namespace

std::string Percent(double share) { return fmt::format("{:.1f} %", share * 100); }

void PrintHead(const Result& first) {
  const auto say = [](const std::map<std::string, std::string>& of,
                      std::initializer_list<const char*> names) {
    std::string line;
    for (const char* name : names) {
      const auto it = of.find(name);
      if (it == of.end()) continue;
      line += fmt::format("{}{}: {}", line.empty() ? "" : "; ", name, it->second);
    }
    fmt::print("{}\n", line);
  };
  say(first.settings, {"target", "scheduler", "tie_break", "client_qps", "requests_in_flight"});
  say(first.settings, {"store", "durability", "measured_pods", "min_seconds", "histograms"});
  say(first.machine, {"cores", "cpu", "memory", "kernel"});
  say(first.machine, {"compiler", "build", "version", "commit"});
  fmt::print("{:<60} {:>7} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}\n", "WORKLOAD", "PODS",
             "SECONDS", "PODS/S", "P50 MS", "P90 MS", "P99 MS", "P99.9 MS", "CPU US");
}

void PrintRepetition(const Result& result) {
  PrintRow(NameOf(result), [&](std::string_view name) {
    return LastOf(result, name.empty() ? RateOf(result) : name);
  });
  std::fflush(stdout);
}

void PrintSummary(const Result& result) {
  if (result.repetitions > 1) {
    const auto rate = result.figures.find(std::string(RateOf(result)));
    PrintRow(fmt::format("  median of {}, spread {}", result.repetitions,
                         Percent(Spread(rate->second.values))),
             [&](std::string_view name) {
               return MedianOf(result, name.empty() ? RateOf(result) : name);
             });
  }
  PrintOwnSettings(result);
  PrintSamples(result);
  PrintPlacement(result);
  for (const std::string& sentence : result.missing) {
    fmt::print("  the scenario did not happen: {}\n", sentence);
  }
  for (const std::string& problem : result.problems) fmt::print("  {}\n", problem);
  std::fflush(stdout);
}

}  // namespace berth::bench
