#include "cluster/store/rocksdb_store.h"

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>

#include <sys/resource.h>

#include <absl/synchronization/notification.h>
#include <absl/time/clock.h>
#include <gmock/gmock.h>

#include "base/random.h"
#include "cluster/store/record.h"
#include "tests/store/conformance.h"
#include "tests/store/temp_dir.h"
#include "tests/store/threads_under_test.h"

namespace berth::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::unique_ptr<StoreUnderTest> MakeRocksdb(StoreLimits limits) {
  auto dir = std::make_shared<TempDir>();
  auto make = [dir, limits](Executor& executor) {
    auto store = OpenRocksdbStore(executor, {.path = dir->path(), .limits = limits});
    EXPECT_TRUE(store.ok()) << store.status();
    return *std::move(store);
  };
  return std::make_unique<ThreadsUnderTest>(make, absl::Milliseconds(300));
}

INSTANTIATE_TEST_SUITE_P(Rocksdb, StoreConformance,
                         testing::Values(ConformanceParam{"Threads", &MakeRocksdb}),
                         [](const auto& test) { return test.param.name; });

// --- what only a store on disk has -------------------------------------------------------------

class RocksdbStoreTest : public StoreConformance {
 protected:
  ~RocksdbStoreTest() override { env_.reset(); }  // before its directory
  void SetUp() override { Reopen(); }
  void Reopen(RocksdbOptions options = {}) {
    env_.reset();
    options.path = dir_.path();
    auto make = [options](Executor& executor) {
      auto store = OpenRocksdbStore(executor, options);
      EXPECT_TRUE(store.ok()) << store.status();
      return *std::move(store);
    };
    env_ = std::make_unique<ThreadsUnderTest>(make);
  }
  absl::Status OpenFails() {
    ThreadExecutor executor("store");
    return OpenRocksdbStore(executor, {.path = dir_.path()}).status();
  }
  std::vector<std::filesystem::path> Files(std::string_view extension) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) {
      if (entry.path().extension() == extension) files.push_back(entry.path());
    }
    return files;
  }

  TempDir dir_;
};

TEST_F(RocksdbStoreTest, ANewStoreMayBeginLate) {
  env_.reset();
  std::filesystem::remove_all(dir_.path());
  std::filesystem::create_directory(dir_.path());
  Reopen({.first_revision = 5000});
  EXPECT_EQ(Current(), 5000);
  EXPECT_EQ(Put("a", "1"), 5001);
  Reopen({.first_revision = 9000});
  EXPECT_EQ(Current(), 5001) << "it is not new any more";
  EXPECT_TRUE(absl::IsOutOfRange(Get("a", 4999).status()));
}

// The files as they are while the store is open are what a machine that stops leaves, at best.
TEST_F(RocksdbStoreTest, RevisionsAreNotUsedAgainAfterTheMachineWentDown) {
  const Revision before = Put("a", "1");
  TempDir copy;
  std::filesystem::copy(dir_.path(), copy.path(),
                        std::filesystem::copy_options::recursive |
                            std::filesystem::copy_options::overwrite_existing);
  const auto opened_at = [&](std::string boot_id) {
    ThreadExecutor executor("store");
    Revision current = 0;
    {
      auto store = OpenRocksdbStore(executor, {.path = copy.path(), .boot_id = boot_id});
      EXPECT_TRUE(store.ok()) << store.status();
      absl::Notification done;
      (*store)->CurrentRevision([&](absl::StatusOr<Revision> revision) {
        current = *revision;
        done.Notify();
      });
      done.WaitForNotification();
    }
    executor.Stop();
    return current;
  };
  EXPECT_EQ(opened_at("another boot"), before + 1'000'000);
  EXPECT_EQ(opened_at("a third boot"), before + 1'000'000) << "it was closed in order, and stays";
}

