#include "base/wake_batch.h"

#include <utility>

namespace berth {
namespace {

thread_local bool active = false;
thread_local std::vector<std::shared_ptr<Sleeper>> sleepers;

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

bool WakeBatch::Active() { return active; }

void WakeBatch::Add(std::shared_ptr<Sleeper> sleeper) { sleepers.push_back(std::move(sleeper)); }

}  // namespace berth
