// kill -9 in the middle of concurrent transactions, again and again. After each: every acknowledged
// write is there, no half transaction is, revisions never went back.
//
//   store_kill9_test [--rounds=N]      (or BERTH_KILL9_ROUNDS; default 20, the full run is 200)
//
// The writer is this program executed again (--writer DIR FD). It runs kChains chains; transaction
// n of chain w, at one revision:
//   /w/<w>/a = n   /w/<w>/b = n   /log/<w>/<n> = "s" or "-"   /t/<w>: put or deleted in turns
//   every fourth ("s"), competing with the other chains: /shared = its version
// Acknowledged transactions go to the parent through a pipe.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <absl/synchronization/notification.h>
#include <gtest/gtest.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/thread_executor.h"
#include "cluster/store/rocksdb_store.h"
#include "tests/store/temp_dir.h"

namespace berth::store {
namespace {

constexpr int kChains = 16;
constexpr int kRoundsPerDirectory = 25;
int rounds = 20;

struct Acknowledged {
  int32_t chain;
  int32_t n;
  Revision revision;
};

RocksdbOptions Options(const std::string& path) {
  return {.path = path, .memtable_bytes = 256 << 10};  // flushed often
}

std::string ChainKey(int chain, const char* name) {
  return "/w/" + std::to_string(chain) + "/" + name;
}
std::string LogKey(int chain, int n) {
  return "/log/" + std::to_string(chain) + "/" + std::to_string(n);
}
Write Put(std::string key, std::string value) {
  return {.kind = Write::Kind::kPut, .key = std::move(key), .value = MakeBytes(std::move(value))};
}

// Waits for a completion on another thread.
template <typename T, typename Start>
absl::StatusOr<T> Await(Start start) {
  absl::StatusOr<T> result;
  absl::Notification done;
  start([&](absl::StatusOr<T> value) {
    result = std::move(value);
    done.Notify();
  });
  done.WaitForNotification();
  return result;
}
KeyValue Get(Store& store, const std::string& key) {
  auto result = Await<KeyValue>([&](auto done) { store.Get(key, 0, std::move(done)); });
  BERTH_CHECK(result.ok());
  return *std::move(result);
}

// --- the writer --------------------------------------------------------------------------------

class Writer {
 public:
  Writer(Store& store, int pipe) : store_(store), pipe_(pipe) {}

  void Start(int chain) {
    const KeyValue last = Get(store_, ChainKey(chain, "a"));
    const int n = last.mod_revision == 0 ? 0 : std::stoi(*last.value);
    Next(chain, n + 1, last.mod_revision, Get(store_, "/shared"));
  }

 private:
  void Next(int chain, int n, Revision last, KeyValue shared) {
    const bool competes = n % 4 == 0;
    TxnRequest request;
    request.compares.push_back({ChainKey(chain, "a"), last});
    request.writes.push_back(Put(ChainKey(chain, "a"), std::to_string(n)));
    request.writes.push_back(Put(ChainKey(chain, "b"), std::to_string(n)));
    request.writes.push_back(Put(LogKey(chain, n), competes ? "s" : "-"));
    const std::string turns = "/t/" + std::to_string(chain);
    if (n % 2 == 0) {
      request.writes.push_back(Put(turns, std::string(500, 't')));
    } else {
      request.writes.push_back({.kind = Write::Kind::kDelete, .key = turns});
    }
    if (competes) {
      request.compares.push_back({"/shared", shared.mod_revision});
      request.writes.push_back(Put("/shared", std::to_string(shared.version + 1)));
    }
    store_.Txn(std::move(request), [=, this](absl::StatusOr<TxnResult> result) {
      BERTH_CHECK(result.ok());
      if (!result->succeeded) return Next(chain, n, last, result->current.back());
      const Acknowledged done{chain, n, result->revision};
      BERTH_CHECK(write(pipe_, &done, sizeof(done)) == sizeof(done));
      KeyValue now = shared;
      if (competes) {
        now.mod_revision = result->revision;
        now.version = shared.version + 1;
      }
      if (chain == 0 && n % 50 == 0) store_.Compact(result->revision - 20, [](auto) {});
      Next(chain, n + 1, result->revision, std::move(now));
    });
  }

