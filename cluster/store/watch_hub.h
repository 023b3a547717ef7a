// WatchHub: brings the log of an MvccIndex to watchers.
//
//              Watch                       log exhausted
//   (none) -----------> pumping on executor -----------> idle --- Wake: visible grew --> pumping
//                          |  every state: handle destroyed, End, compacted, too far behind
//                          +------------------------------------------> gone
//
// Nothing is queued per watcher: each has a cursor into the shared log and one task in flight on
// the executor at most, which takes what there is (up to kPumpRecordsMax) and calls the callback.
// History and live events are the same thing, so there is no seam between them.
#pragma once

#include <memory>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include "base/executor.h"
#include "cluster/store/mvcc_index.h"
#include "cluster/store/store.h"

namespace berth::store {

// The index with its lock, kept alive by the store and by every task that may still read it.
struct LockedIndex {
  absl::Mutex mutex;
  MvccIndex index ABSL_GUARDED_BY(mutex);
};

// Threads: any; `executor` outlives the store, and runs the callbacks.
class WatchHub : public std::enable_shared_from_this<WatchHub> {
 public:
  static constexpr size_t kPumpRecordsMax = 512;  // records a callback gets, about

  // lag_max: records a live watcher may be behind before it is dropped.
  WatchHub(std::shared_ptr<LockedIndex> state, Executor& executor, size_t lag_max);

  std::unique_ptr<WatchHandle> Watch(WatchOptions options, WatchCallback callback);
  // After the visible revision grew; the index's mutex is held.
  void Wake();
  // Ends all watches, and every later one, with `status`.
  void End(const absl::Status& status);

 private:
  struct Watcher;
  class Handle;

  void PostPump(std::shared_ptr<Watcher> watcher) ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_->mutex);
  void Pump(const std::shared_ptr<Watcher>& watcher);
  // What to say next. Non-OK: the last word.
  absl::Status Next(Watcher& watcher, std::vector<WatchEvent>& events)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_->mutex);
  void Remove(Watcher& watcher) ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_->mutex);

  const std::shared_ptr<LockedIndex> state_;
  Executor& executor_;
  const size_t lag_max_;
  absl::Status end_ ABSL_GUARDED_BY(state_->mutex);
  std::vector<std::shared_ptr<Watcher>> watchers_ ABSL_GUARDED_BY(state_->mutex);
};

}  // namespace berth::store
