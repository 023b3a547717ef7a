// Executor: one sequence of work. Tasks posted to an executor run one at a time, in order.
//
// A component owns its state on one executor: every event, completion and tick reaches it as a
// task there, so the component needs no lock and, given the same tasks, does the same thing.
// Real executors are threads with a name (thread_executor.h); in simulation all executors share
// one seeded loop and one virtual clock (sim_executor.h).
//
//   executor.Post([this] { Reconcile(); });
//   TimerId id = executor.PostAfter(absl::Seconds(1), [this] { Tick(); });
//   store.Txn(request, OnExecutor(executor, [this](auto result) { Done(std::move(result)); }));
#pragma once

#include <cstdint>
#include <memory>
#include <tuple>
#include <utility>

#include <absl/functional/any_invocable.h>
#include <absl/time/time.h>

#include "base/clock.h"

namespace berth {

using Task = absl::AnyInvocable<void()>;
using TimerId = uint64_t;  // never 0

// Threads: every method may be called from any thread. Tasks must not block.
class Executor {
 public:
  virtual ~Executor() = default;

  // Appends a task. Tasks posted after Stop (or destruction of the loop) are dropped.
  virtual void Post(Task task) = 0;

  // Runs a task at or after `when`. Timers due together run in the order they were made.
  virtual TimerId PostAt(absl::Time when, Task task) = 0;

  // Cancels a timer. False when it ran already, is running, or is unknown. A task that was
  // cancelled from its own executor never runs afterwards.
  virtual bool Cancel(TimerId id) = 0;

  // True when called from a task of this executor.
  virtual bool IsCurrent() const = 0;

  virtual Clock& clock() = 0;

  TimerId PostAfter(absl::Duration delay, Task task) {
    return PostAt(clock().Now() + delay, std::move(task));
  }
};

// Wraps a callback so that calling it posts it, with its arguments, to `executor`.
// The executor must outlive every call of the wrapper.
template <typename F>
auto OnExecutor(Executor& executor, F callback) {
  return [&executor, callback = std::move(callback)](auto&&... args) mutable {
    executor.Post([callback = std::move(callback),
                   args = std::make_tuple(std::forward<decltype(args)>(args)...)]() mutable {
      std::apply([&](auto&&... a) { callback(std::move(a)...); }, std::move(args));
    });
  };
}

// A flag that callbacks in flight look at: make one per component, capture `token.Watch()` by
// value, and callbacks that arrive after the component is gone do nothing.
class Lifetime {
 public:
  using Watcher = std::weak_ptr<int>;
  Lifetime() : alive_(std::make_shared<int>(0)) {}
  Watcher Watch() const { return alive_; }
  void End() { alive_.reset(); }

 private:
  std::shared_ptr<int> alive_;
};

// Repeats a task on an executor until destroyed or stopped. The next run is scheduled `period`
// after the last one ended. Use and destroy it on that executor only.
class PeriodicTimer {
 public:
  PeriodicTimer(Executor& executor, absl::Duration period, absl::AnyInvocable<void()> task);
  ~PeriodicTimer();
  PeriodicTimer(const PeriodicTimer&) = delete;
  PeriodicTimer& operator=(const PeriodicTimer&) = delete;
  void Stop();

 private:
  struct State;
  static void Arm(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace berth