TEST_F(RocksdbStoreTest, ARestartBringsBackKeysRevisionsVersionsAndHistory) {
  Put("a", "1");  // 2
  Put("a", "2");  // 3
  Put("b", "1");  // 4
  Delete("b");    // 5
  const std::string bytes("\0\xff", 2);
  ASSERT_TRUE(Txn({.writes = {PutWrite("d", "1"), PutWrite("c", bytes)}}).ok());  // 6
  Put("e", "");   // 7
  Reopen();
  EXPECT_EQ(Current(), 7);
  EXPECT_EQ(Show(*Get("a")), "a=2 c2 m3 v2 l0");
  EXPECT_EQ(*(*Get("c")).value, bytes);
  EXPECT_EQ(Show(*Get("a", 2)), "a=1 c2 m2 v1 l0");
  EXPECT_EQ(Show(*Get("b", 4)), "b=1 c4 m4 v1 l0");
  auto watched = Watch("", "", 1);
  EXPECT_EQ(Put("a", "3"), 8);
  ASSERT_TRUE(AwaitRevision(watched, 8));
  absl::MutexLock lock(&env_->mutex);
  std::vector<std::string> keys;
  for (const WatchEvent& event : watched->events) keys.push_back(event.kv.key);
  EXPECT_THAT(keys, ElementsAre("a", "a", "b", "b", "d", "c", "e", "a"));
  EXPECT_EQ(Show(watched->events[3]), "DEL b m5 (was b=1 c4 m4 v1 l0)");
  EXPECT_EQ(Show(watched->events[7]), "PUT a=3 c2 m8 v3 l0 (was a=2 c2 m3 v2 l0)");
}

TEST_F(RocksdbStoreTest, TheCompactedRevisionSurvivesAndWhatItForgotStaysForgotten) {
  for (int i = 0; i < 3000; ++i) {
    const std::string key = "k" + std::to_string(i % 700);
    store().Txn({.writes = {i % 3 == 2 ? DeleteWrite(key) : PutWrite(key, std::to_string(i))}},
                [](auto) {});
  }
  const Revision newest = Put("z", "z");
  const auto before = ShowAll(List({})->items);
  ASSERT_TRUE(Compact(newest - 10).ok());
  for (int i = 0; i < 3; ++i) {  // the first one closes in the middle of trimming
    Reopen();
    EXPECT_EQ(Current(), newest);
    EXPECT_EQ(ShowAll(List({})->items), before);
    EXPECT_EQ(Get("z", newest - 11).status().code(), absl::StatusCode::kOutOfRange);
    EXPECT_TRUE(Get("z", newest - 10).ok());
    auto watched = Watch("", "", newest - 10);
    ASSERT_TRUE(AwaitRevision(watched, newest));
    absl::MutexLock lock(&env_->mutex);
    EXPECT_EQ(watched->events.size(), 11u);
  }
}

TEST_F(RocksdbStoreTest, ARandomHistorySurvivesRestartsAndCompactions) {
  Random random(7);
  std::map<std::string, std::string> want;
  Revision compacted = 0;
  for (int round = 0; round < 8; ++round) {
    for (int i = 0; i < 300; ++i) {
      const std::string key = "k" + std::to_string(random.Below(60));
      if (random.Chance(0.4)) {
        want.erase(key);
        store().Txn({.writes = {DeleteWrite(key)}}, [](auto) {});
      } else {
        want[key] = std::to_string(random.Next());
        store().Txn({.writes = {PutWrite(key, want[key])}}, [](auto) {});
      }
      if (random.Chance(0.02)) {
        const Revision at = random.Between(compacted + 1, Current());
        if (Compact(at).ok()) compacted = at;
      }
    }
    Put("round", want["round"] = std::to_string(round));
    const auto before = ShowAll(List({})->items);
    Reopen();
    EXPECT_EQ(ShowAll(List({})->items), before);
    ASSERT_EQ(before.size(), want.size());
    for (const auto& [key, value] : want) EXPECT_EQ(*(*Get(key)).value, value);
  }
}

