// The runner's operations one by one, against the engine, with built-in templates and with files.
#include "bench/scheduler_perf/runner.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/resource_table.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/storage_v1.pb.h"
#include "base/clock.h"
#include "bench/scheduler_perf/engine_target.h"

namespace berth::bench {
namespace {

using ::testing::HasSubstr;

class RunnerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "berth-runner-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    std::filesystem::create_directories(folder_ / "templates");
    Restart();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void Restart(bool histograms = false, bool null_scheduler = false) {
    EngineTargetOptions options;
    options.histograms = histograms;
    options.null_scheduler = null_scheduler;
    auto target = MakeEngineTarget(options);
    ASSERT_TRUE(target.ok()) << target.status();
    target_ = *std::move(target);
  }
  void Write(const std::string& name, std::string_view text) {
    std::ofstream(folder_ / name) << text;
  }
  // ops: YAML of a list; rest: of the workload.
  absl::StatusOr<WorkloadResult> Run(const std::string& ops, const std::string& rest = "") {
    const std::string yaml = "- name: Case\n  workloadTemplate: [" + ops +
                             "]\n  workloads: [{name: one" + rest + "}]\n";
    auto file = ParseWorkloads(yaml, folder_.string());
    if (!file.ok()) return file.status();
    RunOptions options;
    options.clock = &RealClock::Get();
    options.sample_interval = absl::Milliseconds(50);
    options.wait_limit = absl::Milliseconds(300);
    options.templates = (folder_ / "templates").string();
    options.measure_pods = measure_pods_;
    options.rate = rate_;
    options.offer_window = absl::Milliseconds(200);
    options.offer_drain = absl::Milliseconds(200);
    options.progress = [this](std::string_view text) { said_ += std::string(text) + "\n"; };
    return RunWorkload(*file, file->cases[0], file->cases[0].workloads[0], *target_, options);
  }
  std::string ErrorOf(const std::string& ops, const std::string& rest = "") {
    const auto result = Run(ops, rest);
    return result.ok() ? "OK" : std::string(result.status().message());
  }
  template <typename T>
  std::vector<std::shared_ptr<const T>> All() {
    std::vector<std::shared_ptr<const T>> out;
    const auto listed = target_->List(api::ResourceOf<T>(), {});
    for (const ObjectPtr& one : *listed) out.push_back(std::static_pointer_cast<const T>(one));
    return out;
  }

