// A few heavy requests at a time, the rest in line: however many clients send long bodies, only so
// many are decoded objects at once, and only so many steps stand before somebody's list on the
// encoder.
//
// Threads: any.
#pragma once

#include <deque>
#include <memory>
#include <utility>

#include <absl/functional/any_invocable.h>
#include <absl/synchronization/mutex.h>

#include "base/executor.h"

namespace berth::apiserver {

class HeavyLane : public std::enable_shared_from_this<HeavyLane> {
 public:
  // Being in the lane; letting go of it makes room for the next.
  class Place {
   public:
    explicit Place(std::shared_ptr<HeavyLane> lane) : lane_(std::move(lane)) {}
    ~Place() { lane_->Leave(); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

   private:
    const std::shared_ptr<HeavyLane> lane_;
  };
  using Entry = absl::AnyInvocable<void(std::unique_ptr<Place>)>;

  // `executor` must outlive all places. Make it a shared_ptr.
  HeavyLane(Executor& executor, int places) : executor_(executor), free_(places) {}

  // Calls `entry`, on the executor, when there is room.
  void Enter(Entry entry) {
    {
      absl::MutexLock lock(&mutex_);
      if (free_ == 0) return waiting_.push_back(std::move(entry));
      --free_;
    }
    Run(std::move(entry));
  }

 private:
  void Leave() {
    Entry next;
    {
      absl::MutexLock lock(&mutex_);
      if (waiting_.empty()) {
        ++free_;
        return;
      }
      next = std::move(waiting_.front());
      waiting_.pop_front();
    }
    Run(std::move(next));
  }

  // An executor that has stopped drops the entry; nobody needs the place then.
  void Run(Entry entry) {
    executor_.Post([self = shared_from_this(), entry = std::move(entry)]() mutable {
      entry(std::make_unique<Place>(std::move(self)));
    });
  }

  Executor& executor_;
  absl::Mutex mutex_;
  int free_ ABSL_GUARDED_BY(mutex_);
  std::deque<Entry> waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace berth::apiserver