TEST_F(RocksdbStoreTest, LeasesSurviveARestartWhichRenewsThem) {
  auto lease = Grant(absl::Seconds(10));
  auto revoked = Grant(absl::Seconds(10));
  Put("a", "1", *lease);  // 2
  ASSERT_TRUE(env_->Advance(absl::Seconds(9)));
  ASSERT_TRUE(Revoke(*revoked).ok());
  Reopen();  // a fresh clock, at the epoch
  EXPECT_EQ(Show(*Get("a")), "a=1 c2 m2 v1 l" + std::to_string(*lease));
  EXPECT_EQ(Renew(*revoked).code(), absl::StatusCode::kNotFound);
  auto next = Grant(absl::Seconds(100));
  EXPECT_GT(*next, *revoked);
  ASSERT_TRUE(env_->Advance(absl::Seconds(9)));
  EXPECT_EQ(Current(), 2);
  auto watched = Watch("", "", 0);
  ASSERT_TRUE(env_->Advance(absl::Seconds(2)));
  ASSERT_TRUE(AwaitRevision(watched, 3));
  EXPECT_EQ(Show(*Get("a")), "a absent");
  Reopen();
  EXPECT_EQ(Renew(*lease).code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(Renew(*next).ok());
}

TEST_F(RocksdbStoreTest, ClosingCommitsWhatWasAskedBefore) {
  std::atomic<int> done = 0;
  for (int i = 0; i < 500; ++i) {
    store().Txn({.writes = {PutWrite("k" + std::to_string(i), "v")}}, [&](auto result) {
      EXPECT_TRUE(result.ok()) << result.status();
      ++done;
    });
  }
  env_->Close();
  env_->Settle();
  EXPECT_EQ(done, 500);
  Reopen();
  EXPECT_EQ(List({.count_only = true})->count, 500);
}

TEST_F(RocksdbStoreTest, ASecondStoreOnTheDirectoryIsRefused) {
  const absl::Status status = OpenFails();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(dir_.path() + " is in use by another process"));
}

TEST_F(RocksdbStoreTest, ADirectoryThatCannotBeMadeIsAnError) {
  std::ofstream(dir_.path() + "/file") << "x";
  ThreadExecutor executor("store");
  auto store = OpenRocksdbStore(executor, {.path = dir_.path() + "/file/store"});
  EXPECT_EQ(store.status().code(), absl::StatusCode::kUnavailable) << store.status();
}

