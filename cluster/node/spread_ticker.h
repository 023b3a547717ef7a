// SpreadTicker: visits each of n things once an interval, evenly spread over it, with one timer.
#pragma once

#include <cstdint>

#include <absl/functional/any_invocable.h>
#include <absl/time/time.h>

#include "base/executor.h"

namespace berth::node {

// Threads: none; lives on its executor. The first round begins at Start, so that the k-th thing is
// first visited k/n of an interval later. A late timer catches up, by at most one round.
class SpreadTicker {
 public:
  SpreadTicker(Executor& executor, int64_t count, absl::Duration interval,
               absl::AnyInvocable<void(int64_t index)> visit);
  ~SpreadTicker() { Stop(); }
  SpreadTicker(const SpreadTicker&) = delete;
  SpreadTicker& operator=(const SpreadTicker&) = delete;

  void Start();
  void Stop();

 private:
  void Arm();
  void Tick();

  Executor& executor_;
  const int64_t count_;
  const absl::Duration interval_;
  absl::AnyInvocable<void(int64_t)> visit_;
  absl::Time start_;
  int64_t visited_ = 0;  // since start_
  TimerId timer_ = 0;
  Lifetime lifetime_;
};

}  // namespace berth::node
