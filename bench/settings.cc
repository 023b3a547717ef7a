#include "bench/settings.h"

#include <optional>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "bench/scheduler_perf/engine_target.h"
#include "scheduler-main/config.h"
#include "scheduler-main/feature_gates.h"

namespace berth::bench {
namespace {

constexpr const char* kHintsGate = "SchedulerQueueingHints";

std::string ShareScored(const std::optional<int32_t>& percentage) {
  if (percentage.value_or(0) == 0) return "all";
  return fmt::format("{} %", *percentage);
}

absl::StatusOr<std::string> NodesScored(const std::string& path, const std::string& gates) {
  BERTH_ASSIGN_OR_RETURN(const auto parsed, scheduler::FeatureGates::Parse(gates));
  BERTH_ASSIGN_OR_RETURN(const auto groups, parsed.PodGroups());
  BERTH_ASSIGN_OR_RETURN(const auto config, scheduler::ReadConfig(path, groups));
  std::string out = ShareScored(config.percentage_of_nodes_to_score);
  for (const auto& profile : config.profiles) {
    if (!profile.percentage_of_nodes_to_score) continue;
    out += fmt::format(", {}: {}", profile.scheduler_name.value_or("default-scheduler"),
                       ShareScored(profile.percentage_of_nodes_to_score));
  }
  return out;
}

// Ours always asks plugins whether an event can help a pod, whatever the gate says.
std::string QueueingHints(const Workload& workload, bool ours) {
  const auto gate = workload.feature_gates.find(kHintsGate);
  const bool off = gate != workload.feature_gates.end() && !gate->second;
  const std::string asked = off ? " (the workload asks for: off)" : "";
  return (ours ? "on" : "as the cluster's scheduler has it") + asked;
}

std::string JoinGates(const std::map<std::string, bool>& gates) {
  std::string out;
  for (const auto& [name, on] : gates) {
    out += fmt::format("{}{}={}", out.empty() ? "" : ",", name, on);
  }
  return out;
}

void DescribeScheduler(const Options& options, const Selected& selected, const GateSplit& gates,
                       Settings& out) {
  const std::string config = selected.SchedulerConfig(options);
  out["scheduler"] = "berth";
  out["scheduler_config"] = config.empty() ? "defaults" : config;
  out["tie_break"] = "RoundRobin";
  out["feature_gates"] = gates.flag.empty() ? "defaults" : gates.flag;
  std::string without;
  for (const std::string& gate : gates.without_effect) {
    without += (without.empty() ? "" : ",") + gate;
  }
  out["feature_gates_without_effect"] = without.empty() ? "none" : without;
  out["queueing_hints"] = QueueingHints(*selected.workload, true);
}

// What a scheduler that is not ours does cannot be seen from here.
void DescribeOthers(const Workload& workload, Settings& out) {
  const std::string asked = JoinGates(workload.feature_gates);
  out["scheduler"] = "the cluster's own";
  out["scheduler_config"] = out["tie_break"] = out["nodes_scored"] = "unknown";
  out["feature_gates"] =
      asked.empty() ? "unknown" : fmt::format("unknown (the workload asks for: {})", asked);
  out["queueing_hints"] = QueueingHints(workload, false);
}

void DescribeNull(Settings& out) {
  out["scheduler"] = "null: each pod at once to the next node, nothing decided";
  for (const char* name : {"scheduler_config", "tie_break", "nodes_scored", "feature_gates",
                           "queueing_hints"}) {
    out[name] = "none";
  }
}

void DescribeStore(const Options& options, Settings& out) {
  if (options.target == "engine") {
    out["store"] = "none: objects in memory, a binding is acknowledged at once";
    out["durability"] = "none";
  } else if (options.target == "cluster") {
    out["store"] = out["durability"] = "unknown";
  } else {
    out["store"] = options.store;
    out["durability"] = options.store == "rocksdb"
                            ? "on disk before acknowledged; Events may be acknowledged earlier"
                            : "none: gone with the process";
  }
}

}  // namespace

absl::StatusOr<Settings> DescribeSettings(const Options& options, const Selected& selected) {
  Settings out;
  const GateSplit gates = SplitGates(selected.workload->feature_gates);
  if (options.target == "cluster") {
    DescribeOthers(*selected.workload, out);
  } else if (options.null_scheduler) {
    DescribeNull(out);
  } else {
    DescribeScheduler(options, selected, gates, out);
    BERTH_ASSIGN_OR_RETURN(out["nodes_scored"],
                           NodesScored(selected.SchedulerConfig(options), gates.flag));
  }
  DescribeStore(options, out);
  const bool engine = options.target == "engine";
  out["target"] = options.target;
  out["client_qps"] = engine               ? "no client"
                      : options.client_qps ? fmt::format("{}", *options.client_qps)
                                           : "unlimited";
  out["requests_in_flight"] = engine ? "no client" : std::to_string(options.clients);
  out["histograms"] = options.histograms ? "on" : "off";
  out["measured_pods"] = options.measure_pods ? std::to_string(*options.measure_pods)
                                              : "as the workload says";
  out["min_seconds"] = fmt::format("{}", options.min_seconds);
  return out;
}

}  // namespace berth::bench