  std::filesystem::path folder_;
  std::unique_ptr<Target> target_;
  std::string said_;
  std::optional<int64_t> measure_pods_;
  std::optional<double> rate_;
};

constexpr const char* kStart = "{opcode: startCollectingMetrics, name: c, namespaces: [ns]},";
constexpr const char* kStop = "{opcode: stopCollectingMetrics}";

std::string Collected(const std::string& ops) { return kStart + ops + "," + kStop; }

TEST_F(RunnerTest, NodeStrategies) {
  Write("node.yaml", "{apiVersion: v1, kind: Node, metadata: {name: 'n-{{.Index}}'}}");
  const auto result = Run(Collected(
      "{opcode: createNodes, count: 2, nodeTemplatePath: node.yaml, "
      "labelNodePrepareStrategy: {labelKey: zone, labelValues: [a, b]}},"
      "{opcode: createNodes, count: 1, uniqueNodeLabelStrategy: {labelKey: own}},"
      "{opcode: createNodes, countParam: $more, nodeAllocatableStrategy: {nodeAllocatable: "
      "{example.com/disk: '3'}, csiNodeAllocatable: {driver: {count: 39}}, "
      "migratedPlugins: [kubernetes.io/aws-ebs]}}"),
      ", params: {more: 1, numNodeDeclaredFeatures: 2}");
  ASSERT_TRUE(result.ok()) << result.status();
  std::map<std::string, std::shared_ptr<const api::core::Node>> nodes;
  for (const auto& node : All<api::core::Node>()) nodes[node->metadata().name()] = node;
  ASSERT_EQ(nodes.size(), 4u);
  EXPECT_EQ(nodes.at("n-0")->metadata().labels().at("zone"), "a");
  EXPECT_EQ(nodes.at("n-1")->metadata().labels().at("zone"), "b");
  EXPECT_EQ(nodes.at("n-1")->metadata().labels().at("kubernetes.io/hostname"), "n-1");
  EXPECT_EQ(nodes.at("n-1")->status().declared_features_size(), 2);
  const auto csi = All<api::storage::CSINode>();
  ASSERT_EQ(csi.size(), 1u);
  const auto& disk = *nodes.at(csi[0]->metadata().name());
  EXPECT_EQ(disk.status().allocatable().at("example.com/disk").string(), "3");
  EXPECT_EQ(disk.status().allocatable().at("cpu").string(), "4");  // the built-in node
  EXPECT_EQ(csi[0]->spec().drivers(0).allocatable().count(), 39);
}

TEST_F(RunnerTest, VolumesAreBoundToTheirPods) {
  Write("pv.yaml", "{kind: PersistentVolume, spec: {accessModes: [ReadOnlyMany], capacity: "
                   "{storage: 1Gi}, csi: {driver: d, volumeHandle: ''}}}");
  Write("pvc.yaml", "{kind: PersistentVolumeClaim, metadata: {annotations: "
                    "{pv.kubernetes.io/bind-completed: 'true'}}, spec: {accessModes: "
                    "[ReadOnlyMany], resources: {requests: {storage: 1Gi}}}}");
  const auto result = Run(
      "{opcode: createNodes, count: 1},"
      "{opcode: createPods, namespace: ns, count: 2, collectMetrics: true, "
      "persistentVolumeTemplatePath: pv.yaml, persistentVolumeClaimTemplatePath: pvc.yaml}");
  ASSERT_TRUE(result.ok()) << result.status();
  const auto volumes = All<api::core::PersistentVolume>();
  ASSERT_EQ(volumes.size(), 2u);
  EXPECT_EQ(volumes[1]->metadata().name(), "ns-vol-1");
  EXPECT_EQ(volumes[1]->spec().claim_ref().name(), "pvc-1");
  EXPECT_EQ(volumes[1]->spec().persistent_volume_source().csi().volume_handle(), "ns-vol-1");
  const auto claims = All<api::core::PersistentVolumeClaim>();
  EXPECT_EQ(claims.at(1)->spec().volume_name(), "ns-vol-1");
  EXPECT_EQ(result->measurements.at(0).name, "BenchmarkPerfScheduling/Case/one/ns");
}

TEST_F(RunnerTest, BarriersCountWhatWasNotAwaited) {
  EXPECT_EQ(ErrorOf(Collected("{opcode: barrier, namespaces: [x]}")), "unknown namespace x");
  Restart();
  EXPECT_THAT(ErrorOf(Collected("{opcode: createPods, namespace: ns, count: 1, "
                                "skipWaitToCompletion: true},{opcode: barrier}")),
              HasSubstr("error waiting for pods in namespace \"ns\": at least pod ns/"));
  Restart();
  // Nobody is asked for with these labels, and nothing is there to match: too few, for ever.
  EXPECT_THAT(ErrorOf(Collected("{opcode: createNodes, count: 1},{opcode: createPods, namespace: "
                                "ns, count: 1, skipWaitToCompletion: true},"
                                "{opcode: barrier, labelSelector: {a: b}}")),
              HasSubstr("0 of 1"));
  Restart();
  // Without a node the pod is attempted; a barrier for that does not forget what it waited for.
  EXPECT_THAT(ErrorOf(Collected("{opcode: createPods, namespace: ns, count: 1, "
                                "skipWaitToCompletion: true},"
                                "{opcode: barrier, stageRequirement: Attempted},"
                                "{opcode: barrier}")),
              HasSubstr("is not scheduled"));
}

TEST_F(RunnerTest, ChurnTogglesItsSlots) {
  Write("pod.yaml", "{apiVersion: v1, kind: Pod, metadata: {generateName: c-}, spec: "
                    "{terminationGracePeriodSeconds: 0, containers: [{name: c, image: i}]}}");
  auto result = Run(Collected("{opcode: churn, mode: create, number: 3, namespace: ns, "
                              "intervalMilliseconds: 5, templatePaths: [pod.yaml]},"
                              "{opcode: sleep, duration: 200ms}"));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->namespaces.at("ns").present, 3);
  Restart();
  // Two ticks create, the next two delete: never more than two.
  result = Run(Collected("{opcode: churn, mode: recreate, number: 2, namespace: ns, "
                         "intervalMilliseconds: 5, templatePaths: [pod.yaml]},"
                         "{opcode: createNodes, count: 1},{opcode: sleep, duration: 200ms}"));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_LE(result->namespaces.at("ns").present, 2);
  EXPECT_GT(target_->pods().PodsPerNode().begin()->second, 2);
}

