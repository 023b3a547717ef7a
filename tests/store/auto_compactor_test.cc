#include "cluster/store/auto_compactor.h"

#include <gtest/gtest.h>

#include "base/sim_executor.h"
#include "cluster/store/memory_store.h"

namespace berth::store {
namespace {

class AutoCompactorTest : public testing::Test {
 protected:
  void Put(int times) {
    for (int i = 0; i < times; ++i) {
      TxnRequest request;
      request.writes.push_back({.key = "a", .value = MakeBytes(std::to_string(i))});
      store_->Txn(std::move(request), [](auto) {});
    }
  }
  // The oldest revision that can be read.
  Revision Oldest() {
    Revision oldest = 0;
    for (Revision r = 1; oldest == 0; ++r) {
      store_->Get("a", r, [&, r](const auto& result) { if (result.ok()) oldest = r; });
      loop_.RunUntil(loop_.clock().Now());
    }
    return oldest;
  }
  void Run(absl::Duration by) { loop_.RunUntil(loop_.clock().Now() + by); }

  SimLoop loop_{1};
  std::unique_ptr<Executor> executor_ = loop_.MakeExecutor("store");
  std::unique_ptr<Store> store_ = MakeMemoryStore(*executor_);
};

TEST_F(AutoCompactorTest, KeepsTheHistoryOfTheLastMinutes) {
  AutoCompactor compactor(*store_, *executor_, {});
  Put(10);  // 11
  Run(absl::Minutes(4));
  Put(10);  // 21
  EXPECT_EQ(Oldest(), 1);
  Run(absl::Minutes(2));
  EXPECT_EQ(Oldest(), 11);
  Run(absl::Minutes(4));
  EXPECT_EQ(Oldest(), 21);
}

TEST_F(AutoCompactorTest, KeepsNoMoreThanSoManyRevisions) {
  AutoCompactor compactor(*store_, *executor_, {.revisions_max = 100});
  Put(1000);
  Run(absl::Seconds(11));
  EXPECT_EQ(Oldest(), 901);
}

TEST_F(AutoCompactorTest, DoesNothingOnceItIsGone) {
  {
    AutoCompactor compactor(*store_, *executor_, {});
    Put(10);
    Run(absl::Seconds(10));
  }
  Run(absl::Hours(1));
  EXPECT_EQ(Oldest(), 1);
}

}  // namespace
}  // namespace berth::store
