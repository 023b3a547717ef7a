#include "cluster/up/load_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/up/load_generator.h"

namespace berth::up {
namespace {

using ::testing::HasSubstr;

TEST(LoadReportTest, PercentilesAreNearestRank) {
  std::vector<absl::Duration> none;
  EXPECT_EQ(PercentilesOf(none).p99, absl::ZeroDuration());
  std::vector<absl::Duration> values;
  for (int i = 200; i >= 1; --i) values.push_back(absl::Milliseconds(i));
  const Percentiles p = PercentilesOf(values);
  EXPECT_EQ(p.p50, absl::Milliseconds(100));
  EXPECT_EQ(p.p90, absl::Milliseconds(180));
  EXPECT_EQ(p.p99, absl::Milliseconds(198));
  EXPECT_EQ(p.max, absl::Milliseconds(200));
  std::vector<absl::Duration> one{absl::Seconds(3)};
  EXPECT_EQ(PercentilesOf(one).p50, absl::Seconds(3));
}

TEST(LoadReportTest, Spread) {
  const Spread spread = SpreadOf({9, 10, 10, 11});
  EXPECT_EQ(spread.min, 9);
  EXPECT_EQ(spread.max, 11);
  EXPECT_DOUBLE_EQ(spread.mean, 10);
  EXPECT_NEAR(spread.stddev, 0.7071, 1e-4);
  EXPECT_EQ(spread.histogram.at(10), 2);
  EXPECT_EQ(SpreadOf({}).max, 0);
}

TEST(LoadReportTest, StepSaysWhatHappened) {
  LoadStepReport step;
  step.title = "3 pods";
  step.schedulers = {"a", "b"};
  step.conflicts = 1;
  const absl::Time start = absl::UnixEpoch();
  for (int i = 0; i < 2; ++i) {
    step.pods.push_back({start, start + absl::Milliseconds(500 * (i + 1)),
                         start + absl::Milliseconds(500 * (i + 1) + 60), i == 0 ? "a" : "b", "n"});
  }
  step.pods.push_back({start, absl::InfiniteFuture(), absl::InfiniteFuture(), "a", ""});
  const std::string text = RenderStep(step, false);
  EXPECT_THAT(text, HasSubstr("2 pods/s: 2 created and bound in 1.00 s, 2 seen running, 1 not "
                              "bound\n"));
  EXPECT_THAT(text, HasSubstr("create > bound       500 ms    1000 ms    1000 ms    1000 ms"));
  EXPECT_THAT(text, HasSubstr("conflicts caught: 1 binding refused"));
  EXPECT_THAT(text, HasSubstr("scheduled by a                               1"));
}

TEST(LoadReportTest, NodesAndOvercommit) {
  std::vector<NodeUse> nodes;
  for (int i = 0; i < 100; ++i) {
    nodes.push_back({"n" + std::to_string(i), i, 110, i * 40, 4000, 0, 1});
  }
  EXPECT_THAT(RenderNodes(nodes, false), HasSubstr("0 of 100 nodes over-committed\n"));
  nodes[3].memory_bytes = 2;
  EXPECT_THAT(RenderNodes(nodes, false), HasSubstr("1 of 100 nodes over-committed: n3\n"));
  EXPECT_THAT(RenderNodes(nodes, false), HasSubstr("0-6 pods ")) << "many counts are grouped";
  EXPECT_THAT(RenderNodes({}, false), HasSubstr("0 of 0 nodes"));
}

TEST(LoadReportTest, ConflictsInMetrics) {
  EXPECT_EQ(BindingConflictsIn(
                "# HELP x\n"
                "apiserver_request_total{code=\"409\",subresource=\"binding\"} 7\n"
                "apiserver_request_total{code=\"201\",subresource=\"binding\"} 9\n"
                "apiserver_request_total{code=\"409\",subresource=\"\"} 5\n"
                "apiserver_request_total{code=\"409\",subresource=\"binding\",verb=\"x\"} 2"),
            9);
}

}  // namespace
}  // namespace berth::up