TEST_F(RunnerTest, DeletesPodsByLabelAndRate) {
  Write("a.yaml", "{kind: Pod, metadata: {labels: {t: a}}, spec: {terminationGracePeriodSeconds: "
                  "0, containers: [{name: c, image: i}]}}");
  const std::string pods =
      "{opcode: createNodes, count: 1},{opcode: createPods, namespace: ns, count: 2},"
      "{opcode: createPods, namespace: ns, count: 4, podTemplatePath: a.yaml},";
  auto result = Run(Collected(pods + "{opcode: deletePods, namespace: ns, labelSelector: {t: a}, "
                                     "deletePodsPerSecond: 100}"));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->namespaces.at("ns").present, 2);
  Restart();
  result = Run(Collected(pods + "{opcode: deletePods, namespace: ns, labelSelector: {t: a}}"));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->namespaces.at("ns").present, 2);
}

TEST_F(RunnerTest, AnyKindIsCreatedAndUpdated) {
  Write("templates/node.yaml", "{apiVersion: v1, kind: Node, metadata: {name: 'n-{{.Index}}'}, "
                               "spec: {unschedulable: true}, status: {capacity: {pods: '5'}}}");
  Write("update.yaml", "{apiVersion: v1, kind: Node, metadata: {name: 'n-{{.Index}}'}, "
                       "status: {capacity: {pods: '{{.Count}}'}}}");
  // Found in the second place, whatever stands before "templates/".
  const auto result = Run(Collected(
      "{opcode: createAny, templatePath: ../elsewhere/templates/node.yaml, count: 2},"
      "{opcode: updateAny, templatePath: update.yaml, count: 2, updatePerSecond: 100}"));
  ASSERT_TRUE(result.ok()) << result.status();
  const auto nodes = All<api::core::Node>();
  ASSERT_EQ(nodes.size(), 2u);
  EXPECT_FALSE(nodes[1]->spec().unschedulable());
  EXPECT_EQ(nodes[1]->status().capacity().at("pods").string(), "2");
  EXPECT_THAT(ErrorOf(Collected("{opcode: createAny, namespace: ns, templatePath: update.yaml}")),
              HasSubstr("has scope \"root\""));
  Write("strange.yaml", "{apiVersion: example.com/v1, kind: Strange}");
  EXPECT_THAT(ErrorOf(Collected("{opcode: createAny, templatePath: strange.yaml}")),
              HasSubstr("example.com/v1 Strange is not known here"));
  Write("typo.yaml", "{apiVersion: v1, kind: Node, metadate: {}}");
  EXPECT_THAT(ErrorOf(Collected("{opcode: createAny, templatePath: typo.yaml}")),
              HasSubstr("unknown field \"metadate\""));
  EXPECT_THAT(ErrorOf(Collected("{opcode: createAny, templatePath: none.yaml}")),
              HasSubstr("none.yaml: cannot be read"));
}

TEST_F(RunnerTest, SteadyStateGoesOnUntilItsTimeIsUp) {
  const std::string op = "{opcode: createPods, namespace: ns, count: 5, steadyState: true, "
                         "durationParam: $d, collectMetrics: true}";
  auto result = Run("{opcode: createNodes, count: 1}," + op, ", params: {d: 200ms}");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_GT(result->measurements.at(0).pods, 5);
  EXPECT_LE(result->namespaces.at("ns").present, 5);
  Restart();
  EXPECT_EQ(ErrorOf(op, ", params: {d: 100ms}"),
            "no pod at all got scheduled, either because of a problem or because the test interval "
            "was too small");
}

