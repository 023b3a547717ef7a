#include "cluster/store/watch_hub.h"

#include <algorithm>
#include <utility>

namespace berth::store {

// Guarded by the index's mutex, except `callback`, which only the one pump touches.
struct WatchHub::Watcher {
  WatchOptions options;
  WatchCallback callback;
  Revision next = 0;          // first revision not delivered yet
  Revision replay_until = 0;  // history when the watch began; lag counts beyond it
  bool begun = false;         // the callback has been called
  bool scheduled = false;     // a pump is posted or running
  bool gone = false;
};

class WatchHub::Handle final : public WatchHandle {
 public:
  Handle(std::shared_ptr<WatchHub> hub, std::shared_ptr<Watcher> watcher)
      : hub_(std::move(hub)), watcher_(std::move(watcher)) {}
  ~Handle() override {
    absl::MutexLock lock(&hub_->state_->mutex);
    hub_->Remove(*watcher_);
  }

 private:
  std::shared_ptr<WatchHub> hub_;
  std::shared_ptr<Watcher> watcher_;
};

WatchHub::WatchHub(std::shared_ptr<LockedIndex> state, Executor& executor, size_t lag_max)
    : state_(std::move(state)), executor_(executor), lag_max_(lag_max) {}

std::unique_ptr<WatchHandle> WatchHub::Watch(WatchOptions options, WatchCallback callback) {
  auto watcher = std::make_shared<Watcher>();
  watcher->options = std::move(options);
  watcher->callback = std::move(callback);
  {
    absl::MutexLock lock(&state_->mutex);
    const Revision visible = state_->index.visible();
    watcher->next = watcher->options.start == 0 ? visible + 1 : watcher->options.start;
    watcher->replay_until = visible;
    watchers_.push_back(watcher);
    PostPump(watcher);
  }
  return std::make_unique<Handle>(shared_from_this(), std::move(watcher));
}

void WatchHub::PostPump(std::shared_ptr<Watcher> watcher) {
  watcher->scheduled = true;
  executor_.Post([hub = shared_from_this(), watcher = std::move(watcher)] { hub->Pump(watcher); });
}

void WatchHub::Wake() {
  state_->mutex.AssertHeld();
  for (const auto& watcher : watchers_) {
    if (!watcher->scheduled && watcher->next <= state_->index.visible()) PostPump(watcher);
  }
}

void WatchHub::End(const absl::Status& status) {
  absl::MutexLock lock(&state_->mutex);
  if (!end_.ok()) return;
  end_ = status;
  for (const auto& watcher : watchers_) {
    if (!watcher->scheduled) PostPump(watcher);
  }
}

void WatchHub::Remove(Watcher& watcher) {
  if (watcher.gone) return;
  watcher.gone = true;
  std::erase_if(watchers_, [&](const auto& other) { return other.get() == &watcher; });
}

absl::Status WatchHub::Next(Watcher& watcher, std::vector<WatchEvent>& events) {
  if (!end_.ok()) return end_;
  if (watcher.next < 0) return absl::InvalidArgumentError("the start revision is negative");
  const bool replaying = watcher.next <= watcher.replay_until;
  if (watcher.next < state_->index.compacted()) {
    if (replaying || !watcher.begun) return state_->index.CheckReadable(watcher.next);
    return absl::ResourceExhaustedError("the watch fell behind the compaction");
  }
  if (!replaying && state_->index.RecordsSince(watcher.next) > lag_max_) {
    return absl::ResourceExhaustedError("the receiver of the watch fell too far behind");
  }
  const Revision covered = state_->index.Collect(watcher.options.begin, watcher.options.end,
                                                 watcher.next, kPumpRecordsMax, events);
  watcher.next = std::max(watcher.next, covered + 1);
  return absl::OkStatus();
}

void WatchHub::Pump(const std::shared_ptr<Watcher>& watcher) {
  std::vector<WatchEvent> events;
  absl::Status status;
  Revision covered = 0;
  {
    absl::MutexLock lock(&state_->mutex);
    if (watcher->gone) return;
    status = Next(*watcher, events);
    watcher->begun = true;
    covered = std::min(watcher->next - 1, state_->index.visible());
    if (!status.ok()) Remove(*watcher);
  }
  watcher->callback(status, covered, std::move(events));
  absl::MutexLock lock(&state_->mutex);
  if (watcher->gone) return;
  if (!end_.ok() || watcher->next <= state_->index.visible()) {
    PostPump(watcher);
  } else {
    watcher->scheduled = false;
  }
}

}  // namespace berth::store
