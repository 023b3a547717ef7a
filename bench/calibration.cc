#include "bench/calibration.h"

#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "base/strings.h"
#include "bench/environment.h"

namespace berth::bench {
namespace {

constexpr int kSteps = 8;
constexpr uint64_t kSeed = 1;
constexpr uint64_t kEntries = 20'000;
constexpr int kLookups = 60'000;

std::string KeyOf(uint64_t number) { return "scheduler-perf/pod-" + std::to_string(number); }

// Returns how many lookups found something.
int Step() {
  Random random(kSeed);
  StringMap<std::unique_ptr<std::vector<int64_t>>> table;
  for (uint64_t i = 0; i < kEntries; ++i) {
    table[KeyOf(i)] = std::make_unique<std::vector<int64_t>>(16, static_cast<int64_t>(i));
  }
  int found = 0;
  for (int i = 0; i < kLookups; ++i) {
    const auto it = table.find(KeyOf(random.Below(2 * kEntries)));
    found += it != table.end() && it->second->back() >= 0 ? 1 : 0;
  }
  return found;
}

}  // namespace

Calibration Calibrate(Clock& clock) {
  const absl::Time begin = clock.Now();
  const absl::Duration cpu_begin = ThreadCpu();
  for (int i = 0; i < kSteps; ++i) BERTH_CHECK(Step() > 0);
  return {(clock.Now() - begin) / kSteps, (ThreadCpu() - cpu_begin) / kSteps};
}

}  // namespace berth::bench
