#include "base/random.h"

#include <gtest/gtest.h>

namespace berth {
namespace {

TEST(RandomTest, SeedMeansTheSameEverywhere) {
  Random a(42), b(42);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(a.Next(), b.Next());
  // First outputs for seed 42, pinned: a change of the generator breaks every recorded seed.
  Random pinned(42);
  EXPECT_EQ(pinned.Next(), 1546998764402558742ull);
  EXPECT_EQ(pinned.Next(), 6990951692964543102ull);
}

TEST(RandomTest, BelowStaysBelowAndReachesEveryValue) {
  Random random(3);
  bool seen[7] = {};
  for (int i = 0; i < 1000; ++i) {
    const uint64_t value = random.Below(7);
    ASSERT_LT(value, 7u);
    seen[value] = true;
  }
  for (const bool hit : seen) EXPECT_TRUE(hit);
}

TEST(RandomTest, BetweenIncludesBothEnds) {
  Random random(3);
  bool low = false, high = false;
  for (int i = 0; i < 200; ++i) {
    const int64_t value = random.Between(-2, 2);
    ASSERT_GE(value, -2);
    ASSERT_LE(value, 2);
    low = low || value == -2;
    high = high || value == 2;
  }
  EXPECT_TRUE(low && high);
}

}  // namespace
}  // namespace berth
