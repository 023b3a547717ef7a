#include "cluster/node/request_pump.h"

#include <algorithm>
#include <utility>

#include "api/errors.h"

namespace berth::node {
namespace {

constexpr absl::Duration kPauseFirst = absl::Milliseconds(100);
constexpr absl::Duration kPauseMax = absl::Seconds(5);

}  // namespace

RequestPump::RequestPump(Executor& executor, int64_t in_flight_max)
    : executor_(executor), in_flight_max_(in_flight_max) {}

void RequestPump::Submit(Job job) {
  queue_.push_back(std::move(job));
  Pump();
}

void RequestPump::Pump() {
  if (pumping_) return;  // a job that submits
  pumping_ = true;
  while (!paused_ && in_flight_ < in_flight_max_ && !queue_.empty()) {
    Job job = std::move(queue_.front());
    queue_.pop_front();
    ++in_flight_;
    job([this, alive = lifetime_.Watch()](bool healthy) {
      if (!alive.expired()) Finished(healthy);
    });
  }
  pumping_ = false;
}

void RequestPump::Finished(bool healthy) {
  --in_flight_;
  if (healthy) {
    pause_ = absl::ZeroDuration();
  } else if (!paused_) {
    paused_ = true;
    pause_ = std::clamp(pause_ * 2, kPauseFirst, kPauseMax);
    executor_.PostAfter(pause_, [this, alive = lifetime_.Watch()] {
      if (alive.expired()) return;
      paused_ = false;
      Pump();
    });
  }
  Pump();
}

}  // namespace berth::node
