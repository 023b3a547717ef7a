#include "bench/scheduler_perf/metrics_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::bench {
namespace {

constexpr std::string_view kText = R"(# HELP d Durations.
# TYPE d histogram
d_bucket{point="Filter",status="ok",le="0.1"} 2
d_bucket{point="Filter",status="ok",le="0.2"} 4
d_bucket{point="Filter",status="ok",le="+Inf"} 4
d_sum{point="Filter",status="ok"} 0.4
d_count{point="Filter",status="ok"} 4
d_bucket{point="Filter",status="bad",le="0.1"} 0
d_bucket{point="Filter",status="bad",le="0.2"} 4
d_bucket{point="Filter",status="bad",le="+Inf"} 4
d_sum{point="Filter",status="bad"} 0.8
d_count{point="Filter",status="bad"} 4
d_bucket{point="Score",status="ok",le="0.1"} 0
d_bucket{point="Score",status="ok",le="+Inf"} 0
d_sum{point="Score",status="ok"} 0
d_count{point="Score",status="ok"} 0
gauge{event="a \"b\""} 3
gauge 2 1700000000
not a sample
)";

TEST(ParseMetricsTest, ReadsNamesLabelsAndValues) {
  const std::vector<Sample> samples = ParseMetrics(kText);
  ASSERT_EQ(samples.size(), 16u);
  EXPECT_EQ(samples[0].name, "d_bucket");
  EXPECT_EQ(samples[0].labels.at("le"), "0.1");
  EXPECT_EQ(samples[14].labels.at("event"), "a \"b\"");
  EXPECT_EQ(SumOf(samples, "gauge"), 5);
  EXPECT_EQ(SumOf(samples, "absent"), 0);
}

// The two statuses are one histogram: eight observations, two of them up to 0.1 s.
TEST(CollectHistogramsTest, AggregatesOverOtherLabelsAndInterpolates) {
  const auto items = CollectHistograms(ParseMetrics(kText), {{"d", {{"point", {}}}}}, "run");
  ASSERT_EQ(items.size(), 1u);  // Score has no observations
  EXPECT_EQ(items[0].unit, "ms");
  EXPECT_EQ(items[0].labels, (std::map<std::string, std::string>{
                                 {"Metric", "d"}, {"Name", "run"}, {"point", "Filter"}}));
  EXPECT_DOUBLE_EQ(items[0].data.at("Average"), 150);
  // Rank 4 is a third of the way through the six of the second bucket.
  EXPECT_NEAR(items[0].data.at("Perc50"), 133.333, 0.001);
  EXPECT_NEAR(items[0].data.at("Perc90"), 186.667, 0.001);
}

TEST(CollectHistogramsTest, TakesTheValuesThatAreAskedFor) {
  const std::vector<Sample> samples = ParseMetrics(kText);
  const auto one = CollectHistograms(samples, {{"d", {{"status", {"bad"}}}}}, "run");
  ASSERT_EQ(one.size(), 1u);
  EXPECT_DOUBLE_EQ(one[0].data.at("Average"), 200);
  EXPECT_EQ(CollectHistograms(samples, {{"d", {}}}, "run").size(), 1u);
  EXPECT_TRUE(CollectHistograms(samples, {{"d", {{"plugin", {}}}}}, "run").empty());
  EXPECT_TRUE(CollectHistograms(samples, {{"absent", {}}}, "run").empty());
}

}  // namespace
}  // namespace berth::bench
