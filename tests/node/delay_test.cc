#include "cluster/node/delay.h"

#include <gtest/gtest.h>

namespace berth::node {
namespace {

TEST(DelayTest, Forms) {
  const struct { std::string_view text; absl::Duration low, high; } cases[] = {
      {"0s", absl::ZeroDuration(), absl::ZeroDuration()},
      {"250ms", absl::Milliseconds(250), absl::Milliseconds(250)},
      {"50ms..200ms", absl::Milliseconds(50), absl::Milliseconds(200)},
      {"exp:100ms", absl::ZeroDuration(), absl::Seconds(1)},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    const auto delay = Delay::Parse(c.text);
    ASSERT_TRUE(delay.ok()) << delay.status();
    EXPECT_EQ(delay->ToString(), c.text);
    for (uint64_t key = 0; key < 1000; ++key) {
      const absl::Duration value = delay->Sample(key);
      EXPECT_GE(value, c.low);
      EXPECT_LE(value, c.high);
      EXPECT_EQ(value, delay->Sample(key)) << "the same key gives the same delay";
    }
  }
}

TEST(DelayTest, RefusesTheRest) {
  for (const char* text : {"", "fast", "-1s", "2s..1s", "1s..", "exp:", "exp:-1s", "1s..-2s"}) {
    EXPECT_FALSE(Delay::Parse(text).ok()) << text;
  }
}

TEST(DelayTest, ExponentialHasItsMean) {
  const Delay delay = Delay::Exponential(absl::Milliseconds(100));
  absl::Duration sum;
  for (uint64_t key = 0; key < 10'000; ++key) sum += delay.Sample(key);
  EXPECT_NEAR(absl::ToDoubleMilliseconds(sum / 10'000), 100, 5);
}

}  // namespace
}  // namespace berth::node
