// Watchdog: every pod of ours that waits for a node is in exactly one place: queued, or being
// decided upon. It should never find otherwise; where it does, it says so and mends it.
#pragma once

#include <cstdint>
#include <memory>

#include "base/executor.h"
#include "framework/cycle/engine_core.h"

namespace berth::framework {

// Threads: the engine's executor.
class Watchdog {
 public:
  // core must outlive it. Sweeps every EngineOptions.watchdog_period.
  explicit Watchdog(EngineCore& core);

  // Compares the queue with what the source shows. Cost: every pod of the source, once. Each
  // violation is an error in the log, an event of the pod, and a metric:
  //   "lost"     the pod waits and is nowhere: it is queued
  //   "doubled"  it is queued while it is being decided upon: it is taken out of the queue
  //   "stale"    it is queued and waits no more: it is taken out of the queue
  // Returns how many there were.
  int64_t Sweep();

 private:
  void Report(const PodPtr& pod, std::string_view kind, std::string_view note);

  EngineCore& core_;
  std::unique_ptr<PeriodicTimer> timer_;
};

}  // namespace berth::framework
