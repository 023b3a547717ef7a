#include "bench/curve_svg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::bench {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Result At(double rate, double bound) {
  Result out;
  out.name = "a<b/5Nodes/namespace-2";
  out.offered_rate = rate;
  out.Add("offered.bound_per_second", "pods/s", Better::kHigher, bound);
  for (const char* name : {"latency_ms.p50", "latency_ms.p99", "latency_ms.p99.9"}) {
    out.Add(name, "ms", Better::kLower, rate / 100);
  }
  return out;
}

// 530 pixels for 0 to 2,000 pods/s from 80 on, 260 for the rates from 316 upwards.
TEST(CurveSvgTest, PointsLieWhereTheyBelong) {
  Result all_at_once = At(0, 5);
  all_at_once.name = "not offered";
  const std::string svg = DrawOfferedLoad({At(2000, 1500), At(1000, 1000), all_at_once});
  EXPECT_THAT(svg, HasSubstr("<path d='M345.0 186.0L610.0 121.0'"));
  EXPECT_THAT(svg, HasSubstr("a&lt;b"));
  EXPECT_THAT(svg, HasSubstr(">p99.9<"));
  EXPECT_THAT(svg, Not(HasSubstr("not offered")));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, ::testing::EndsWith("</svg>\n"));
}

}  // namespace
}  // namespace berth::bench
