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
  nanos_ = std::max(nanos_.load(), absl::ToUnixNanos(when));
}

}  // namespace berth
