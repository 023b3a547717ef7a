// Result: what one workload gave at one target, over all repetitions, with everything a reader
// needs to judge it. Written by `berth bench -o json`, read by `berth bench compare`.
//
//   {"kind": "BenchResults", "version": 1, "results": [{
//      "name": "SchedulingBasic/5000Nodes_10000Pods/namespace-2", "topic": "misc",
//      "offeredRate": 0, "repetitions": 5,
//      "settings": {"target": "engine", ...}, "machine": {"cores": "2", ...},
//      "figures": {"pods_per_second": {"unit": "pods/s", "better": "higher", "values": [...],
//                                      "median": 41000, "spread": 0.03}, ...},
//      "scenario": {"happened": true, "missing": []}, "problems": [],
//      "placementOverTime": [{"seconds": 0.1, ...}], "dataItems": {"version": "v1", ...}}]}
//
// spread: the coefficient of variation. placementOverTime and dataItems: the former of the last
// repetition, the latter of all.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "api/json_value.h"
#include "bench/figures.h"
#include "bench/scheduler_perf/runner.h"
#include "bench/settings.h"

namespace berth::bench {

struct Result {
  std::string name;  // CASE/WORKLOAD/COLLECTOR
  std::string topic;
  double offered_rate = 0;  // pods/s; 0: all at once
  int repetitions = 0;
  Settings settings;
  std::map<std::string, std::string> machine;
  Figures figures;
  std::vector<std::string> missing;   // of the scenario, each repetition's
  std::vector<std::string> problems;  // thresholds that were not met
  std::vector<Placement> placement;   // over time
  std::vector<DataItem> items;        // upstream's

  // Values that are new to the figures; a figure's unit and direction are those of its first value.
  void Add(const std::string& figure, std::string unit, Better better, double value);
};

// A workload that ran once, and one of the measurements that it made.
struct Round {
  const WorkloadResult* whole;
  const Measurement* measured;
};
// One repetition, of one round or more; pods, seconds and waits are taken together, placement is
// the last round's.
void AddRepetition(const TestCase& test_case, const std::vector<Round>& rounds, Result& result);

std::string PrintResults(const std::vector<Result>& results);
// Without placement over time and data items. InvalidArgument says what is wrong with the text.
absl::StatusOr<std::vector<Result>> ParseResults(std::string_view text);

}  // namespace berth::bench
