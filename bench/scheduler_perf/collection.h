// One collection of metrics: from startCollectingMetrics (or a createPods with collectMetrics) to
// its end. Samples the throughput in a thread of its own.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <absl/synchronization/notification.h>
#include <absl/time/time.h>

#include "base/clock.h"
#include "bench/scheduler_perf/pod_ledger.h"
#include "bench/scheduler_perf/throughput.h"
#include "bench/scheduler_perf/workload.h"

namespace berth::bench {

struct Measurement {
  std::string name;  // "<benchmark>/<case>/<workload>/<collector>"
  int64_t pods = 0;
  absl::Duration elapsed;      // from the first create to the last binding seen
  double pods_per_second = 0;  // pods / elapsed
  // create -> bound, sorted
  std::vector<absl::Duration> latencies;
  // Upstream's: throughput, duration, histograms. The first is the throughput.
  std::vector<DataItem> items;
  std::vector<std::string> problems;  // thresholds that were not met, in upstream's words
};

// Threads: one owner.
class Collection {
 public:
  // The ledger and the clock must outlive it. interval: between samples.
  Collection(std::string name, PodFilter filter, PodLedger& ledger, Clock& clock,
             absl::Duration interval);
  ~Collection();

  // Stops sampling. Without histograms and thresholds, which are the runner's.
  Measurement Stop();

 private:
  void Sample();

  const std::string name_;
  PodLedger& ledger_;
  Clock& clock_;
  const absl::Duration interval_;
  const absl::Time began_;
  std::shared_ptr<PodLedger::Counter> counter_;
  ThroughputCollector throughput_;
  absl::Notification done_;
  std::thread sampler_;
};

// Compares the items that the selector is about and adds "<bucket>Threshold" to them. A throughput
// without samples, since the run was too short, is judged by the whole run's figure.
void ApplyThreshold(double threshold, const MetricSelector& selector, Measurement& measurement);

// latencies sorted; percent in [0, 100].
absl::Duration Percentile(const std::vector<absl::Duration>& latencies, double percent);

}  // namespace berth::bench
