#include "cluster/store/memory_store.h"

#include "base/sim_executor.h"
#include "tests/store/conformance.h"
#include "tests/store/threads_under_test.h"

namespace berth::store {
namespace {

class MemoryInSimulation final : public StoreUnderTest {
 public:
  explicit MemoryInSimulation(StoreLimits limits)
      : loop_(1),
        executor_(loop_.MakeExecutor("store")),
        store_(MakeMemoryStore(*executor_, limits)) {}

  Store& store() override { return *store_; }
  void Close() override { store_.reset(); }
  bool Drive(const std::function<bool()>& until) override {
    for (;;) {
      {
        absl::MutexLock lock(&mutex);
        if (until()) return true;
      }
      if (!loop_.Step()) return false;
    }
  }
  void Settle() override { loop_.RunUntil(loop_.clock().Now()); }
  bool Advance(absl::Duration by) override {
    loop_.RunUntil(loop_.clock().Now() + by);
    return true;
  }
  bool threads() const override { return false; }

 private:
  SimLoop loop_;
  std::unique_ptr<Executor> executor_;
  std::unique_ptr<Store> store_;
};

}  // namespace

std::unique_ptr<StoreUnderTest> MakeMemoryOnThreads(StoreLimits limits) {
  return std::make_unique<ThreadsUnderTest>([limits](Executor& executor) {
    return MakeMemoryStore(executor, limits);
  });
}

std::unique_ptr<StoreUnderTest> MakeMemoryInSimulation(StoreLimits limits) {
  return std::make_unique<MemoryInSimulation>(limits);
}

TEST(PrefixEndTest, IsTheFirstKeyBeyondThePrefix) {
  EXPECT_EQ(PrefixEnd("/a/"), "/a0");
  EXPECT_EQ(PrefixEnd(std::string("a\xff", 2)), "b");
  EXPECT_EQ(PrefixEnd("\xff\xff"), "");
  EXPECT_EQ(PrefixEnd(""), "");
}

// Two runs of a seed do the same, down to the order in which completions arrive.
TEST(MemoryStoreTest, IsDeterministicInSimulation) {
  auto run = [](uint64_t seed) {
    SimLoop loop(seed);
    auto executor = loop.MakeExecutor("store");
    auto client = loop.MakeExecutor("client");
    auto store = MakeMemoryStore(*executor);
    auto watch = store->Watch({}, [&](const absl::Status&, Revision revision, auto events) {
      loop.Mix(static_cast<uint64_t>(revision));
      for (const WatchEvent& event : events) loop.Mix(event.kv.key.back());
    });
    store->GrantLease(absl::Seconds(5), [&](absl::StatusOr<LeaseId> lease) {
      for (int i = 0; i < 1200; ++i) {
        client->Post([&, i, lease = *lease] {
          const std::string key = "k" + std::to_string(i * 31 % 1000);
          store->Txn({.writes = {PutWrite(key, "v", lease)}}, [&](const auto& result) {
            loop.Mix(static_cast<uint64_t>(result->revision));
          });
        });
      }
    });
    loop.RunUntil(loop.clock().Now() + absl::Minutes(1));
    watch.reset();
    store.reset();
    while (loop.Step()) {}
    return loop.hash();
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

// A completion that waits for its turn when the store goes is called all the same.
TEST(MemoryStoreTest, ARevocationCutShortByTheEndIsUnavailable) {
  SimLoop loop(1);
  auto executor = loop.MakeExecutor("store");
  auto store = MakeMemoryStore(*executor);
  LeaseId lease = 0;
  store->GrantLease(absl::Hours(1), [&](absl::StatusOr<LeaseId> granted) { lease = *granted; });
  while (lease == 0) loop.Step();
  for (int i = 0; i < 2000; ++i) {
    store->Txn({.writes = {PutWrite(std::to_string(i), "v", lease)}}, [](auto) {});
  }
  absl::Status status;
  store->RevokeLease(lease, [&](const absl::Status& result) { status = result; });
  store.reset();
  while (loop.Step()) {}
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
}

INSTANTIATE_TEST_SUITE_P(Memory, StoreConformance,
                         testing::Values(ConformanceParam{"Threads", &MakeMemoryOnThreads},
                                         ConformanceParam{"Simulation", &MakeMemoryInSimulation}),
                         [](const auto& test) { return test.param.name; });

}  // namespace berth::store
