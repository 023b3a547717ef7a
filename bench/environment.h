// What a figure was taken on: the machine, and this program.
#pragma once

#include <map>
#include <string>

#include <absl/time/time.h>

namespace berth::bench {

// "cores", "cpu", "memory", "kernel", "compiler", "build", "commit", "version". What cannot be told
// is "unknown". A commit that ends in "-dirty" had changes that are in no commit.
std::map<std::string, std::string> DescribeMachine();

// Of the last minute, by the kernel.
double LoadAverage();
// CPU time that this process has used, all threads; that this thread has.
absl::Duration ProcessCpu();
absl::Duration ThreadCpu();

}  // namespace berth::bench