TEST_F(RocksdbStoreTest, RocksdbsLogIsBounded) {
  Reopen({.memtable_bytes = 1 << 20});
  const std::string value(10'000, 'v');
  for (int i = 0; i < 2000; ++i) {
    store().Txn({.writes = {PutWrite("k" + std::to_string(i % 50), value)}}, [](auto) {});
    if (i % 100 == 0) Put("pause", "v");  // one write to the disk is about 1 MB
  }
  uintmax_t bytes = 0;
  for (const auto& file : Files(".log")) {
    std::error_code gone;  // RocksDB removes one when it likes
    const uintmax_t size = std::filesystem::file_size(file, gone);
    if (!gone) bytes += size;
  }
  EXPECT_LT(bytes, 8u << 20);
}

TEST_F(RocksdbStoreTest, AnUnfinishedRecordAtTheEndOfTheLogIsForgotten) {
  Put("a", "1");
  env_.reset();
  const auto logs = Files(".log");
  ASSERT_EQ(logs.size(), 1u);
  const std::string torn("\x12\x34\x56\x78\x40", 5);
  std::ofstream(logs[0], std::ios::app | std::ios::binary) << torn;
  Reopen();
  EXPECT_EQ(Show(*Get("a")), "a=1 c2 m2 v1 l0");
  EXPECT_EQ(Put("a", "2"), 3);
}

TEST_F(RocksdbStoreTest, DamageInTheMiddleOfTheLogRefusesToOpen) {
  for (int i = 0; i < 100; ++i) Put("a", "0123456789 the value 0123456789");
  env_.reset();
  const auto logs = Files(".log");
  ASSERT_EQ(logs.size(), 1u);
  const auto size = std::filesystem::file_size(logs[0]);
  std::fstream file(logs[0], std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(size / 2));
  file << "damage!";
  file.close();
  const absl::Status status = OpenFails();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
}

// The disk fills up (a limit on the size of files stands in for it): no false acknowledgement,
// everything is Unavailable, and what was acknowledged is there after a restart.
TEST_F(RocksdbStoreTest, AFailedWriteIsNeverAcknowledgedAndEndsTheStore) {
  auto watched = Watch("", "", 0);
  const std::string value(5000, 'v');
  struct rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  auto handler = std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit limit = before;
  limit.rlim_cur = 1 << 20;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  std::vector<std::string> acknowledged;
  int failed = 0, done = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string key = "k" + std::to_string(i);
    store().Txn({.writes = {PutWrite(key, value)}}, [&, key](absl::StatusOr<TxnResult> result) {
      absl::MutexLock lock(&env_->mutex);
      ++done;
      if (result.ok()) {
        EXPECT_EQ(failed, 0) << "acknowledged after a failure";
        acknowledged.push_back(key);
      } else {
        EXPECT_EQ(result.status().code(), absl::StatusCode::kUnavailable) << result.status();
        ++failed;
      }
    });
  }
  EXPECT_TRUE(env_->Drive([&] { return done == 1000; }));
  EXPECT_TRUE(AwaitEnd(watched));
  EXPECT_EQ(Get("k0").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(List({}).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Txn({.writes = {PutWrite("x", "y")}}).status().code(),
            absl::StatusCode::kUnavailable);
  {
    absl::MutexLock lock(&env_->mutex);
    EXPECT_GT(failed, 0);
    EXPECT_EQ(watched->status.code(), absl::StatusCode::kUnavailable) << watched->status;
    EXPECT_LE(watched->events.size(), acknowledged.size());
  }
  env_.reset();
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  Reopen();
  for (const std::string& key : acknowledged) EXPECT_NE((*Get(key)).mod_revision, 0) << key;
}

// --- the records -------------------------------------------------------------------------------

TEST(RecordTest, RoundTrips) {
  const Version versions[] = {
      {.mod = 2, .create = 2, .version = 1, .value = MakeBytes("v")},
      {.mod = 1LL << 40, .create = 300, .version = 1LL << 33, .lease = 1LL << 62,
       .value = MakeBytes(""), .sub = 70'000},
      {.mod = 9, .sub = 1},
  };
  for (const Version& version : versions) {
    std::string head;
    EncodeRecordHead("/registry/pods/a", version, head);
    const std::string value =
        head + "/registry/pods/a" + (version.tombstone() ? "" : *version.value);
    auto record = DecodeRecord(RecordKey(version.mod, version.sub), value);
    ASSERT_TRUE(record.ok()) << record.status();
    EXPECT_EQ(record->key, "/registry/pods/a");
    EXPECT_EQ(record->version.mod, version.mod);
    EXPECT_EQ(record->version.sub, version.sub);
    EXPECT_EQ(record->version.create, version.create);
    EXPECT_EQ(record->version.version, version.version);
    EXPECT_EQ(record->version.lease, version.lease);
    EXPECT_EQ(record->version.tombstone(), version.tombstone());
    for (size_t cut = 0; cut < head.size() + 16; ++cut) {
      EXPECT_FALSE(DecodeRecord(RecordKey(2, 0), value.substr(0, cut)).ok()) << cut;
    }
  }
  EXPECT_LT(RecordKey(255, 9), RecordKey(256, 0));
  EXPECT_LT(RecordKey(5, 255), RecordKey(5, 256));
  EXPECT_FALSE(DecodeRecord("r", "x").ok());
}

}  // namespace
}  // namespace berth::store