TEST_F(RunnerTest, CollectionsDoNotOverlap) {
  EXPECT_THAT(ErrorOf(std::string(kStart) + kStart + kStop), HasSubstr("overlapping"));
  EXPECT_THAT(ErrorOf(kStop), HasSubstr("missing startCollectingMetrics"));
}

TEST_F(RunnerTest, ThresholdsAreCompared) {
  const std::string ops = "{opcode: createNodes, count: 1},"
                          "{opcode: createPods, namespace: ns, count: 10, collectMetrics: true}";
  auto result = Run(ops, ", threshold: 0.001");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(result->measurements.at(0).problems.empty());
  Restart(/*histograms=*/true);
  result = Run(ops, ", threshold: 0.000001, thresholdMetricSelector: {name: "
                    "scheduler_scheduling_attempt_duration_seconds, labels: {result: scheduled}, "
                    "dataBucket: Average, expectLower: true}");
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_EQ(result->measurements.at(0).problems.size(), 1u);
  EXPECT_THAT(result->measurements[0].problems[0],
              HasSubstr("ns: expected \"scheduler_scheduling_attempt_duration_seconds\" "
                        "\"Average\" to be lower: got "));
  std::set<std::string> metrics;
  for (const DataItem& item : result->measurements[0].items) {
    metrics.insert(item.labels.at("Metric"));
  }
  EXPECT_TRUE(metrics.contains("SchedulingThroughput"));
  EXPECT_TRUE(metrics.contains("SchedulingDuration"));
  EXPECT_TRUE(metrics.contains("scheduler_framework_extension_point_duration_seconds"));
}

constexpr const char* kMeasured =
    "{opcode: createNodes, count: 2},"
    "{opcode: createPods, namespace: ns, count: 3, collectMetrics: true}";

TEST_F(RunnerTest, MeasuresAsManyPodsAsAskedFor) {
  measure_pods_ = 30;
  const auto result = Run(kMeasured);
  ASSERT_TRUE(result.ok()) << result.status();
  const Measurement& measured = result->measurements.at(0);
  EXPECT_EQ(measured.pods, 30);
  ASSERT_EQ(measured.placement.size(), 10u);
  const Placement& end = measured.placement.back();
  EXPECT_EQ(end.nodes_used, 2);
  EXPECT_EQ(end.bound, 30);
  EXPECT_NEAR(end.resources.at("cpu").mean, 30 * 0.1 / 8, 1e-9);
  Restart();
  EXPECT_THAT(ErrorOf("{opcode: createNodes, count: 1}," + Collected("{opcode: barrier}")),
              HasSubstr("no createPods with collectMetrics"));
}

TEST_F(RunnerTest, OffersPodsAtARate) {
  rate_ = 100;
  auto result = Run(kMeasured);
  ASSERT_TRUE(result.ok()) << result.status();
  const Measurement& fits = result->measurements.at(0);
  ASSERT_TRUE(fits.offer);
  EXPECT_EQ(fits.offer->pods, 20);
  EXPECT_EQ(fits.pods, 20);
  EXPECT_TRUE(fits.offer->unbound.empty());
  // The last one was due 190 ms after the first.
  EXPECT_GE(fits.elapsed, absl::Milliseconds(190));
  Restart();
  // 80 fit both nodes: the others are counted with what they had waited.
  rate_ = 500;
  result = Run(kMeasured);
  ASSERT_TRUE(result.ok()) << result.status();
  const Measurement& measured = result->measurements.at(0);
  EXPECT_EQ(measured.pods, 80);
  EXPECT_EQ(measured.offer->unbound.size(), 20u);
  EXPECT_EQ(measured.latencies.size(), 100u);
  EXPECT_GE(measured.latencies.back(), absl::Milliseconds(200));
  EXPECT_EQ(measured.placement.back().unschedulable, 20);
}

TEST_F(RunnerTest, ANullSchedulerFillsNodesInTurn) {
  Restart(false, true);
  const auto result = Run(kMeasured);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->measurements.at(0).pods, 3);
  EXPECT_EQ(result->nodes_min, 1);
  EXPECT_EQ(result->nodes_max, 2);
}

}  // namespace
}  // namespace berth::bench
