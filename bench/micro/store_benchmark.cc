// store_benchmark [--store memory|rocksdb|both] [--seconds S] [--dir DIR]
//
// What the store costs: transactions a second with 1, 16, 32 and 64 in flight (each compares and
// writes its own key and one lease-like key, value of 1 KB, as a binding does), with relaxed
// durability, the CPU of one transaction, of a read, of a page of a list, and of one event to one
// watcher. Prints the machine's idle share, without which figures of fsync mean little.
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <absl/synchronization/notification.h>
#include <fmt/core.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread_executor.h"
#include "cluster/store/memory_store.h"
#include "cluster/store/rocksdb_store.h"

namespace berth::store {
namespace {

struct Usage {
  absl::Time wall = RealClock::Get().Now();
  double cpu_us = 0;
  uint64_t idle = 0, total = 0;  // of the machine, in ticks
};

Usage Measure() {
  Usage usage;
  struct rusage self;
  getrusage(RUSAGE_SELF, &self);
  usage.cpu_us = static_cast<double>(self.ru_utime.tv_sec + self.ru_stime.tv_sec) * 1e6 +
                 static_cast<double>(self.ru_utime.tv_usec + self.ru_stime.tv_usec);
  std::ifstream stat("/proc/stat");
  std::string word;
  stat >> word;
  for (int field = 0; field < 8; ++field) {
    uint64_t ticks = 0;
    stat >> ticks;
    usage.total += ticks;
    if (field == 3) usage.idle = ticks;
  }
  return usage;
}

void Report(std::string_view what, const Usage& from, int64_t operations) {
  const Usage to = Measure();
  const double seconds = absl::ToDoubleSeconds(to.wall - from.wall);
  const double count = static_cast<double>(operations);
  fmt::print("{:<44} {:>10.0f}/s {:>9.2f} us wall {:>8.2f} us cpu {:>5.0f} % idle\n", what,
             count / seconds, seconds * 1e6 / count, (to.cpu_us - from.cpu_us) / count,
             100.0 * static_cast<double>(to.idle - from.idle) /
                 static_cast<double>(std::max<uint64_t>(1, to.total - from.total)));
  std::fflush(stdout);
}

using Open = std::function<std::unique_ptr<Store>(Executor&)>;

// Chains of transactions, each starting its next one from its completion.
class Chains {
 public:
  Chains(Store& store, int count, absl::Duration time, bool relaxed)
      : store_(store), end_(RealClock::Get().Now() + time), relaxed_(relaxed), running_(count) {}

  int64_t Run() {
    const int count = running_;
    for (int i = 0; i < count; ++i) Next(i, 0, 0);
    done_.WaitForNotification();
    return transactions_;
  }

 private:
  void Next(int chain, int64_t n, Revision last) {
    const std::string key = fmt::format("/registry/pods/default/chain-{}-{}", chain, n % 512);
    const std::string own = fmt::format("/registry/leases/chain-{}", chain);
    TxnRequest request;
    request.compares.push_back({own, last});
    request.writes.push_back({.kind = Write::Kind::kPut, .key = key, .value = value_});
    request.writes.push_back({.kind = Write::Kind::kPut, .key = own, .value = value_});
    request.relaxed_durability = relaxed_;
    store_.Txn(std::move(request), [this, chain, n](absl::StatusOr<TxnResult> result) {
      BERTH_CHECK(result.ok());
      if (!result->succeeded) return Next(chain, n, result->current[0].mod_revision);
      ++transactions_;
      if (RealClock::Get().Now() < end_) return Next(chain, n + 1, result->revision);
      if (--running_ == 0) done_.Notify();
    });
  }

