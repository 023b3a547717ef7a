// One invocation of `berth bench`: its workloads, each at its rates and as often as asked for.
#pragma once

#include "bench/options.h"

namespace berth::bench {

// Prints to standard output, progress and errors to standard error. Returns the exit code: 0 all
// ran and met their thresholds, 1 one did not, 2 nothing matches the options or a file is wrong.
int RunSession(const Options& options);

}  // namespace berth::bench
