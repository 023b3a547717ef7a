#include <thread>

#include <absl/synchronization/notification.h>
#include <gmock/gmock.h>

#include "tests/store/conformance.h"

namespace berth::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_P(StoreConformance, AWatchFromNowSeesWhatComes) {
  Put("a", "0");  // 2
  auto watched = Watch("", "", 0);
  ASSERT_TRUE(AwaitRevision(watched, 2));  // the first call, without events
  Put("a", "1");                           // 3
  Delete("a");                             // 4
  Put("a", "2");                           // 5
  ASSERT_TRUE(AwaitRevision(watched, 5));
  absl::MutexLock lock(&env_->mutex);
  EXPECT_THAT(ShowAll(watched->events),
              ElementsAre("PUT a=1 c2 m3 v2 l0 (was a=0 c2 m2 v1 l0)",
                          "DEL a m4 (was a=1 c2 m3 v2 l0)", "PUT a=2 c5 m5 v1 l0"));
}

TEST_P(StoreConformance, AWatchFromARevisionReplaysHistoryFirst) {
  Put("a", "1");  // 2
  Put("b", "1");  // 3
  Put("a", "2");  // 4
  Delete("b");    // 5
  const std::vector<std::string> all = {
      "PUT a=1 c2 m2 v1 l0", "PUT b=1 c3 m3 v1 l0", "PUT a=2 c2 m4 v2 l0 (was a=1 c2 m2 v1 l0)",
      "DEL b m5 (was b=1 c3 m3 v1 l0)", "PUT c=1 c6 m6 v1 l0"};
  std::vector<std::shared_ptr<Watched>> watches;
  for (Revision start = 1; start <= 6; ++start) watches.push_back(Watch("", "", start));
  Put("c", "1");  // 6
  for (size_t i = 0; i < watches.size(); ++i) {
    SCOPED_TRACE(i + 1);
    ASSERT_TRUE(AwaitRevision(watches[i], 6));
    absl::MutexLock lock(&env_->mutex);
    const size_t skip = i == 0 ? 0 : i - 1;
    EXPECT_EQ(ShowAll(watches[i]->events),
              std::vector<std::string>(all.begin() + static_cast<ptrdiff_t>(skip), all.end()));
  }
}

TEST_P(StoreConformance, AWatchFromTheFutureSkipsWhatComesBefore) {
  auto watched = Watch("", "", 4);
  for (int i = 2; i <= 5; ++i) Put("a", std::to_string(i));
  ASSERT_TRUE(AwaitRevision(watched, 5));
  absl::MutexLock lock(&env_->mutex);
  ASSERT_EQ(watched->events.size(), 2u);
  EXPECT_EQ(watched->events[0].kv.mod_revision, 4);
}

TEST_P(StoreConformance, AWatchSeesItsRangeOnlyButItsProgressGrowsWithAll) {
  auto watched = Watch("/b/", PrefixEnd("/b/"), 0);
  for (const char* key : {"/a/1", "/b/1", "/b0", "/b/2", "/c"}) Put(key, "v");
  Delete("/a/1");  // 7
  ASSERT_TRUE(AwaitRevision(watched, 7));
  absl::MutexLock lock(&env_->mutex);
  EXPECT_THAT(ShowAll(watched->events),
              ElementsAre("PUT /b/1=v c3 m3 v1 l0", "PUT /b/2=v c5 m5 v1 l0"));
  EXPECT_TRUE(std::is_sorted(watched->revisions.begin(), watched->revisions.end()));
}

TEST_P(StoreConformance, OneTxnArrivesInOneCallInTheOrderOfItsWrites) {
  auto watched = Watch("", "", 0);
  Txn({.writes = {PutWrite("b", "1"), PutWrite("a", "1"), PutWrite("c", "1")}}).IgnoreError();
  ASSERT_TRUE(AwaitRevision(watched, 2));
  absl::MutexLock lock(&env_->mutex);
  EXPECT_THAT(ShowAll(watched->events),
              ElementsAre("PUT b=1 c2 m2 v1 l0", "PUT a=1 c2 m2 v1 l0", "PUT c=1 c2 m2 v1 l0"));
}

