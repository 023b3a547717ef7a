// RequestPump: a bounded number of requests in flight, and a pause while the server is away.
//
//   Submit(job) -> queue -> at most in_flight_max jobs at a time -> done(healthy)
//   unhealthy (no connection, timeout, overload): nothing new starts for 100 ms, 200 ms .. 5 s;
//   the first healthy answer ends the pausing. What failed submits itself again.
//
// The queue is bounded by its users: each submits a thing once until it is done.
// Threads: none; everything on one executor, `done` too.
#pragma once

#include <cstdint>
#include <deque>

#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>
#include <absl/time/time.h>

#include "base/executor.h"

namespace berth::node {

class RequestPump {
 public:
  using Done = absl::AnyInvocable<void(bool healthy)>;
  // Starts one request; calls `done` exactly once, from inside if there is nothing to do.
  using Job = absl::AnyInvocable<void(Done done)>;

  RequestPump(Executor& executor, int64_t in_flight_max);
  RequestPump(const RequestPump&) = delete;
  RequestPump& operator=(const RequestPump&) = delete;

  void Submit(Job job);
  int64_t queued() const { return static_cast<int64_t>(queue_.size()); }
  int64_t in_flight() const { return in_flight_; }
  bool paused() const { return paused_; }

 private:
  void Pump();
  void Finished(bool healthy);

  Executor& executor_;
  const int64_t in_flight_max_;
  std::deque<Job> queue_;
  int64_t in_flight_ = 0;
  bool paused_ = false;
  bool pumping_ = false;
  absl::Duration pause_;
  Lifetime lifetime_;
};

}  // namespace berth::node
