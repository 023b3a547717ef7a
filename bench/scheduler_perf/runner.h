// Runs one workload of a test case against a target and measures it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "base/clock.h"
#include "bench/scheduler_perf/target.h"
#include "bench/scheduler_perf/throughput.h"
#include "bench/scheduler_perf/workload.h"

namespace berth::bench {

struct RunOptions {
  Clock* clock = nullptr;
  absl::Duration sample_interval = absl::Seconds(1);  // upstream's
  absl::Duration wait_limit = absl::Minutes(10);
  std::string benchmark_name = "BenchmarkPerfScheduling";
  std::function<void(std::string_view)> progress;  // may be null
};

// One op with collectMetrics.
struct Measurement {
  std::string name;  // "<benchmark>/<case>/<workload>/<namespace>"
  int64_t pods = 0;
  absl::Duration elapsed;    // from the first create to the last binding seen
  double pods_per_second = 0;  // pods / elapsed
  // create -> bound, sorted
  std::vector<absl::Duration> latencies;
  DataItem throughput;       // upstream's collector
  bool below_threshold = false;
};

struct WorkloadResult {
  std::vector<Measurement> measurements;
  int64_t nodes_min = 0, nodes_max = 0;  // pods on the emptiest and the fullest node
  double nodes_mean = 0;
};

absl::StatusOr<WorkloadResult> RunWorkload(const WorkloadFile& file, const TestCase& test_case,
                                           const Workload& workload, Target& target,
                                           const RunOptions& options);

// latencies sorted; percent in [0, 100].
absl::Duration Percentile(const std::vector<absl::Duration>& latencies, double percent);

}  // namespace berth::bench