  Store& store_;
  const absl::Time end_;
  const bool relaxed_;
  const Bytes value_ = MakeBytes(std::string(1024, 'v'));
  std::atomic<int> running_;
  std::atomic<int64_t> transactions_ = 0;
  absl::Notification done_;
};

void RunChains(const Open& open, std::string_view name, absl::Duration time) {
  for (bool relaxed : {false, true}) {
    for (int count : {1, 16, 32, 64}) {
      ThreadExecutor executor("store");
      auto store = open(executor);
      Chains warm(*store, count, time / 4, relaxed);
      warm.Run();
      Chains chains(*store, count, time, relaxed);
      const Usage from = Measure();
      const int64_t transactions = chains.Run();
      Report(fmt::format("{} txn, {} in flight{}", name, count, relaxed ? ", relaxed" : ""), from,
             transactions);
    }
  }
}

constexpr int kKeys = 100'000;

// 256 in flight: the store refuses an unbounded queue.
void Fill(Store& store) {
  constexpr int kInFlight = 256;
  const Bytes value = MakeBytes(std::string(1024, 'v'));
  std::atomic<int> left = kKeys;
  absl::Notification done;
  std::function<void(int)> put = [&](int i) {
    TxnRequest request;
    request.writes.push_back(
        {.key = fmt::format("/registry/pods/default/pod-{:06}", i), .value = value});
    store.Txn(std::move(request), [&, i](const absl::StatusOr<TxnResult>& result) {
      BERTH_CHECK(result.ok());
      if (--left == 0) return done.Notify();
      if (i + kInFlight < kKeys) put(i + kInFlight);
    });
  };
  for (int i = 0; i < kInFlight; ++i) put(i);
  done.WaitForNotification();
}

// The completion's hop to the executor included; the calls overlap.
void RunReads(Store& store, std::string_view name) {
  constexpr int kReads = 200'000;
  absl::Notification done;
  Usage from = Measure();
  for (int i = 0; i < kReads; ++i) {
    store.Get(fmt::format("/registry/pods/default/pod-{:06}", i * 7919LL % kKeys), 0,
              [&done, last = i + 1 == kReads](auto result) {
                BERTH_CHECK(result.ok());
                if (last) done.Notify();
              });
  }
  done.WaitForNotification();
  Report(fmt::format("{} get of {} keys", name, kKeys), from, kReads);
  from = Measure();
  int pages = 0;
  ListOptions options{.begin = "/registry/pods/", .end = PrefixEnd("/registry/pods/")};
  options.limit = 500;
  for (bool more = true; more; ++pages) {
    absl::Notification page;
    store.List(options, [&](absl::StatusOr<ListResult> result) {
      more = result->more;
      options.revision = result->revision;
      options.begin = result->items.back().key + '\0';
      page.Notify();
    });
    page.WaitForNotification();
  }
  Report(fmt::format("{} list page of 500 of {} keys", name, kKeys), from, pages);
  from = Measure();
  absl::Notification all;
  store.List({}, [&](auto) { all.Notify(); });
  all.WaitForNotification();
  Report(fmt::format("{} list all, per key", name), from, kKeys);
}

void RunWatch(Store& store, std::string_view name, int watchers) {
  std::atomic<int> left = watchers;
  std::atomic<int64_t> events = 0;
  absl::Notification done;
  std::vector<std::unique_ptr<WatchHandle>> handles;
  const Usage from = Measure();
  for (int i = 0; i < watchers; ++i) {
    auto seen = std::make_shared<int64_t>(0);
    handles.push_back(store.Watch({.start = 2}, [&, seen](const absl::Status& status, Revision,
                                                          const std::vector<WatchEvent>& batch) {
      BERTH_CHECK(status.ok());
      events += static_cast<int64_t>(batch.size());
      const bool before = *seen < kKeys;
      *seen += static_cast<int64_t>(batch.size());
      if (before && *seen >= kKeys && --left == 0) done.Notify();
    }));
  }
  done.WaitForNotification();
  Report(fmt::format("{} watch event, {} watcher(s)", name, watchers), from, events);
}

void RunAll(std::string_view name, const Open& open, absl::Duration time) {
  RunChains(open, name, time);
  ThreadExecutor executor("store");
  auto store = open(executor);
  const Usage from = Measure();
  Fill(*store);
  Report(fmt::format("{} put of a new key, 256 in flight", name), from, kKeys);
  RunReads(*store, name);
  RunWatch(*store, name, 1);
  RunWatch(*store, name, 16);
}

int Main(int argc, char** argv) {
  SetLogLevel(Severity::kWarning);
  std::string which = "both", dir = std::filesystem::temp_directory_path().string();
  double seconds = 2;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--store") == 0) which = argv[i + 1];
    if (std::strcmp(argv[i], "--seconds") == 0) seconds = std::atof(argv[i + 1]);
    if (std::strcmp(argv[i], "--dir") == 0) dir = argv[i + 1];
  }
  if (which != "rocksdb") {
    RunAll("memory", [](Executor& executor) { return MakeMemoryStore(executor); },
           absl::Seconds(seconds));
  }
  if (which == "memory") return 0;
  const std::string path = fmt::format("{}/store-benchmark-{}", dir, getpid());
  int number = 0;
  auto open = [&](Executor& executor) {
    std::filesystem::remove_all(path);
    auto store =
        OpenRocksdbStore(executor, {.path = fmt::format("{}/{}", path, ++number)});
    BERTH_CHECK(store.ok());
    return *std::move(store);
  };
  RunAll("rocksdb", open, absl::Seconds(seconds));
  {
    ThreadExecutor executor("store");
    const Usage from = Measure();
    auto store = OpenRocksdbStore(executor, {.path = fmt::format("{}/{}", path, number)});
    BERTH_CHECK(store.ok());
    Report("rocksdb open, per key", from, kKeys);
  }
  std::filesystem::remove_all(path);
  return 0;
}

}  // namespace
}  // namespace berth::store

int main(int argc, char** argv) { return berth::store::Main(argc, argv); }
