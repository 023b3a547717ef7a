// Results as a table on standard output.
#pragma once

#include "bench/result.h"

namespace berth::bench {

// What all results of this invocation share, and the columns' names.
void PrintHead(const Result& first);
// The last repetition's row.
void PrintRepetition(const Result& result);
// The median of several repetitions, then what else is known: settings that are this workload's
// own, upstream's samples, the scenario, placement, thresholds that were not met.
void PrintSummary(const Result& result);

// "12.3 %" of a share in [0, 1].
std::string Percent(double share);

}  // namespace berth::bench
