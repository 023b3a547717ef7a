#include "base/clock.h"

#include <algorithm>

#include <absl/time/clock.h>

namespace berth {

absl::Time RealClock::Now() const { return absl::Now(); }

RealClock& RealClock::Get() {
  static RealClock* const clock = new RealClock;
  return *clock;
}

void FakeClock::AdvanceTo(absl::Time when) {
  // Up to a whole nanosecond: timers may be due at a fraction of one.
  const int64_t floor = absl::ToUnixNanos(when);
  const int64_t target = absl::FromUnixNanos(floor) < when ? floor + 1 : floor;
  nanos_ = std::max(nanos_.load(), target);
}

}  // namespace berth
