// Runs one workload of a test case against a target and measures it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "base/clock.h"
#include "bench/scheduler_perf/collection.h"
#include "bench/scheduler_perf/target.h"
#include "bench/scheduler_perf/workload.h"

namespace berth::bench {

struct RunOptions {
  Clock* clock = nullptr;
  absl::Duration sample_interval = absl::Seconds(1);  // upstream's
  absl::Duration wait_limit = absl::Minutes(10);      // of createPods and barrier
  std::string templates;  // second place to look for templates; may be empty
  // Instead of the count of each createPods with collectMetrics.
  std::optional<int64_t> measure_pods;
  // Such pods are created at this rate for `offer_window`, not all at once; pods/s.
  std::optional<double> rate;
  absl::Duration offer_window = absl::Seconds(10);
  absl::Duration offer_drain = absl::Seconds(10);  // how long the last of them are waited for
  std::function<absl::Duration()> cpu;  // used by the rig's processes so far; null: not known
  std::function<void(std::string_view)> progress;  // may be null
};

struct WorkloadResult {
  std::vector<Measurement> measurements;
  int64_t nodes_min = 0, nodes_max = 0;  // pods on the emptiest and the fullest node
  std::map<std::string, PodCounts> namespaces;  // what is there at the end
  int64_t churned = 0;                          // objects that churn created
  PodTally tally;                               // of the whole run
  // From the scheduler's metrics, where they can be had: what is still in flight at the end (always
  // 0), and whom preemption evicted. -1: not known.
  int64_t in_flight_events = -1, preemption_victims = -1;
};

// Errors: InvalidArgument for what the file or a template has wrong, and for measure_pods or rate
// with a case that has no createPods with collectMetrics; Unimplemented for a kind that
// the target does not keep, DeadlineExceeded for pods that were not scheduled in time, and what the
// target said. What runs in the background when an operation fails, is stopped.
absl::StatusOr<WorkloadResult> RunWorkload(const WorkloadFile& file, const TestCase& test_case,
                                           const Workload& workload, Target& target,
                                           const RunOptions& options);

}  // namespace berth::bench
