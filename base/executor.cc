#include "base/executor.h"

namespace berth {

struct PeriodicTimer::State {
  Executor* executor;
  absl::Duration period;
  absl::AnyInvocable<void()> task;
  TimerId timer = 0;
  bool stopped = false;
};

PeriodicTimer::PeriodicTimer(Executor& executor, absl::Duration period,
                             absl::AnyInvocable<void()> task)
    : state_(std::make_shared<State>()) {
  state_->executor = &executor;
  state_->period = period;
  state_->task = std::move(task);
  Arm(state_);
}

PeriodicTimer::~PeriodicTimer() { Stop(); }

void PeriodicTimer::Stop() {
  if (state_->stopped) return;
  state_->stopped = true;
  state_->executor->Cancel(state_->timer);
}

void PeriodicTimer::Arm(std::shared_ptr<State> state) {
  Executor* executor = state->executor;
  State* raw = state.get();
  raw->timer = executor->PostAfter(raw->period, [state = std::move(state)]() mutable {
    if (state->stopped) return;
    state->task();
    if (!state->stopped) Arm(std::move(state));
  });
}

}  // namespace berth
