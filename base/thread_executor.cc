#include "base/thread_executor.h"

#include <pthread.h>

#include <atomic>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/synchronization/mutex.h>
#include <absl/synchronization/notification.h>

#include "base/check.h"
#include "base/wake_batch.h"

namespace berth {

struct ThreadExecutor::Impl final : public Sleeper, public std::enable_shared_from_this<Impl> {
  using TimerKey = std::pair<absl::Time, TimerId>;  // ids grow: creation order breaks ties

  absl::Mutex mutex;
  std::vector<Task> queue ABSL_GUARDED_BY(mutex);
  std::map<TimerKey, Task> timers ABSL_GUARDED_BY(mutex);
  absl::flat_hash_map<TimerId, absl::Time> due ABSL_GUARDED_BY(mutex);
  TimerId next_id ABSL_GUARDED_BY(mutex) = 1;
  std::atomic<bool> stopping{false};  // written under the lock, read without it between tasks
  absl::CondVar wake;
  bool sleeping ABSL_GUARDED_BY(mutex) = false;  // in Take, on `wake`
  bool to_be_roused ABSL_GUARDED_BY(mutex) = false;  // by a WakeBatch
  // When the last batch of tasks was taken: timers due by then come before the next batch, others
  // after it, so that neither starves the other.
  absl::Time batch_taken ABSL_GUARDED_BY(mutex) = absl::InfinitePast();
  std::thread thread;

  // Takes the tasks that may run now; waits for some. False when stopping.
  bool Take(Clock& clock, std::vector<Task>& out) {
    absl::MutexLock lock(&mutex);
    for (;;) {
      if (stopping) return false;
      const absl::Time due_by = queue.empty() ? clock.Now() : batch_taken;
      if (!timers.empty() && timers.begin()->first.first <= due_by) {
        auto first = timers.begin();
        due.erase(first->first.second);
        out.push_back(std::move(first->second));
        timers.erase(first);
        return true;
      }
      if (!queue.empty()) {
        batch_taken = clock.Now();
        out.swap(queue);
        return true;
      }
      // Signalled rather than awaited by a condition, which everybody who unlocks would evaluate.
      sleeping = true;
      if (timers.empty()) {
        wake.Wait(&mutex);
      } else {
        wake.WaitWithTimeout(&mutex, timers.begin()->first.first - clock.Now());
      }
      sleeping = false;
    }
  }

  void Rouse() override {
    absl::MutexLock lock(&mutex);
    to_be_roused = false;
    if (sleeping) wake.Signal();
  }

  // After a change under the lock that Take may wait for.
  void Changed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    if (!sleeping) return;
    if (!WakeBatch::Active()) return wake.Signal();
    if (!std::exchange(to_be_roused, true)) WakeBatch::Add(shared_from_this());
  }

  void Loop(Clock& clock) {
    std::vector<Task> batch;
    while (Take(clock, batch)) {
      const WakeBatch wakes;
      for (Task& task : batch) {
        task();
        task = nullptr;
        if (stopping) return;
        WakeBatch::FlushIfDue();
      }
      batch.clear();
    }
  }
};

ThreadExecutor::ThreadExecutor(const std::string& name, Clock& clock)
    : clock_(clock), impl_(std::make_shared<Impl>()) {
  impl_->thread = std::thread([this, name = name.substr(0, 15)] {
    pthread_setname_np(pthread_self(), name.c_str());
    impl_->Loop(clock_);
  });
}

ThreadExecutor::~ThreadExecutor() { Stop(); }

void ThreadExecutor::Stop() {
  {
    absl::MutexLock lock(&impl_->mutex);
    impl_->stopping = true;
    impl_->Changed();
  }
  WakeBatch::Flush();
  if (!IsCurrent() && impl_->thread.joinable()) impl_->thread.join();
}

void ThreadExecutor::Post(Task task) {
  absl::MutexLock lock(&impl_->mutex);
  if (impl_->stopping) return;
  impl_->queue.push_back(std::move(task));
  impl_->Changed();
}

TimerId ThreadExecutor::PostAt(absl::Time when, Task task) {
  absl::MutexLock lock(&impl_->mutex);
  const TimerId id = impl_->next_id++;
  if (impl_->stopping) return id;
  impl_->timers.emplace(Impl::TimerKey{when, id}, std::move(task));
  impl_->due.emplace(id, when);
  impl_->Changed();
  return id;
}

bool ThreadExecutor::Cancel(TimerId id) {
  Task dropped;  // destroyed outside the lock
  absl::MutexLock lock(&impl_->mutex);
  auto it = impl_->due.find(id);
  if (it == impl_->due.end()) return false;
  auto timer = impl_->timers.find({it->second, id});
  dropped = std::move(timer->second);
  impl_->timers.erase(timer);
  impl_->due.erase(it);
  return true;
}

bool ThreadExecutor::IsCurrent() const {
  return impl_->thread.get_id() == std::this_thread::get_id();
}

void ThreadExecutor::Run(Task task) {
  BERTH_CHECK(!IsCurrent());
  absl::Notification done;
  Post([&] {
    task();
    done.Notify();
  });
  WakeBatch::Flush();
  done.WaitForNotification();
}

}  // namespace berth
