// A fixed piece of work that tells how fast this machine is at this moment: a figure divided by it
// can be compared with one taken elsewhere, or while others were busy too.
#pragma once

#include <absl/time/time.h>

#include "base/clock.h"

namespace berth::bench {

// Of one step of the work.
struct Calibration {
  absl::Duration wall, cpu;
};

// Runs for about a tenth of a second: small allocations, hashing, and lookups in a table that does
// not fit the inner caches, on one thread, as a scheduler spends its time. The work is part of the
// baselines' meaning: whoever changes it takes the baselines anew.
Calibration Calibrate(Clock& clock);

}  // namespace berth::bench