  Store& store_;
  const int pipe_;
};

[[noreturn]] void RunWriter(const std::string& path, int pipe) {
  SetLogLevel(Severity::kWarning);
  ThreadExecutor executor("store");
  auto store = OpenRocksdbStore(executor, Options(path));
  if (!store.ok()) {
    fprintf(stderr, "writer: %s\n", store.status().ToString().c_str());
    _exit(3);
  }
  Writer writer(**store, pipe);
  for (int chain = 0; chain < kChains; ++chain) writer.Start(chain);
  absl::SleepFor(absl::Minutes(5));  // killed long before
  _exit(4);
}

// --- the parent --------------------------------------------------------------------------------

// Runs the writer for `life` and kills it. Returns what it acknowledged.
std::vector<Acknowledged> RunAndKill(const std::string& path, absl::Duration life) {
  int ends[2];
  BERTH_CHECK(pipe2(ends, O_CLOEXEC) == 0);
  const std::string fd = std::to_string(ends[1]);
  char program[] = "/proc/self/exe", flag[] = "--writer";
  char* const arguments[] = {program, flag, const_cast<char*>(path.c_str()),
                             const_cast<char*>(fd.c_str()), nullptr};
  const pid_t child = fork();
  BERTH_CHECK(child >= 0);
  if (child == 0) {
    fcntl(ends[1], F_SETFD, 0);
    execv(program, arguments);
    _exit(5);
  }
  close(ends[1]);
  std::string bytes;
  const absl::Time end = RealClock::Get().Now() + life;
  for (bool killed = false;;) {
    const auto left = absl::ToInt64Milliseconds(end - RealClock::Get().Now());
    if (!killed && left <= 0) {
      kill(child, SIGKILL);
      killed = true;
    }
    pollfd ready{ends[0], POLLIN, 0};
    if (poll(&ready, 1, killed ? -1 : static_cast<int>(left)) <= 0) continue;
    char buffer[65536];
    const ssize_t got = read(ends[0], buffer, sizeof(buffer));
    if (got <= 0) break;
    bytes.append(buffer, static_cast<size_t>(got));
  }
  close(ends[0]);
  int status = 0;
  BERTH_CHECK(waitpid(child, &status, 0) == child);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself: " << status;
  std::vector<Acknowledged> acknowledged(bytes.size() / sizeof(Acknowledged));
  if (!acknowledged.empty()) {
    std::memcpy(acknowledged.data(), bytes.data(), acknowledged.size() * sizeof(Acknowledged));
  }
  return acknowledged;
}

// What the whole store must look like whatever the moment of the kill. Returns its revision.
Revision CheckStore(const std::string& path, const std::vector<Acknowledged>& acknowledged) {
  ThreadExecutor executor("store");
  auto opened = OpenRocksdbStore(executor, Options(path));
  EXPECT_TRUE(opened.ok()) << opened.status();
  if (!opened.ok()) return 0;
  Store& store = **opened;
  auto list = Await<ListResult>([&](auto done) { store.List({}, std::move(done)); });
  EXPECT_TRUE(list.ok()) << list.status();
  std::map<std::string, KeyValue> at;
  int64_t competed = 0;
  for (KeyValue& kv : list->items) {
    if (kv.key.starts_with("/log/") && *kv.value == "s") ++competed;
    EXPECT_LE(kv.mod_revision, list->revision);
    at[kv.key] = kv;
  }
  for (const Acknowledged& done : acknowledged) {
    EXPECT_EQ(at[LogKey(done.chain, done.n)].mod_revision, done.revision)
        << "acknowledged and lost: chain " << done.chain << " n " << done.n;
  }
  for (int chain = 0; chain < kChains; ++chain) {
    const KeyValue& a = at[ChainKey(chain, "a")];
    const KeyValue& b = at[ChainKey(chain, "b")];
    EXPECT_EQ(a.mod_revision, b.mod_revision) << "half a transaction";
    if (a.mod_revision == 0) continue;
    EXPECT_EQ(*a.value, *b.value);
    const int n = std::stoi(*a.value);
    EXPECT_EQ(a.version, n);
    EXPECT_EQ(at["/t/" + std::to_string(chain)].mod_revision, n % 2 == 0 ? a.mod_revision : 0);
    Revision before = 0;
    for (int i = 1; i <= n; ++i) {
      const Revision revision = at[LogKey(chain, i)].mod_revision;
      EXPECT_GT(revision, before) << "chain " << chain << " n " << i;
      before = revision;
    }
    EXPECT_EQ(before, a.mod_revision);
    EXPECT_EQ(at.count(LogKey(chain, n + 1)), 0u) << "half a transaction";
  }
  const KeyValue& shared = at["/shared"];
  EXPECT_EQ(shared.version, competed);
  if (shared.value != nullptr) { EXPECT_EQ(*shared.value, std::to_string(competed)); }
  return list->revision;
}

TEST(Kill9Test, NothingAcknowledgedIsLostAndNoHalfTransactionIsThere) {
  SetLogLevel(Severity::kWarning);
  const uint64_t seed = RandomSeed();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  size_t total = 0;
  for (int round = 0; round < rounds;) {
    TempDir directory;
    std::vector<Acknowledged> acknowledged;
    Revision last = 1;
    for (int i = 0; i < kRoundsPerDirectory && round < rounds; ++i, ++round) {
      // Some die while they recover, most in the middle of writing.
      const auto life = absl::Milliseconds(random.Between(5, 250));
      const auto more = RunAndKill(directory.path(), life);
      acknowledged.insert(acknowledged.end(), more.begin(), more.end());
      total += more.size();
      const Revision revision = CheckStore(directory.path(), acknowledged);
      EXPECT_GE(revision, last);
      last = revision;
      ASSERT_FALSE(HasFailure()) << "round " << round;
    }
  }
  printf("%d rounds, %zu acknowledged transactions\n", rounds, total);
  EXPECT_GT(total, 0u);
}

}  // namespace
}  // namespace berth::store

int main(int argc, char** argv) {
  if (argc == 4 && std::strcmp(argv[1], "--writer") == 0) {
    berth::store::RunWriter(argv[2], std::atoi(argv[3]));
  }
  testing::InitGoogleTest(&argc, argv);
  const char* full = std::getenv("BERTH_FULL");
  if (full != nullptr && std::strcmp(full, "0") != 0) berth::store::rounds = 200;
  if (const char* text = std::getenv("BERTH_KILL9_ROUNDS")) {
    berth::store::rounds = std::atoi(text);
  }
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], "--rounds=", 9) == 0) berth::store::rounds = std::atoi(argv[i] + 9);
  }
  return RUN_ALL_TESTS();
}
