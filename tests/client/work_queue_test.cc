#include "client/work_queue.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/sim_executor.h"

namespace berth::client {
namespace {

struct QueueWorld {
  explicit QueueWorld(WorkQueueOptions options = {})
      : loop(1), executor(loop.MakeExecutor("w")), start(loop.clock().Now()) {
    queue = std::make_unique<WorkQueue<std::string>>(
        *executor, options, [this](const std::string& key, WorkQueue<std::string>::Done done) {
          runs.push_back(key);
          times.push_back(loop.clock().Now() - start);
          pending[key] = std::move(done);
          if (auto_status) Finish(key, *auto_status);
        });
  }
  void Finish(const std::string& key, absl::Status status) {
    auto done = std::move(pending[key]);
    pending.erase(key);
    done(std::move(status));
  }
  void Run(absl::Duration time) { loop.RunUntil(loop.clock().Now() + time); }

  SimLoop loop;
  std::unique_ptr<Executor> executor;
  absl::Time start;
  std::vector<std::string> runs;
  std::vector<absl::Duration> times;
  std::map<std::string, WorkQueue<std::string>::Done> pending;
  std::optional<absl::Status> auto_status = absl::OkStatus();
  std::unique_ptr<WorkQueue<std::string>> queue;
};

TEST(WorkQueueTest, OrderAndDeduplication) {
  QueueWorld w;
  for (const char* key : {"a", "b", "a", "c", "b"}) w.queue->Add(key);
  EXPECT_TRUE(w.runs.empty());  // never inside the call
  w.Run(absl::Seconds(1));
  EXPECT_EQ(w.runs, (std::vector<std::string>{"a", "b", "c"}));
  w.queue->Add("a");
  w.Run(absl::Seconds(1));
  EXPECT_EQ(w.runs.size(), 4u);
}

TEST(WorkQueueTest, AddedWhileRunningRunsOnceMore) {
  QueueWorld w;
  w.auto_status.reset();
  w.queue->Add("a");
  w.Run(absl::Seconds(1));
  w.queue->Add("a");
  w.queue->Add("a");
  w.Run(absl::Seconds(1));
  EXPECT_EQ(w.runs.size(), 1u);
  w.Finish("a", absl::OkStatus());
  w.Run(absl::Seconds(1));
  EXPECT_EQ(w.runs.size(), 2u);
  w.Finish("a", absl::OkStatus());
  w.Run(absl::Seconds(1));
  EXPECT_EQ(w.runs.size(), 2u);
}

TEST(WorkQueueTest, ConcurrencyIsBounded) {
  QueueWorld w({.concurrency = 2});
  w.auto_status.reset();
  for (const char* key : {"a", "b", "c"}) w.queue->Add(key);
  w.Run(absl::Seconds(1));
  EXPECT_EQ(w.runs.size(), 2u);
  EXPECT_EQ(w.queue->running(), 2);
  EXPECT_EQ(w.queue->size(), 1u);
  w.Finish("a", absl::OkStatus());
  w.Run(absl::Seconds(1));
  EXPECT_EQ(w.runs.size(), 3u);
}

TEST(WorkQueueTest, FailuresBackOffAndSuccessForgets) {
  QueueWorld w;
  w.auto_status = absl::InternalError("no");
  w.queue->Add("a");
  w.Run(absl::Milliseconds(40));
  EXPECT_EQ(w.times,
            (std::vector<absl::Duration>{absl::ZeroDuration(), absl::Milliseconds(5),
                                         absl::Milliseconds(15), absl::Milliseconds(35)}));
  EXPECT_EQ(w.queue->Retries("a"), 4);
  w.auto_status = absl::OkStatus();
  w.Run(absl::Milliseconds(100));
  EXPECT_EQ(w.runs.size(), 5u);
  EXPECT_EQ(w.queue->Retries("a"), 0);
}

TEST(WorkQueueTest, BackoffIsCapped) {
  QueueWorld w({.backoff_max = absl::Seconds(1)});
  w.auto_status = absl::InternalError("no");
  w.queue->Add("a");
  w.Run(absl::Seconds(100));
  EXPECT_GT(w.runs.size(), 95u);
  EXPECT_EQ(w.times.back() - w.times[w.times.size() - 2], absl::Seconds(1));
}

TEST(WorkQueueTest, TheEarliestDelayCounts) {
  QueueWorld w;
  w.queue->AddAfter("a", absl::Seconds(5));
  w.queue->AddAfter("a", absl::Seconds(2));
  w.queue->AddAfter("a", absl::Seconds(9));
  w.queue->AddAfter("b", absl::ZeroDuration());
  w.Run(absl::Seconds(20));
  EXPECT_EQ(w.runs, (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(w.times[1], absl::Seconds(2));
}

TEST(WorkQueueTest, DoneAfterTheQueueIsGone) {
  QueueWorld w;
  w.auto_status.reset();
  w.queue->Add("a");
  w.queue->AddAfter("b", absl::Seconds(1));
  w.Run(absl::Milliseconds(1));
  w.queue.reset();
  w.Finish("a", absl::InternalError("late"));
  w.Run(absl::Seconds(5));
  EXPECT_EQ(w.runs.size(), 1u);
}

// Never twice at a time; whatever is added is run after it was added.
TEST(WorkQueuePropertyTest, NothingIsLostNothingIsDoubled) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    QueueWorld w({.concurrency = static_cast<int>(1 + seed % 3)});
    w.auto_status.reset();
    Random random(seed);
    std::map<std::string, size_t> owed;  // runs seen when it was added last
    for (int step = 0; step < 300; ++step) {
      const std::string key(1, static_cast<char>('a' + random.Below(5)));
      const auto count = [&](const std::string& k) {
        return static_cast<size_t>(std::count(w.runs.begin(), w.runs.end(), k));
      };
      if (random.Chance(0.5)) {
        w.queue->Add(key);
        owed[key] = count(key);
      } else if (!w.pending.empty()) {
        w.Finish(w.pending.begin()->first,
                 random.Chance(0.3) ? absl::InternalError("x") : absl::OkStatus());
      }
      w.Run(absl::Milliseconds(random.Between(0, 3)));
      ASSERT_LE(w.queue->running(), static_cast<int>(1 + seed % 3));
      ASSERT_EQ(static_cast<size_t>(w.queue->running()), w.pending.size());
    }
    while (!w.pending.empty() || w.queue->size() > 0) {
      if (!w.pending.empty()) w.Finish(w.pending.begin()->first, absl::OkStatus());
      w.Run(absl::Milliseconds(1));
    }
    for (const auto& [key, before] : owed) {
      EXPECT_GT(static_cast<size_t>(std::count(w.runs.begin(), w.runs.end(), key)), before);
    }
  }
}

}  // namespace
}  // namespace berth::client
