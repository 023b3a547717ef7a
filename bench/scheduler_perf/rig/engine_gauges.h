// The few of the engine's metrics that every run reports, without the cost of histograms: what is
// in flight, and the victims of preemption.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include "base/strings.h"
#include "framework/cycle/metrics.h"

namespace berth::bench {

// Threads: the calls of framework::Metrics on one executor; Text from any thread.
class EngineGauges final : public framework::Metrics {
 public:
  void InFlightEvents(std::string_view event, int64_t delta) override;
  void PreemptionVictims(int64_t count) override;

  // In the Prometheus text format, under upstream's names.
  std::string Text() const;

 private:
  mutable absl::Mutex mutex_;
  StringMap<int64_t> in_flight_ ABSL_GUARDED_BY(mutex_);
  int64_t preemptions_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t victims_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace berth::bench
