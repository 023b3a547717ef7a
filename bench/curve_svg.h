// Offered load against what came of it, as a picture: SVG that any browser shows.
#pragma once

#include <string>
#include <vector>

#include "bench/result.h"

namespace berth::bench {

// Of the results that have an offered rate, for each workload: bound pods a second over offered
// ones, with the line where both are equal, and below it the waits p50, p99 and p99.9 on a
// logarithmic scale. Medians over repetitions. Threads: pure.
std::string DrawOfferedLoad(const std::vector<Result>& results);

}  // namespace berth::bench
