// The throughput collector and the DataItems file, as scheduler_perf has them.
// Source: test/integration/scheduler_perf/util.go; rules in its README.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/time/time.h>

namespace berth::bench {

// Fed once a tick (1 s upstream) with how many pods are scheduled by now. The first tick with any
// only starts the clock; ticks without progress are made up for by the next one that has some.
class ThroughputCollector {
 public:
  void Tick(absl::Time now, int64_t scheduled);
  // pods/s, in the order taken.
  const std::vector<double>& samples() const { return samples_; }

 private:
  std::vector<double> samples_;
  absl::Time last_time_;
  int64_t last_count_ = 0;
  int64_t skipped_ = 0;
};

struct DataItem {
  std::map<std::string, double> data;  // "Average", "Perc50", ...
  std::string unit;
  std::map<std::string, std::string> labels;
};

// Average, Perc50, Perc90, Perc95, Perc99 by upstream's rank rule. Empty input: no data.
std::map<std::string, double> Summarize(std::vector<double> samples);

// Every label key used by any item is added to all of them as "not applicable".
std::string PrintDataItems(std::vector<DataItem> items);

}  // namespace berth::bench