TEST_P(StoreConformance, ACompactedStartEndsTheWatch) {
  for (int i = 2; i <= 6; ++i) Put("a", std::to_string(i));
  ASSERT_TRUE(Compact(4).ok());
  env_->Settle();
  auto before = Watch("", "", 3);
  ASSERT_TRUE(AwaitEnd(before));
  {
    absl::MutexLock lock(&env_->mutex);
    EXPECT_EQ(before->status.code(), absl::StatusCode::kOutOfRange);
    EXPECT_EQ(before->status.message(), "required revision has been compacted");
    EXPECT_THAT(before->events, IsEmpty());
  }
  auto at = Watch("", "", 4);
  ASSERT_TRUE(AwaitRevision(at, 6));
  absl::MutexLock lock(&env_->mutex);
  ASSERT_EQ(at->events.size(), 3u);
  EXPECT_EQ(Show(at->events[0]), "PUT a=4 c2 m4 v3 l0 (was a=3 c2 m3 v2 l0)");
}

TEST_P(StoreConformance, ANegativeStartIsInvalid) {
  auto watched = Watch("", "", -1);
  ASSERT_TRUE(AwaitEnd(watched));
  absl::MutexLock lock(&env_->mutex);
  EXPECT_EQ(watched->status.code(), absl::StatusCode::kInvalidArgument);
}

TEST_P(StoreConformance, ADeletionAtTheCompactedRevisionIsStillWatched) {
  Put("a", "1");  // 2
  Put("b", "1");  // 3
  Delete("a");    // 4
  ASSERT_TRUE(Compact(4).ok());
  env_->Settle();
  auto watched = Watch("", "", 4);
  ASSERT_TRUE(AwaitRevision(watched, 4));
  absl::MutexLock lock(&env_->mutex);
  EXPECT_THAT(ShowAll(watched->events), ElementsAre("DEL a m4 (was a=1 c2 m2 v1 l0)"));
}

TEST_P(StoreConformance, CompactionLeavesALiveWatchAlone) {
  auto watched = Watch("", "", 0);
  for (int i = 0; i < 300; ++i) {
    const Revision r = Put("a", std::to_string(i));
    if (i % 50 == 49) {
      ASSERT_TRUE(AwaitRevision(watched, r));
      ASSERT_TRUE(Compact(r).ok());
    }
  }
  ASSERT_TRUE(AwaitRevision(watched, 301));
  absl::MutexLock lock(&env_->mutex);
  EXPECT_EQ(watched->events.size(), 300u);
}

TEST_P(StoreConformance, NoCallAfterTheHandleIsGone) {
  auto watched = Watch("", "", 0);
  ASSERT_TRUE(AwaitRevision(watched, 1));
  watched->handle.reset();
  Put("a", "1");
  env_->Settle();
  absl::MutexLock lock(&env_->mutex);
  EXPECT_THAT(watched->events, IsEmpty());
  EXPECT_FALSE(watched->ended);
}

TEST_P(StoreConformance, AWatchMayEndItselfInItsCallback) {
  auto handle = std::make_shared<std::unique_ptr<WatchHandle>>();
  int calls = 0;
  auto made = store().Watch({}, [&, handle](const absl::Status&, Revision, auto events) {
    absl::MutexLock lock(&env_->mutex);
    if (events.empty()) return;
    ++calls;
    handle->reset();
  });
  {
    absl::MutexLock lock(&env_->mutex);
    *handle = std::move(made);
  }
  Put("a", "1");
  ASSERT_TRUE(env_->Drive([&] { return calls > 0; }));
  Put("a", "2");
  env_->Settle();
  absl::MutexLock lock(&env_->mutex);
  EXPECT_EQ(calls, 1);
}

TEST_P(StoreConformance, ClosingTheStoreEndsWatchesWithCancelled) {
  Put("a", "1");
  auto live = Watch("", "", 0);
  ASSERT_TRUE(AwaitRevision(live, 2));
  auto fresh = Watch("", "", 2);
  env_->Close();
  for (const auto& watched : {live, fresh}) {
    ASSERT_TRUE(AwaitEnd(watched));
    absl::MutexLock lock(&env_->mutex);
    EXPECT_EQ(watched->status.code(), absl::StatusCode::kCancelled) << watched->status;
    EXPECT_FALSE(watched->overlapped);
  }
  env_->Settle();
}

