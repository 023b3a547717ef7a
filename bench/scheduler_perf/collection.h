// One collection of metrics: from startCollectingMetrics (or a createPods with collectMetrics) to
// its end. Samples the throughput in a thread of its own.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <absl/synchronization/notification.h>
#include <absl/time/time.h>

#include "base/clock.h"
#include "bench/scheduler_perf/placement.h"
#include "bench/scheduler_perf/pod_ledger.h"
#include "bench/scheduler_perf/throughput.h"
#include "bench/scheduler_perf/workload.h"

namespace berth::bench {

// What became of pods that were offered at a rate, not all at once.
struct Offer {
  double rate = 0;          // pods/s asked for
  absl::Duration window;    // how long pods were offered
  int64_t pods = 0;         // how many
  absl::Duration sent_in;   // until the last request was sent: longer when creating was too slow
  int64_t bound_in_window = 0;
  std::vector<absl::Duration> unbound;  // how long they had waited when we stopped to wait for them

  double SentPerSecond() const;
  double BoundPerSecond() const;
};

struct Measurement {
  std::string name;  // "<benchmark>/<case>/<workload>/<collector>"
  int64_t pods = 0;
  absl::Time first_create, last_bound;  // only with pods > 0
  absl::Duration elapsed;      // from the first create to the last binding seen
  double pods_per_second = 0;  // pods / elapsed
  // create -> bound, sorted. Of an offer: from when a pod was due; pods that were not bound count
  // with what they had waited by then.
  std::vector<absl::Duration> latencies;
  // Of all of the rig's processes meanwhile, where known; making the pods ready is left out.
  std::optional<absl::Duration> cpu;
  PodTally tally;                     // meanwhile
  std::vector<Placement> placement;   // over time, the last one at the end
  std::optional<Offer> offer;
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

  // Stops sampling. Without histograms, thresholds, placement and offers, which are the runner's.
  Measurement Stop();

 private:
  void Sample();

  const std::string name_;
  PodLedger& ledger_;
  Clock& clock_;
  const absl::Duration interval_;
  const absl::Time began_;
  const PodTally tally_;  // when it began
  std::shared_ptr<PodLedger::Counter> counter_;
  ThroughputCollector throughput_;
  absl::Notification done_;
  std::thread sampler_;
};

// Compares the items that the selector is about and adds "<bucket>Threshold" to them. A throughput
// without samples, since the run was too short, is judged by the whole run's figure.
void ApplyThreshold(double threshold, const MetricSelector& selector, Measurement& measurement);

// latencies sorted; percent in [0, 100]. By upstream's rank rule.
absl::Duration Percentile(const std::vector<absl::Duration>& latencies, double percent);

}  // namespace berth::bench
