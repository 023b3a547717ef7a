#include "bench/scheduler_perf/rig/engine_gauges.h"

#include <fmt/core.h>

namespace berth::bench {

void EngineGauges::InFlightEvents(std::string_view event, int64_t delta) {
  absl::MutexLock lock(&mutex_);
  auto it = in_flight_.find(event);
  if (it == in_flight_.end()) it = in_flight_.emplace(std::string(event), 0).first;
  it->second += delta;
}

void EngineGauges::PreemptionVictims(int64_t count) {
  absl::MutexLock lock(&mutex_);
  ++preemptions_;
  victims_ += count;
}

std::string EngineGauges::Text() const {
  absl::MutexLock lock(&mutex_);
  std::string out;
  for (const auto& [event, count] : in_flight_) {
    out += fmt::format("scheduler_inflight_events{{event=\"{}\"}} {}\n", event, count);
  }
  out += fmt::format("scheduler_preemption_victims_count {}\n", preemptions_);
  out += fmt::format("scheduler_preemption_victims_sum {}\n", victims_);
  return out;
}

}  // namespace berth::bench
