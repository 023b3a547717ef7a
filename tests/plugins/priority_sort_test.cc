#include "plugins/priority_sort/priority_sort.h"

#include <gtest/gtest.h>

#include "framework/queued_pod_info.h"
#include "tests/framework/builders.h"

namespace berth::plugins::priority_sort {
namespace {

using framework::testing::MakePod;

framework::QueuedPodInfo Queued(MakePod pod, int64_t second) {
  framework::QueuedPodInfo out;
  out.pod = pod.Info();
  out.timestamp = absl::FromUnixSeconds(second);
  return out;
}

TEST(PrioritySortTest, Order) {
  const auto low = Queued(MakePod("low").Priority(1), 1);
  const auto high = Queued(MakePod("high").Priority(10), 2);
  const auto none = Queued(MakePod("none"), 3);
  const auto none_later = Queued(MakePod("none-later"), 4);
  const auto negative = Queued(MakePod("negative").Priority(-1), 0);
  const PrioritySort sort;
  EXPECT_TRUE(sort.Less(high, low)) << "higher priority first";
  EXPECT_FALSE(sort.Less(low, high));
  EXPECT_TRUE(sort.Less(none, none_later)) << "equal priority: earlier first";
  EXPECT_FALSE(sort.Less(none_later, none));
  EXPECT_FALSE(sort.Less(none, none)) << "strict";
  EXPECT_TRUE(sort.Less(none, negative)) << "no priority is 0";
}

}  // namespace
}  // namespace berth::plugins::priority_sort
