// A store whose callbacks run on a ThreadExecutor with a fake clock.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include <absl/time/clock.h>

#include "base/clock.h"
#include "base/thread_executor.h"
#include "tests/store/conformance.h"

namespace berth::store {

class ThreadsUnderTest final : public StoreUnderTest {
 public:
  using Make = std::function<std::unique_ptr<Store>(Executor&)>;
  // take_effect: how long the store may need for writes while its callbacks are held up.
  // What `make` holds, a directory say, lives as long as the store.
  explicit ThreadsUnderTest(Make make, absl::Duration take_effect = absl::ZeroDuration())
      : make_(std::move(make)),
        take_effect_(take_effect),
        executor_("store", clock_),
        store_(make_(executor_)) {}
  ~ThreadsUnderTest() override {
    store_.reset();
    executor_.Stop();
  }

  Store& store() override { return *store_; }
  void Close() override { store_.reset(); }
  bool Drive(const std::function<bool()>& until) override {
    absl::MutexLock lock(&mutex);
    return mutex.AwaitWithTimeout(absl::Condition(&until), absl::Minutes(1));
  }
  void Settle() override {
    for (int i = 0; i < 3; ++i) executor_.Run([] {});
  }
  bool Advance(absl::Duration by) override {
    clock_.Advance(by);
    Settle();  // makes the executor look at the clock
    return true;
  }
  void AwaitEffect() override { absl::SleepFor(take_effect_); }
  bool threads() const override { return true; }

 private:
  const Make make_;
  const absl::Duration take_effect_;
  FakeClock clock_;
  ThreadExecutor executor_;
  std::unique_ptr<Store> store_;
};

}  // namespace berth::store
