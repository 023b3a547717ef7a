// What is counted and timed of plugins and points, seen from a metrics' side.
#include "framework/profile/plugin_metrics.h"


#include "tests/framework/engine_fixture.h"
#include "tests/framework/metric_recorder.h"

namespace berth::framework::testing {
namespace {

class PluginMetricsTest : public EngineTest {
 protected:
  PluginMetricsTest() { metrics_ = &recorder_; }
  ~PluginMetricsTest() override { engine_.reset(); }  // before what it tells
  void Nodes(int count) {
    for (int i = 0; i < count; ++i) Put(MakeNode(fmt::format("n{}", i)).Capacity("64", "64Gi"));
  }
  MetricRecorder recorder_;
};

EngineOptions Plain() {
  EngineOptions options;
  options.evaluation_cache_bytes = 0;
  return options;
}

TEST_F(PluginMetricsTest, EveryPointOfAPodThatIsPlacedOnce) {
  script_.pre_bind = [](const PodInfo&) { return Success(); };
  StartEngine(FakeProfile({"FakeFit", "FakeRareZone", "Scripted"}), Plain());
  Nodes(3);
  Put(MakePod("p").Req("1"));
  Run();
  EXPECT_EQ(NodeOf("p").substr(0, 1), "n");
  const std::map<std::string, int64_t> want = {
      {"PreEnqueue Success", 1}, {"Sign Unschedulable", 1}, {"PreFilter Success", 1},
      {"Filter Success", 1},     {"PreScore Success", 1},   {"Score Success", 1},
      {"Reserve Success", 1},    {"Permit Success", 1},     {"PreBindPreFlight Success", 1},
      {"PreBind Success", 1},    {"Bind Success", 1},       {"PostBind Success", 1}};
  EXPECT_EQ(recorder_.points, want);
  EXPECT_EQ(recorder_.Evaluations("Scripted PreFilter"), 1);
  EXPECT_EQ(recorder_.Evaluations("FakeFit Filter"), 3);
  EXPECT_EQ(recorder_.Evaluations("Scripted Filter"), 3);
  EXPECT_EQ(recorder_.Evaluations("FakeRareZone PreScore"), 1);
  EXPECT_EQ(recorder_.Evaluations("FakeFit Score"), 3);
  EXPECT_EQ(recorder_.Evaluations("FakeRareZone Score"), 3);
}

TEST_F(PluginMetricsTest, PointsWithoutPluginsArePassedToo) {
  StartEngine(FakeProfile({"FakeFit"}), Plain());
  Nodes(2);
  Put(MakePod("p").Req("1"));
  Run();
  for (const char* point : {"Reserve", "Permit", "PreBind", "Bind", "PostBind"}) {
    EXPECT_EQ(recorder_.Points(std::string(point) + " Success"), 1) << point;
  }
  EXPECT_EQ(recorder_.Points("PreBindPreFlight Skip"), 1);
  EXPECT_EQ(recorder_.Points("Sign Success"), 1);
}

TEST_F(PluginMetricsTest, WhatSkipsIsNotAnEvaluation) {
  script_.pre_filter = [](const PodInfo&) { return PreFilterResult{Skip(), {}}; };
  StartEngine(FakeProfile({"FakeFit", "Scripted"}), Plain());
  Nodes(2);
  Put(MakePod("p").Req("1"));
  Run();
  EXPECT_EQ(recorder_.Evaluations("Scripted PreFilter"), 0);
  EXPECT_EQ(recorder_.Evaluations("Scripted Filter"), 0);
  EXPECT_EQ(recorder_.Evaluations("FakeFit Filter"), 2);
}

TEST_F(PluginMetricsTest, TheFirstRejectionEndsANodesEvaluations) {
  StartEngine(FakeProfile({"FakeFit", "Scripted"}), Plain());
  Put(MakeNode("small").Capacity("1", "1Gi"));
  Put(MakeNode("large").Capacity("8", "8Gi"));
  Put(MakePod("p").Req("4"));
  Run();
  EXPECT_EQ(recorder_.Evaluations("FakeFit Filter"), 2);
  EXPECT_EQ(recorder_.Evaluations("Scripted Filter"), 1);
  EXPECT_EQ(recorder_.Evaluations("FakeFit Score"), 0) << "with one node left nothing is scored";
  EXPECT_EQ(recorder_.Points("Filter Success"), 1);
  EXPECT_EQ(recorder_.Points("Score Success"), 0);
}

TEST_F(PluginMetricsTest, FailuresHaveTheirCode) {
  script_.filter = [](const PodInfo&, const NodeInfo&) { return Error("broken"); };
  StartEngine(FakeProfile({"FakeFit", "Scripted"}), Plain());
  Nodes(2);
  Put(MakePod("p").Req("1"));
  Run(absl::Milliseconds(10));
  EXPECT_EQ(recorder_.Points("Filter Error"), 1);
  script_.filter = nullptr;
  script_.pre_enqueue = [](const PodInfo&) { return Unresolvable("not yet"); };
  Put(MakePod("gated").Req("1"));
  Run(absl::Milliseconds(10));
  EXPECT_EQ(recorder_.Points("PreEnqueue UnschedulableAndUnresolvable"), 1);
  script_.pre_enqueue = nullptr;
  script_.reserve = [](const PodInfo&) { return Unschedulable("no"); };
  Put(MakePod("q").Req("1"));
  Run(absl::Milliseconds(10));
  EXPECT_EQ(recorder_.Points("Reserve Unschedulable"), 1);
  EXPECT_EQ(recorder_.Points("Unreserve Success"), 1);
}

// Two equal pods: the second's decision looks at the node that changed, and once more at the one
// that it takes.
TEST_F(PluginMetricsTest, WhatIsSharedIsCountedAsReused) {
  StartEngine(FakeProfile({"FakeFit"}));
  Nodes(10);
  Put(MakePod("p").Req("1"));
  Run();
  EXPECT_EQ(recorder_.Evaluations("FakeFit Filter"), 10 + 1);
  EXPECT_EQ(recorder_.Evaluations("FakeFit Score"), 10);
  EXPECT_EQ(recorder_.reused["Filter"].value(), 0);
  EXPECT_EQ(recorder_.reused["Score"].value(), 0);
  Put(MakePod("q").Req("1"));
  Run();
  EXPECT_EQ(recorder_.Evaluations("FakeFit Filter"), 11 + 1 + 1);
  EXPECT_EQ(recorder_.Evaluations("FakeFit Score"), 10 + 1);
  EXPECT_EQ(recorder_.reused["Filter"].value(), 9);
  EXPECT_EQ(recorder_.reused["Score"].value(), 9);
  EXPECT_EQ(recorder_.Points("Filter Success"), 2) << "once a decision, shared or not";
  EXPECT_EQ(recorder_.Points("Score Success"), 2);
}

// Counted are the calls that were made, however much is shared between them; with what was reused
// that is what a decision without sharing would have asked.
TEST_F(PluginMetricsTest, UnderReuseTheCallsThatWereMadeAreCounted) {
  int64_t calls = 0;
  script_.filter = [&](const PodInfo&, const NodeInfo& node) {
    ++calls;
    return node.pods().size() < 4 ? Success() : Unschedulable("crowded");
  };
  script_.depends = Dependencies{.filter = Scope::kNode, .score = Scope::kNode,
                                 .node_fields = kNodePods, .domains = {}, .objects = {}};
  StartEngine(FakeProfile({"Scripted", "FakeFit"}));
  Nodes(20);
  constexpr int kPods = 60;
  for (int i = 0; i < kPods; ++i) {
    Put(MakePod(fmt::format("p{}", i)).Req(i % 2 == 0 ? "1" : "500m"));
    Run(absl::Milliseconds(10));
    if (i % 7 == 0) Put(MakeNode(fmt::format("n{}", i % 20)).Capacity("32", "32Gi").Revision(i));
  }
  EXPECT_EQ(engine_->counts().bound, kPods);
  EXPECT_GT(engine_->counts().decisions_reused, kPods - 5);
  EXPECT_EQ(recorder_.Evaluations("Scripted Filter"), calls);
  const int64_t chosen = kPods;  // each is filtered once more for the pod that gets it
  EXPECT_EQ(calls - chosen + recorder_.reused["Filter"].value(), 20 * kPods);
}

TEST_F(PluginMetricsTest, OneAttemptInTenIsTimedAndNotMoreThanAThousandCallsASecond) {
  StartEngine(FakeProfile({"FakeFit"}), Plain());
  Nodes(10);
  for (int i = 0; i < 300; ++i) Put(MakePod(fmt::format("p{}", i)).Req("1"));
  Run(absl::Milliseconds(100));
  const int64_t calls = recorder_.Evaluations("FakeFit Filter");
  EXPECT_EQ(calls, 3000);
  const int64_t timed = recorder_.executions["FakeFit Filter"];
  EXPECT_GT(timed, calls / 25);
  EXPECT_LT(timed, calls / 4);
  EXPECT_EQ(recorder_.executions["FakeBinder Bind"], timed / 10) << "of the same attempts";
  EXPECT_EQ(recorder_.executions["FakeFit Sign"], 30);
  for (int i = 0; i < 3000; ++i) Put(MakePod(fmt::format("q{}", i)).Req("1m"));
  recorder_.executions.clear();
  Run(absl::Milliseconds(100));
  int64_t of_cycles = 0;
  for (const auto& [call, count] : recorder_.executions) {
    if (!call.ends_with("Sign") && !call.ends_with("PreEnqueue")) of_cycles += count;
  }
  EXPECT_LE(of_cycles, PluginTimes::kSamplesPerSecond);
  EXPECT_GT(of_cycles, PluginTimes::kSamplesPerSecond / 4) << "the rest of this second's";
}

TEST_F(PluginMetricsTest, WaitingOnPermit) {
  script_.permit = [](const PodInfo&) { return PermitResult{Wait(""), absl::Seconds(2)}; };
  StartEngine(FakeProfile({"FakeFit", "Scripted"}), Plain());
  Nodes(1);
  Put(MakePod("p").Req("1"));
  Run(absl::Milliseconds(500));
  EXPECT_EQ(recorder_.Points("Permit Wait"), 1);
  Run(absl::Seconds(2));
  EXPECT_EQ(recorder_.permit_waits["Unschedulable"], absl::Seconds(2));
}

TEST_F(PluginMetricsTest, HandledEvents) {
  StartEngine(FakeProfile({"FakeFit"}), Plain());
  Nodes(1);
  Put(MakePod("p").Req("1"));
  Run();
  RemovePod("p");
  Put(MakePod("big").Req("100"));
  Run();
  Put(MakePod("big").Req("100").Label("a", "b"));
  Run();
  RemovePod("big");
  RemoveNode("n0");
  Run();
  const std::map<std::string, int64_t> want = {
      {"NodeAdd", 1},           {"NodeDelete", 1},          {"AssignedPodAdd", 1},
      {"AssignedPodDelete", 1}, {"UnschedulablePodAdd", 2}, {"UnschedulablePodUpdate", 1},
      {"UnschedulablePodDelete", 2}};
  EXPECT_EQ(recorder_.handled, want);
}

}  // namespace
}  // namespace berth::framework::testing
