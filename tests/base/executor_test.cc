#include "base/executor.h"

#include <functional>

#include <absl/synchronization/notification.h>
#include <gtest/gtest.h>

#include "base/sim_executor.h"
#include "base/thread_executor.h"
#include "base/wake_batch.h"

namespace berth {
namespace {

TEST(ThreadExecutorTest, RunsTasksInOrderOnItsOwnThread) {
  ThreadExecutor executor("test");
  std::vector<int> seen;
  for (int i = 0; i < 100; ++i) {
    executor.Post([&seen, &executor, i] {
      EXPECT_TRUE(executor.IsCurrent());
      seen.push_back(i);
    });
  }
  executor.Run([] {});
  ASSERT_EQ(seen.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(seen[static_cast<size_t>(i)], i);
  EXPECT_FALSE(executor.IsCurrent());
}

TEST(ThreadExecutorTest, TimersFireInDueOrderAndCancelledOnesDoNot) {
  ThreadExecutor executor("test");
  std::vector<int> seen;
  absl::Mutex mutex;
  auto add = [&](int value) {
    return [&seen, &mutex, value] {
      absl::MutexLock lock(&mutex);
      seen.push_back(value);
    };
  };
  executor.PostAfter(absl::Milliseconds(20), add(2));
  executor.PostAfter(absl::Milliseconds(5), add(1));
  const TimerId cancelled = executor.PostAfter(absl::Milliseconds(10), add(9));
  EXPECT_TRUE(executor.Cancel(cancelled));
  EXPECT_FALSE(executor.Cancel(cancelled));
  absl::MutexLock lock(&mutex);
  auto both = [&] { return seen.size() == 2; };
  ASSERT_TRUE(mutex.AwaitWithTimeout(absl::Condition(&both), absl::Seconds(10)));
  EXPECT_EQ(seen, (std::vector<int>{1, 2}));
}

class CountingSleeper final : public Sleeper {
 public:
  void Rouse() override { ++roused; }
  int roused = 0;
};

TEST(WakeBatchTest, TheOutermostScopeWakes) {
  const auto sleeper = std::make_shared<CountingSleeper>();
  EXPECT_FALSE(WakeBatch::Active());
  {
    const WakeBatch outer;
    {
      const WakeBatch inner;
      EXPECT_TRUE(WakeBatch::Active());
      WakeBatch::Add(sleeper);
    }
    EXPECT_EQ(sleeper->roused, 0);
    WakeBatch::Flush();
    EXPECT_EQ(sleeper->roused, 1);
    WakeBatch::Add(sleeper);
  }
  EXPECT_EQ(sleeper->roused, 2);
  EXPECT_FALSE(WakeBatch::Active());
  WakeBatch::Flush();
  EXPECT_EQ(sleeper->roused, 2);
}

TEST(WakeBatchTest, NobodyIsPutOffForLong) {
  const auto sleeper = std::make_shared<CountingSleeper>();
  const WakeBatch batch;
  WakeBatch::FlushIfDue();
  WakeBatch::Add(sleeper);
  absl::SleepFor(absl::Milliseconds(1));
  WakeBatch::FlushIfDue();
  EXPECT_EQ(sleeper->roused, 1);
}

TEST(WakeBatchTest, ExecutorsSleepUntilTheEndOfTheScope) {
  ThreadExecutor executor("test");
  executor.Run([] {});
  absl::SleepFor(absl::Milliseconds(20));  // it sleeps now
  absl::Notification ran;
  {
    const WakeBatch batch;
    executor.Post([&] { ran.Notify(); });
    EXPECT_FALSE(ran.WaitForNotificationWithTimeout(absl::Milliseconds(50)));
  }
  EXPECT_TRUE(ran.WaitForNotificationWithTimeout(absl::Seconds(30)));
}

// A task that posts to others and waits for one of them, as the ends of components do.
TEST(WakeBatchTest, RunAndStopWakeWhomTheyWaitFor) {
  ThreadExecutor a("a"), b("b"), c("c");
  int seen = 0;
  a.Run([&] {
    b.Post([&] { c.Run([&] { ++seen; }); });
    b.Run([&] { ++seen; });
    b.Stop();
  });
  EXPECT_EQ(seen, 2);
}

TEST(ThreadExecutorTest, TimersFireAlsoWhenThereIsAlwaysWork) {
  ThreadExecutor executor("busy");
  absl::Notification fired;
  std::function<void()> again = [&] {
    if (!fired.HasBeenNotified()) executor.Post(again);
  };
  executor.Post(again);
  executor.PostAfter(absl::Milliseconds(1), [&] { fired.Notify(); });
  EXPECT_TRUE(fired.WaitForNotificationWithTimeout(absl::Seconds(30)));
  executor.Stop();
}

TEST(ThreadExecutorTest, TasksAfterStopAreDropped) {
  ThreadExecutor executor("test");
  executor.Stop();
  bool ran = false;
  executor.Post([&ran] { ran = true; });
  executor.PostAfter(absl::ZeroDuration(), [&ran] { ran = true; });
  EXPECT_FALSE(ran);
}

TEST(SimLoopTest, TimeMovesOnlyToTheNextTimer) {
  SimLoop loop(1);
  auto executor = loop.MakeExecutor("a");
  const absl::Time start = loop.clock().Now();
  absl::Time fired;
  executor->PostAfter(absl::Hours(3), [&] { fired = loop.clock().Now(); });
  EXPECT_TRUE(loop.Step());
  EXPECT_EQ(fired - start, absl::Hours(3));
  EXPECT_FALSE(loop.Step());
}

// Runs a small ping-pong and returns the digest.
uint64_t Play(uint64_t seed) {
  SimLoop loop(seed);
  auto a = loop.MakeExecutor("a");
  auto b = loop.MakeExecutor("b");
  int left = 50;
  std::function<void()> ping = [&] {
    if (left-- == 0) return;
    (loop.random().Chance(0.5) ? a : b)
        ->PostAfter(absl::Milliseconds(loop.random().Between(0, 9)), ping);
    (loop.random().Chance(0.5) ? a : b)->Post([] {});
  };
  a->Post(ping);
  while (loop.Step()) {
  }
  return loop.hash();
}

TEST(SimLoopTest, ACancelledTimerDoesNotRunThoughItWasDue) {
  SimLoop loop(1);
  auto executor = loop.MakeExecutor("test");
  bool ran = false, cancelled = false;
  TimerId second = 0;
  executor->PostAfter(absl::Seconds(1), [&] { cancelled = executor->Cancel(second); });
  second = executor->PostAfter(absl::Seconds(1), [&] { ran = true; });
  loop.RunUntil(loop.clock().Now() + absl::Seconds(2));
  EXPECT_TRUE(cancelled);
  EXPECT_FALSE(ran);
  EXPECT_FALSE(executor->Cancel(second));
}

TEST(SimLoopTest, OneSeedOneHistory) {
  EXPECT_EQ(Play(7), Play(7));
  EXPECT_NE(Play(7), Play(8));
}

TEST(SimLoopTest, DestroyedExecutorLosesItsTasks) {
  SimLoop loop(1);
  auto a = loop.MakeExecutor("a");
  auto b = loop.MakeExecutor("b");
  bool ran = false;
  b->PostAfter(absl::Seconds(2), [&ran] { ran = true; });
  a->PostAfter(absl::Seconds(1), [&] { b.reset(); });
  while (loop.Step()) {
  }
  EXPECT_FALSE(ran);
}

TEST(PeriodicTimerTest, StopsWhenDestroyed) {
  SimLoop loop(1);
  auto executor = loop.MakeExecutor("a");
  int ticks = 0;
  auto timer =
      std::make_unique<PeriodicTimer>(*executor, absl::Seconds(1), [&ticks] { ++ticks; });
  loop.RunUntil(loop.clock().Now() + absl::Milliseconds(3500));
  EXPECT_EQ(ticks, 3);
  timer.reset();
  loop.RunUntil(loop.clock().Now() + absl::Seconds(10));
  EXPECT_EQ(ticks, 3);
}

}  // namespace
}  // namespace berth
