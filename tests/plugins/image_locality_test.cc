#include "plugins/image_locality/image_locality.h"

#include <gtest/gtest.h>

#include "tests/framework/builders.h"
#include "tests/plugins/harness.h"

namespace berth::plugins::image_locality {
namespace {

using framework::testing::MakeNode;
using framework::testing::MakePod;

constexpr int64_t kMiB = 1 << 20;

TEST(ImageLocalityTest, ScoreVectors) {
  EXPECT_EQ(ScoreOf(ScaledSize(250 * kMiB, 1, 2), 2), 5);
  EXPECT_EQ(ScoreOf(ScaledSize(40 * kMiB, 1, 2) + ScaledSize(300 * kMiB, 1, 2), 2), 7);
  const int64_t two = ScaledSize(600 * kMiB, 2, 3) + ScaledSize(900 * kMiB, 2, 3);
  EXPECT_EQ(ScoreOf(two, 3), 32);
  EXPECT_EQ(ScoreOf(two + ScaledSize(300 * kMiB, 1, 3), 3), 36);
  EXPECT_EQ(ScoreOf(ScaledSize(300 * kMiB, 1, 2), 1), 12);
}

TEST(ImageLocalityTest, Bounds) {
  EXPECT_EQ(ScoreOf(0, 1), 0);
  EXPECT_EQ(ScoreOf(23 * kMiB, 1), 0);
  EXPECT_EQ(ScoreOf(1000 * kMiB, 1), 100);
  EXPECT_EQ(ScoreOf(5000 * kMiB, 1), 100);
}

TEST(ImageLocalityTest, ReadsTheNodesImages) {
  const auto with = MakeNode("with").Image("gcr.io/a:latest", 500 * kMiB).Info();
  const auto without = MakeNode("without").Info();
  testing::FakeHandle handle({with, without});
  auto plugin = testing::NewPlugin("ImageLocality", handle);
  const auto pod = MakePod("p").Image("gcr.io/a").Info();
  EXPECT_EQ(testing::Score(*plugin, *pod, with), (250 - 23) * 100 / (1000 - 23));
  EXPECT_EQ(testing::Score(*plugin, *pod, without), 0);
}

}  // namespace
}  // namespace berth::plugins::image_locality
