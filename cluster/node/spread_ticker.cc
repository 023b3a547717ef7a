#include "cluster/node/spread_ticker.h"

#include <algorithm>
#include <utility>

namespace berth::node {
namespace {

// Timers fire at most this often, however many things there are.
constexpr absl::Duration kTickMin = absl::Milliseconds(50);

}  // namespace

SpreadTicker::SpreadTicker(Executor& executor, int64_t count, absl::Duration interval,
                           absl::AnyInvocable<void(int64_t)> visit)
    : executor_(executor), count_(count), interval_(interval), visit_(std::move(visit)) {}

void SpreadTicker::Start() {
  if (timer_ != 0 || count_ == 0) return;
  start_ = executor_.clock().Now();
  visited_ = 0;
  Tick();
}

void SpreadTicker::Stop() {
  if (timer_ != 0) executor_.Cancel(timer_);
  timer_ = 0;
}

void SpreadTicker::Arm() {
  timer_ = executor_.PostAfter(std::max(kTickMin, interval_ / count_),
                               [this, alive = lifetime_.Watch()] {
                                 if (!alive.expired() && timer_ != 0) Tick();
                               });
}

void SpreadTicker::Tick() {
  const absl::Duration since = executor_.clock().Now() - start_;
  // Divided before it is multiplied: an interval holds 10^11 ns, and rounds go on for years.
  absl::Duration rest;
  const int64_t rounds = absl::IDivDuration(since, interval_, &rest);
  const int64_t due = rounds * count_ +
                      static_cast<int64_t>(absl::FDivDuration(rest, interval_) *
                                           static_cast<double>(count_)) + 1;
  visited_ = std::max(visited_, due - count_);
  Arm();
  for (; visited_ < due; ++visited_) visit_(visited_ % count_);
}

}  // namespace berth::node
