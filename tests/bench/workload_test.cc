#include "bench/scheduler_perf/workload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::bench {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kBasic = R"(
- name: Basic
  labels: [performance]
  workloadTemplate:
  - opcode: createNodes
    countParam: $nodes
    labelNodePrepareStrategy: {labelKey: zone, labelValues: [a, b]}
  - opcode: createPods
    count: 7
    namespace: init
    skipWaitToCompletion: true
  - opcode: barrier
  - opcode: createPods
    countParam: $pods
    collectMetrics: true
  workloads:
  - name: small
    labels: [short]
    threshold: 12.5
    featureGates: {A: true}
    params: {nodes: 5, pods: 20}
)";

TEST(ParseWorkloadsTest, ReadsOpsAndParameters) {
  const auto file = ParseWorkloads(kBasic, "dir");
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_EQ(file->cases.size(), 1u);
  const TestCase& c = file->cases[0];
  ASSERT_EQ(c.ops.size(), 4u);
  EXPECT_EQ(c.ops[0].label_values, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(c.ops[1].count.value, 7);
  EXPECT_TRUE(c.ops[1].skip_wait);
  EXPECT_TRUE(c.ops[3].collect_metrics);
  const Workload& w = c.workloads[0];
  EXPECT_EQ(Resolve(c.ops[0].count, w).value(), 5);
  EXPECT_EQ(Resolve(c.ops[3].count, w).value(), 20);
  EXPECT_EQ(w.threshold, 12.5);
  EXPECT_EQ(w.labels, (std::vector<std::string>{"performance", "short"}));
  EXPECT_TRUE(w.feature_gates.at("A"));
}

TEST(ParseWorkloadsTest, SaysWhatIsWrong) {
  const struct {
    std::string_view name, find, replace, want;
  } cases[] = {
      {"unknown field", "count: 7", "count: 7\n    cuont: 8", "unknown field \"cuont\""},
      {"unknown opcode", "opcode: barrier", "opcode: explode", "unknown opcode \"explode\""},
      {"missing parameter", "nodes: 5, ", "", "parameter $nodes is not there"},
      {"unused parameter", "nodes: 5", "nodes: 5, rest: 1", "unused parameter rest"},
      {"parameter without $", "countParam: $pods", "countParam: pods", "must begin with $"},
      {"nothing measured", "collectMetrics: true", "collectMetrics: false",
       "no op collects metrics"},
      {"measured and not waited for", "collectMetrics: true",
       "collectMetrics: true\n    skipWaitToCompletion: true", "cannot be set at the same time"},
      {"not a list", kBasic, "{}", "list of test cases"},
      {"broken YAML", kBasic, "- [", ""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    std::string text(kBasic);
    text.replace(text.find(c.find), c.find.size(), c.replace);
    const auto file = ParseWorkloads(text, "");
    ASSERT_FALSE(file.ok());
    EXPECT_THAT(std::string(file.status().message()), HasSubstr(std::string(c.want)));
  }
}

// One file holds cases of every kind: those that can be run are.
TEST(ParseWorkloadsTest, WhatIsNotSupportedYetIsKnownByName) {
  const struct {
    std::string_view name, find, replace, want;
  } cases[] = {
      {"opcode", "opcode: barrier", "opcode: churn", "op 2: opcode churn is not supported yet"},
      {"field", "count: 7", "count: 7\n    steadyState: true", "steadyState is not supported yet"},
      {"selector", "threshold: 12.5", "thresholdMetricSelector: {name: x}",
       "thresholdMetricSelector is not supported yet"},
      {"map of thresholds", "threshold: 12.5", "threshold: {a: 1}",
       "a threshold by topic is not supported yet"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    std::string text(kBasic);
    text.replace(text.find(c.find), c.find.size(), c.replace);
    text += std::string(kBasic);
    const auto file = ParseWorkloads(text, "");
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_EQ(file->cases.size(), 2u);
    absl::Status supported = file->cases[0].supported;
    supported.Update(file->cases[0].workloads[0].supported);
    EXPECT_TRUE(absl::IsUnimplemented(supported)) << supported;
    EXPECT_THAT(std::string(supported.message()), HasSubstr(std::string(c.want)));
    EXPECT_TRUE(file->cases[1].supported.ok());
    EXPECT_TRUE(file->cases[1].workloads[0].supported.ok());
  }
}

TEST(MatchesLabelsTest, PlusMinusAndPlain) {
  const std::vector<std::string> labels = {"performance", "short"};
  EXPECT_TRUE(MatchesLabels("", labels));
  EXPECT_TRUE(MatchesLabels("performance", labels));
  EXPECT_TRUE(MatchesLabels("+short,performance", labels));
  EXPECT_FALSE(MatchesLabels("performance,-short", labels));
  EXPECT_FALSE(MatchesLabels("integration-test", labels));
}

TEST(WorkloadFilesTest, OursParse) {
  const auto file =
      ReadWorkloads(std::string(BERTH_SOURCE_DIR) + "/bench/workloads/performance-config.yaml");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->cases[0].name, "SchedulingBasic");
}

}  // namespace
}  // namespace berth::bench
