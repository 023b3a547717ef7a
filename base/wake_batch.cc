#include "base/wake_batch.h"

#include <utility>

#include <absl/time/clock.h>
#include <absl/time/time.h>

namespace berth {
namespace {

constexpr int64_t kDelayMaxNs = 100'000;

thread_local bool active = false;
thread_local std::vector<std::shared_ptr<Sleeper>> sleepers;
thread_local int64_t first_put_off_ns = 0;  // when the first of them was

}  // namespace

WakeBatch::WakeBatch() : outermost_(!std::exchange(active, true)) {}

WakeBatch::~WakeBatch() {
  if (!outermost_) return;
  active = false;
  Flush();
}

void WakeBatch::Flush() {
  if (sleepers.empty()) return;
  std::vector<std::shared_ptr<Sleeper>> taken;
  taken.swap(sleepers);
  for (const auto& sleeper : taken) sleeper->Rouse();
}

void WakeBatch::FlushIfDue() {
  if (!sleepers.empty() && absl::GetCurrentTimeNanos() - first_put_off_ns > kDelayMaxNs) Flush();
}

bool WakeBatch::Active() { return active; }

void WakeBatch::Add(std::shared_ptr<Sleeper> sleeper) {
  if (sleepers.empty()) first_put_off_ns = absl::GetCurrentTimeNanos();
  sleepers.push_back(std::move(sleeper));
}

}  // namespace berth
