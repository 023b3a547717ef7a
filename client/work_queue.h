// WorkQueue: keys that need work, each at most once, failing ones ever more slowly.
//
//                 Add, AddAfter (later)            Done(ok): retries forgotten
//   (absent) -------------------------> waiting --> running -----------------------> (absent)
//                                          ^           | Add meanwhile, or
//                                          +-----------+ Done(failed): after backoff_min * 2^n
//
//   WorkQueue<std::string> queue(executor, {}, [](const std::string& key, auto done) {
//     Reconcile(key, std::move(done));   // done(status) when it is finished, now or later
//   });
//   queue.Add("default/web-1");
//
// A key is never handled twice at a time; added while it runs, it runs once more afterwards.
// Source: client-go util/workqueue (rate_limiting_queue, default item-exponential rate limiter).
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include <absl/container/flat_hash_map.h>
#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>
#include <absl/time/time.h>

#include "base/executor.h"

namespace berth::client {

struct WorkQueueOptions {
  int concurrency = 1;  // keys running at a time
  absl::Duration backoff_min = absl::Milliseconds(5);  // after the first failure, then doubled
  absl::Duration backoff_max = absl::Seconds(1000);
};

// Key: copyable and hashable by Abseil. Threads: one executor only, construction included; `done`
// of a running key may be called after the queue is gone (it does nothing), on that executor.
template <typename Key>
class WorkQueue {
 public:
  using Done = absl::AnyInvocable<void(absl::Status)>;
  using Work = std::function<void(const Key&, Done)>;

  WorkQueue(Executor& executor, WorkQueueOptions options, Work work)
      : state_(std::make_shared<State>(executor, options, std::move(work))) {}
  ~WorkQueue() { state_->Stop(); }
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  // As soon as it is its turn.
  void Add(const Key& key) { state_->Add(key); }
  // Not before `delay` has passed; the earliest of several counts.
  void AddAfter(const Key& key, absl::Duration delay) { state_->AddAfter(key, delay); }
  // As after a failure.
  void AddRateLimited(const Key& key) { state_->AddAfter(key, state_->NextBackoff(key)); }
  // The next failure counts as the first.
  void Forget(const Key& key) { state_->retries.erase(key); }

  int Retries(const Key& key) const {
    auto it = state_->retries.find(key);
    return it == state_->retries.end() ? 0 : it->second;
  }
  // Waiting their turn, delayed ones not counted.
  size_t size() const { return state_->ready.size(); }
  size_t delayed() const { return state_->delayed.size(); }
  int running() const { return state_->running; }

 private:
  enum class Mark : uint8_t { kReady, kRunning, kRunningAgain };
  struct Delayed {
    absl::Time when;
    TimerId timer;
  };
  struct State : std::enable_shared_from_this<State> {
    State(Executor& e, WorkQueueOptions o, Work w)
        : executor(e), options(o), work(std::move(w)) {}

    Executor& executor;
    const WorkQueueOptions options;
    const Work work;
    std::deque<Key> ready;
    absl::flat_hash_map<Key, Mark> marks;
    absl::flat_hash_map<Key, Delayed> delayed;
    absl::flat_hash_map<Key, int> retries;
    int running = 0;
    bool pumping = false;
    bool stopped = false;

    void Stop() {
      stopped = true;
      for (auto& [key, entry] : delayed) executor.Cancel(entry.timer);
      delayed.clear();
    }

    void Add(const Key& key) {
      if (stopped) return;
      auto [it, fresh] = marks.try_emplace(key, Mark::kReady);
      if (fresh) {
        ready.push_back(key);
        Pump();
      } else if (it->second == Mark::kRunning) {
        it->second = Mark::kRunningAgain;
      }
    }

    void AddAfter(const Key& key, absl::Duration delay) {
      if (stopped) return;
      if (delay <= absl::ZeroDuration()) return Add(key);
      const absl::Time when = executor.clock().Now() + delay;
      if (auto it = delayed.find(key); it != delayed.end()) {
        if (it->second.when <= when) return;
        executor.Cancel(it->second.timer);
        delayed.erase(it);
      }
      const TimerId timer =
          executor.PostAt(when, [weak = std::weak_ptr<State>(this->shared_from_this()), key] {
            auto self = weak.lock();
            if (!self || self->stopped) return;
            self->delayed.erase(key);
            self->Add(key);
          });
      delayed.emplace(key, Delayed{when, timer});
    }

    absl::Duration NextBackoff(const Key& key) {
      const int failures = retries[key]++;
      if (failures >= 40) return options.backoff_max;
      return std::min(options.backoff_max, options.backoff_min * (int64_t{1} << failures));
    }

    // Starts keys from a task of its own, so that Add never runs work inside the call.
    void Pump() {
      if (pumping || ready.empty() || running >= options.concurrency) return;
      pumping = true;
      executor.Post([weak = std::weak_ptr<State>(this->shared_from_this())] {
        auto self = weak.lock();
        if (!self || self->stopped) return;
        self->pumping = false;
        if (self->ready.empty() || self->running >= self->options.concurrency) return;
        const Key key = std::move(self->ready.front());
        self->ready.pop_front();
        self->Run(key);
        self->Pump();
      });
    }

    void Run(const Key& key) {
      marks[key] = Mark::kRunning;
      ++running;
      work(key, [weak = std::weak_ptr<State>(this->shared_from_this()), key](absl::Status status) {
        auto self = weak.lock();
        if (self && !self->stopped) self->Finish(key, status);
      });
    }

    void Finish(const Key& key, const absl::Status& status) {
      --running;
      auto it = marks.find(key);
      const bool again = it->second == Mark::kRunningAgain;
      marks.erase(it);
      if (status.ok()) retries.erase(key);
      if (again) {
        Add(key);
      } else if (!status.ok()) {
        AddAfter(key, NextBackoff(key));
      }
      Pump();
    }
  };

  const std::shared_ptr<State> state_;
};

}  // namespace berth::client
