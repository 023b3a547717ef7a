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

INSTANTIATE_TEST_SUITE_P(Memory, StoreConformance,
                         testing::Values(ConformanceParam{"Threads", &MakeMemoryOnThreads},
                                         ConformanceParam{"Simulation", &MakeMemoryInSimulation}),
                         [](const auto& test) { return test.param.name; });

}  // namespace berth::store
