// Reads a scheduler's metrics in the Prometheus text format: histograms, as upstream's collector
// summarizes them, and single values.
// Source: test/integration/scheduler_perf/util.go, component-base/metrics/testutil.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bench/scheduler_perf/throughput.h"
#include "bench/scheduler_perf/workload.h"

namespace berth::bench {

struct Sample {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0;
};

// Lines that are no samples are left out. Threads: pure.
std::vector<Sample> ParseMetrics(std::string_view text);

// The sum over the samples of a name.
double SumOf(const std::vector<Sample>& samples, std::string_view name);

// An item for each combination of label values that has observations: Perc50, Perc90, Perc95,
// Perc99 (interpolated inside buckets) and Average, in milliseconds. Labels: Name, Metric and those
// of the configuration.
std::vector<DataItem> CollectHistograms(const std::vector<Sample>& samples,
                                        const HistogramConfig& config, const std::string& name);

}  // namespace berth::bench
