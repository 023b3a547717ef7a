#include "bench/figures.h"

#include <cmath>

#include <gtest/gtest.h>

namespace berth::bench {
namespace {

TEST(FiguresTest, MedianAndSpread) {
  EXPECT_DOUBLE_EQ(Median({3, 1, 2}), 2);
  EXPECT_DOUBLE_EQ(Median({4, 1, 2, 3}), 2.5);
  EXPECT_DOUBLE_EQ(Median({}), 0);
  EXPECT_DOUBLE_EQ(Spread({5}), 0);
  EXPECT_DOUBLE_EQ(Spread({9, 11}), std::sqrt(2.0) / 10);
  EXPECT_DOUBLE_EQ(Spread({-1, 1}), 0);  // no mean to be relative to
}

// The exact chances of the Mann-Whitney test, from its tables.
TEST(FiguresTest, ChanceOfNoDifference) {
  EXPECT_NEAR(ChanceOfNoDifference({1, 2, 3, 4}, {5, 6, 7, 8}), 2.0 / 70, 1e-12);
  EXPECT_NEAR(ChanceOfNoDifference({5, 6, 7, 8, 9}, {1, 2, 3, 4, 0}), 2.0 / 252, 1e-12);
  EXPECT_NEAR(ChanceOfNoDifference({1, 2, 3}, {4, 5, 6}), 2.0 / 20, 1e-12);
  // U = 2: 1, 1 and 2 orders have U of 0, 1 and 2.
  EXPECT_NEAR(ChanceOfNoDifference({1, 2, 3, 6}, {4, 5, 7, 8}), 2.0 * 4 / 70, 1e-12);
  EXPECT_DOUBLE_EQ(ChanceOfNoDifference({1, 2}, {1, 2}), 1);
  EXPECT_DOUBLE_EQ(ChanceOfNoDifference({}, {1}), 1);
}

}  // namespace
}  // namespace berth::bench
