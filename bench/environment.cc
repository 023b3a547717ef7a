#include "bench/environment.h"

#include <sched.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include <cstdlib>
#include <ctime>
#include <fstream>

#include <fmt/core.h>

#include "bench/commit.inc"  // kCommit, written by cmake/BerthCommit.cmake

namespace berth::bench {
namespace {

constexpr const char* kUnknown = "unknown";

std::string CpuModel() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    const size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != line.npos) return line.substr(colon + 2);
  }
  return kUnknown;
}

// Those that this process may use.
std::string Cores() {
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof cores, &cores) != 0) return kUnknown;
  return std::to_string(CPU_COUNT(&cores));
}

std::string Memory() {
  struct sysinfo info{};
  if (sysinfo(&info) != 0) return kUnknown;
  constexpr double kGiB = 1024.0 * 1024 * 1024;
  return fmt::format("{:.1f} GiB", static_cast<double>(info.totalram) * info.mem_unit / kGiB);
}

absl::Duration CpuOf(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return absl::DurationFromTimespec(time);
}

std::string Kernel() {
  utsname names{};
  return uname(&names) == 0 ? fmt::format("{} {}", names.sysname, names.release) : kUnknown;
}

}  // namespace

std::map<std::string, std::string> DescribeMachine() {
#ifdef __clang__
  const std::string compiler = "clang " __clang_version__;
#else
  const std::string compiler = "gcc " __VERSION__;
#endif
  return {{"cores", Cores()},        {"cpu", CpuModel()},      {"memory", Memory()},
          {"kernel", Kernel()},      {"compiler", compiler},   {"build", BERTH_BUILD},
          {"commit", kCommit},       {"version", BERTH_VERSION}};
}

double LoadAverage() {
  double load = 0;
  return getloadavg(&load, 1) == 1 ? load : 0;
}

absl::Duration ProcessCpu() { return CpuOf(CLOCK_PROCESS_CPUTIME_ID); }

absl::Duration ThreadCpu() { return CpuOf(CLOCK_THREAD_CPUTIME_ID); }

}  // namespace berth::bench
