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
  EXPECT_EQ(c.ops[0].strategy.label_values, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(c.ops[1].count.value, 7);
  EXPECT_TRUE(c.ops[1].skip_wait);
  EXPECT_TRUE(c.ops[3].collect_metrics);
  const Workload& w = c.workloads[0];
  EXPECT_EQ(Resolve(c.ops[0].count, w).value(), 5);
  EXPECT_EQ(Resolve(c.ops[3].count, w).value(), 20);
  EXPECT_EQ(w.Threshold("any"), 12.5);
  EXPECT_EQ(w.labels, (std::vector<std::string>{"performance", "short"}));
  EXPECT_TRUE(w.feature_gates.at("A"));
}

TEST(ParseWorkloadsTest, SaysWhatIsWrong) {
  const struct {
    std::string_view name, find, replace, want;
  } cases[] = {
      {"unknown field", "count: 7", "count: 7\n    cuont: 8", "unknown field \"cuont\""},
      {"unknown opcode", "opcode: barrier", "opcode: explode", "unknown opcode \"explode\""},
      {"missing parameter", "nodes: 5, ", "", "parameter nodes is undefined"},
      {"unused parameters", "nodes: 5", "nodes: 5, rest: 1, more: 2",
       "the parameters [more rest] are defined on workload small, but unused.\n"
       "Please make sure there are no typos."},
      {"negative count", "count: 7", "count: -7", "invalid Count=-7 / CountParam=\"\""},
      {"parameter without $", "countParam: $pods", "countParam: pods", "must begin with $"},
      {"nothing measured", "collectMetrics: true", "collectMetrics: false",
       "no op in the workload template collects metrics"},
      {"measured and not waited for", "collectMetrics: true",
       "collectMetrics: true\n    skipWaitToCompletion: true", "cannot be true at the same time"},
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

// An op in place of the barrier.
std::string With(std::string_view op) {
  std::string text(kBasic);
  constexpr std::string_view kBarrier = "- opcode: barrier";
  text.replace(text.find(kBarrier), kBarrier.size(), "- " + std::string(op));
  return text;
}

Op Parsed(std::string_view op) {
  const auto file = ParseWorkloads(With(op), "");
  EXPECT_TRUE(file.ok()) << op << ": " << file.status();
  return file.ok() ? file->cases[0].ops[2] : Op{};
}

TEST(ParseOpTest, ReadsEveryOpcode) {
  Op op = Parsed("{opcode: deletePods, namespace: ns, deletePodsPerSecond: 50, "
                 "labelSelector: {a: b}, skipWaitToCompletion: true}");
  EXPECT_EQ(op.code, OpCode::kDeletePods);
  EXPECT_EQ(op.per_second, 50);
  EXPECT_EQ(op.label_selector.at("a"), "b");
  EXPECT_TRUE(op.skip_wait);
  op = Parsed("{opcode: churn, mode: recreate, number: 2, templatePaths: [x]}");
  EXPECT_TRUE(op.recreate);
  EXPECT_EQ(op.interval_ms, 500);
  op = Parsed("{opcode: createAny, templatePath: x}");
  EXPECT_EQ(op.count.value, 1);
  op = Parsed("{opcode: updateAny, templatePath: x, count: 3, subresources: [resize]}");
  EXPECT_EQ(op.count.value, 3);
  EXPECT_EQ(op.subresources, (std::vector<std::string>{"resize"}));
  op = Parsed("{opcode: createPodSets, count: 2, namespacePrefix: p, "
              "createPodsOp: {opcode: createPods, count: 4}}");
  ASSERT_NE(op.create_pods, nullptr);
  EXPECT_EQ(op.create_pods->count.value, 4);
  op = Parsed("{opcode: createResourceDriver, driverName: d, nodes: n-*, maxClaimsPerNode: 5}");
  EXPECT_EQ(op.count.value, 5);
  op = Parsed("{opcode: createResourceClaims, namespace: ns, templatePath: x, count: 1}");
  EXPECT_EQ(op.code, OpCode::kCreateResourceClaims);
  EXPECT_EQ(Parsed("{opcode: allocResourceClaims}").code, OpCode::kAllocResourceClaims);
  EXPECT_TRUE(Parsed("{opcode: barrier, stageRequirement: Attempted}").attempted);
  EXPECT_EQ(Parsed("{opcode: sleep, duration: 1s}").duration, "1s");
  op = Parsed("{opcode: startCollectingMetrics, name: c, namespaces: [a, b]}");
  EXPECT_EQ(op.namespaces.size(), 2u);
  EXPECT_EQ(Parsed("{opcode: stopCollectingMetrics}").code, OpCode::kStopCollectingMetrics);
  op = Parsed("{opcode: createNodes, count: 1, nodeAllocatableStrategy: {nodeAllocatable: "
              "{r: \"39\"}, csiNodeAllocatable: {d: {count: 39}}, migratedPlugins: [m]}}");
  EXPECT_EQ(op.strategy.allocatable.at("r"), "39");
  EXPECT_EQ(op.strategy.csi_volumes.at("d"), 39);
  op = Parsed("{opcode: createNodes, count: 1, uniqueNodeLabelStrategy: {labelKey: k}}");
  EXPECT_EQ(op.strategy.label_key, "k");
  EXPECT_TRUE(op.strategy.label_values.empty());
}

TEST(ParseOpTest, RefusesInUpstreamsWords) {
  const struct { std::string_view op, want; } cases[] = {
      {"{opcode: churn, mode: x, templatePaths: [z]}",
       "invalid mode: x. must be one of [recreate create]"},
      {"{opcode: churn, mode: create, number: -1, templatePaths: [z]}",
       "number (-1) cannot be negative"},
      {"{opcode: churn, mode: recreate, templatePaths: [z]}",
       "number cannot be 0 when mode is recreate"},
      {"{opcode: churn, mode: create}", "at least one template spec file needs to be specified"},
      {"{opcode: barrier, stageRequirement: Bound}", "invalid StageRequirement Bound"},
      {"{opcode: deletePods, deletePodsPerSecond: -1}",
       "invalid DeletePodsPerSecond=-1; should be non-negative"},
      {"{opcode: updateAny, templatePath: x, updatePerSecond: -1}",
       "invalid UpdatePerSecond=-1; should be non-negative"},
      {"{opcode: createAny}", "TemplatePath must be set"},
      {"{opcode: createResourceClaims, templatePath: x}", "Namespace must be set"},
      {"{opcode: createResourceDriver, nodes: x}", "DriverName must be set"},
      {"{opcode: createResourceDriver, driverName: x}", "Nodes must be set"},
      {"{opcode: createResourceDriver, driverName: x, nodes: z, maxClaimsPerNode: -1}",
       "invalid MaxClaimsPerNode=-1 / MaxClaimsPerNodeParam=\"\""},
      {"{opcode: startCollectingMetrics}", "namespaces cannot be empty"},
      {"{opcode: createPods, steadyState: true, skipWaitToCompletion: true, duration: 1s}",
       "skipWaitToCompletion and steadyState cannot be true at the same time"},
      {"{opcode: createPods, steadyState: true}",
       "when creating pods in a steady state, the test duration must be > 0"},
      {"{opcode: createPods, persistentVolumeTemplatePath: x}", "must be set together"},
      {"{opcode: createNodes, uniqueNodeLabelStrategy: {labelKey: k}, "
       "labelNodePrepareStrategy: {labelKey: k, labelValues: [v]}}",
       "at most one node strategy may be set"},
      {"{opcode: createPodSets, createPodsOp: {opcode: barrier}}",
       "createPodsOp must be createPods"},
      {"{opcode: sleep, until: noon}", "op 2: unknown field \"until\""},
  };
  for (const auto& c : cases) {
    const auto file = ParseWorkloads(With(c.op), "");
    ASSERT_FALSE(file.ok()) << c.op;
    EXPECT_THAT(std::string(file.status().message()), HasSubstr(std::string(c.want))) << c.op;
  }
}

TEST(ParseWorkloadsTest, ThresholdsByTopicAndSelectors) {
  const auto with = [](std::string_view threshold) {
    std::string text(kBasic);
    constexpr std::string_view kThreshold = "threshold: 12.5";
    text.replace(text.find(kThreshold), kThreshold.size(), threshold);
    return ParseWorkloads(text, "");
  };
  auto file = with("threshold: {dra: 40, misc: 50}");
  ASSERT_TRUE(file.ok()) << file.status();
  const Workload& workload = file->cases[0].workloads[0];
  EXPECT_EQ(workload.Threshold("dra"), 40);
  EXPECT_EQ(workload.Threshold("volumes"), 0);
  EXPECT_EQ(workload.threshold_selector.name, kThroughputMetric);
  file = with("thresholdMetricSelector: {name: scheduler_scheduling_attempt_duration_seconds, "
              "labels: {result: scheduled}, dataBucket: Perc99, expectLower: true}");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE(file->cases[0].workloads[0].threshold_selector.expect_lower);
  const struct { std::string_view selector, want; } cases[] = {
      {"{name: x}", "the metric x is targeted, but it's not collected during the test. Make sure "
                    "the MetricsCollectorConfig is valid"},
      {"{name: scheduler_scheduling_attempt_duration_seconds, labels: {result: maybe}}",
       "no matching labels found for metric scheduler_scheduling_attempt_duration_seconds"},
      {"{name: scheduler_scheduling_attempt_duration_seconds}",
       "dataBucket should be set for metric scheduler_scheduling_attempt_duration_seconds"},
  };
  for (const auto& c : cases) {
    file = with("thresholdMetricSelector: " + std::string(c.selector));
    ASSERT_FALSE(file.ok()) << c.selector;
    EXPECT_THAT(std::string(file.status().message()), HasSubstr(std::string(c.want)));
  }
}

TEST(ParseWorkloadsTest, TheTopicIsTheFolder) {
  EXPECT_EQ(ParseWorkloads(kBasic, "a/misc")->topic, "misc");
}

TEST(MatchesLabelsTest, PlusMinusAndPlain) {
  const std::vector<std::string> labels = {"performance", "short"};
  EXPECT_TRUE(MatchesLabels("", labels));
  EXPECT_TRUE(MatchesLabels("performance", labels));
  EXPECT_TRUE(MatchesLabels("+short,performance", labels));
  EXPECT_FALSE(MatchesLabels("performance,-short", labels));
  EXPECT_FALSE(MatchesLabels("integration-test", labels));
}

}  // namespace
}  // namespace berth::bench
