// The scheduler program. A scheduler with more plugins is this and a list:
//
//   int main(int argc, char** argv) {
//     return berth::SchedulerMain(argc, argv, {{"PreferQuiet", &Create}});
//   }
#pragma once

#include <vector>

#include "framework/registry.h"

namespace berth {

// Runs until SIGINT or SIGTERM (a second one ends it at once); SIGUSR2 compares the cache with the
// API, and writes that and all of cache and queue to the log. Returns the exit code: 0 stopped, 1
// failed, 2 wrong command line. Failures are one line on standard error.
int SchedulerMain(int argc, char** argv, std::vector<framework::PluginEntry> plugins = {});

}  // namespace berth