TEST_P(StoreConformance, AReceiverTooFarBehindIsDroppedOthersAreNot) {
  Start({.watch_lag_records = 1000});
  if (!env_->threads()) GTEST_SKIP() << "nothing runs beside a callback in simulation";
  absl::Notification entered, leave;
  absl::Status last;
  auto slow = store().Watch({}, [&](const absl::Status& status, Revision, auto) {
    if (!entered.HasBeenNotified()) {
      entered.Notify();
      leave.WaitForNotification();
      return;
    }
    absl::MutexLock lock(&env_->mutex);
    last = status;
  });
  entered.WaitForNotification();
  for (int i = 0; i < 1100; ++i) {
    store().Txn({.writes = {PutWrite("a", std::to_string(i))}}, [](auto) {});
  }
  env_->AwaitEffect();
  leave.Notify();
  EXPECT_EQ(Put("a", "x"), 1102);
  auto history = Watch("", "", 2);  // a long replay is not a slow receiver
  ASSERT_TRUE(env_->Drive([&] { return !last.ok(); }));
  ASSERT_TRUE(AwaitRevision(history, 1102));
  absl::MutexLock lock(&env_->mutex);
  EXPECT_EQ(last.code(), absl::StatusCode::kResourceExhausted) << last;
  EXPECT_EQ(history->events.size(), 1101u);
}

// Writers write, watches begin anywhere in between; each must see exactly the events from its
// start on, once, in order.
TEST_P(StoreConformance, WatchesUnderConcurrentWritersSeeNoGapAndNoDuplicate) {
  constexpr int kWriters = 4, kWrites = 250;
  int done = 0;
  std::function<void(int, int)> write = [&](int writer, int n) {
    TxnRequest request;
    request.writes.push_back(PutWrite("/w/" + std::to_string(writer), std::to_string(n)));
    request.writes.push_back(n % 2 == 0 ? PutWrite("/t/" + std::to_string(writer), "v")
                                        : DeleteWrite("/t/" + std::to_string(writer)));
    store().Txn(std::move(request), [&, writer, n](absl::StatusOr<TxnResult> result) {
      ASSERT_TRUE(result.ok()) << result.status();
      if (n + 1 < kWrites) return write(writer, n + 1);
      absl::MutexLock lock(&env_->mutex);
      ++done;
    });
  };
  std::vector<std::thread> threads;
  for (int w = 0; w < kWriters; ++w) {
    if (env_->threads()) {
      threads.emplace_back([&, w] { write(w, 0); });
    } else {
      write(w, 0);
    }
  }
  std::vector<std::pair<Revision, std::shared_ptr<Watched>>> watches;
  for (Revision at = 1; at < 1000; at += 40) {
    const Revision now = Current();
    watches.emplace_back(now + 1, Watch("", "", now + 1));
    const Revision past = std::max<Revision>(1, now - at % 90);
    watches.emplace_back(past, Watch("", "", past));
    watches.emplace_back(0, Watch("/t/", PrefixEnd("/t/"), 0));
  }
  ASSERT_TRUE(env_->Drive([&] { return done == kWriters; }));
  for (auto& thread : threads) thread.join();
  const Revision last = 1 + kWriters * kWrites;
  EXPECT_EQ(Current(), last);
  for (const auto& [start, watched] : watches) {
    ASSERT_TRUE(AwaitRevision(watched, last));
    absl::MutexLock lock(&env_->mutex);
    EXPECT_TRUE(watched->status.ok());
    EXPECT_FALSE(watched->overlapped);
    EXPECT_TRUE(std::is_sorted(watched->revisions.begin(), watched->revisions.end()));
    if (watched->events.empty()) continue;
    Revision expect = start == 0 ? watched->events.front().kv.mod_revision
                                 : std::max<Revision>(start, 2);
    const size_t per_revision = start == 0 ? 1 : 2;
    for (size_t i = 0; i < watched->events.size(); ++i) {
      ASSERT_EQ(watched->events[i].kv.mod_revision, expect);
      if ((i + 1) % per_revision == 0) ++expect;
    }
    EXPECT_EQ(expect, last + 1);
  }
}

}  // namespace
}  // namespace berth::store
