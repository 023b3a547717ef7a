// The real executor: one thread with a name, a queue of tasks and a heap of timers.
#pragma once

#include <memory>
#include <string>

#include "base/executor.h"

namespace berth {

// Destruction (or Stop) finishes the running task, drops what is queued and joins the thread.
class ThreadExecutor final : public Executor {
 public:
  // name: shown by ps and gdb; the kernel keeps 15 characters.
  explicit ThreadExecutor(const std::string& name, Clock& clock = RealClock::Get());
  ~ThreadExecutor() override;

  void Post(Task task) override;
  TimerId PostAt(absl::Time when, Task task) override;
  bool Cancel(TimerId id) override;
  bool IsCurrent() const override;
  Clock& clock() override { return clock_; }

  // Idempotent. From the executor's own thread it only asks for the stop.
  void Stop();
  // Runs `task` there and waits for its end. Never from the executor's own thread.
  void Run(Task task);

 private:
  struct Impl;
  Clock& clock_;
  std::shared_ptr<Impl> impl_;
};

}  // namespace berth
