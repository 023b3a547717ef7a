// What plugins may rely on: completions that take their time, and which results are kept.
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/framework/engine_fixture.h"

namespace berth::framework::testing {
namespace {

using PluginContractTest = EngineTest;

TEST_F(PluginContractTest, NothingIsScheduledWhilePostFilterIsAtWork) {
  script_.filter = [](const PodInfo& pod, const NodeInfo&) {
    return pod.name == "p" ? Unschedulable("full") : Success();
  };
  script_.hold_post_filter = true;
  StartEngine(FakeProfile({"Scripted"}));
  Put(MakeNode("n1").Capacity("1", "1Gi"));
  Put(MakePod("p"));
  Run();
  ASSERT_EQ(script_.held_post_filters.size(), 1u);
  Put(MakePod("q"));
  Run();
  EXPECT_EQ(NodeOf("q"), "");
  EXPECT_TRUE(patches_.empty());
  script_.held_post_filters[0](
      {Success(), NominatingInfo{NominatingInfo::Mode::kOverride, "n1"}});
  Run();
  EXPECT_EQ(NodeOf("q"), "n1");
  ASSERT_EQ(patches_.size(), 1u);
  EXPECT_NE(patches_[0].find(R"("nominatedNodeName":"n1")"), std::string::npos) << patches_[0];
}

TEST_F(PluginContractTest, AnEngineMayEndWhilePostFilterIsAtWork) {
  script_.filter = [](const PodInfo&, const NodeInfo&) { return Unschedulable("full"); };
  script_.hold_post_filter = true;
  StartEngine(FakeProfile({"Scripted"}));
  Put(MakeNode("n1").Capacity("1", "1Gi"));
  Put(MakePod("p"));
  Run();
  ASSERT_EQ(script_.held_post_filters.size(), 1u);
  engine_.reset();
  script_.held_post_filters[0]({Success(), std::nullopt});
  EXPECT_TRUE(patches_.empty());
}

TEST_F(PluginContractTest, AFailedPreBindCancelsTheOthersAndIsToldOnce) {
  EngineOptions options;
  options.nominated_node_name_for_expectation = true;  // asks for the pre-flight
  StartEngine(FakeProfile({"ParallelA", "ParallelB", "ParallelC", "Scripted"}), options);
  Put(MakeNode("n1").Capacity("1", "1Gi"));
  Put(MakePod("p"));
  Run();
  ASSERT_EQ(script_.parallel.held.size(), 3u);
  std::exchange(script_.parallel.held["ParallelC"], nullptr)(Success());
  std::exchange(script_.parallel.held["ParallelB"], nullptr)(Error("broken"));
  Run(absl::Milliseconds(1));
  EXPECT_EQ(script_.parallel.cancelled, std::vector<std::string>{"ParallelA"});
  EXPECT_EQ(NodeOf("p"), "");
  EXPECT_EQ(events_, std::vector<std::string>{
                         "FailedScheduling: running PreBind plugin \"ParallelB\": broken"});
  EXPECT_EQ(script_.calls, (std::vector<std::string>{"Reserve p", "Unreserve p"}));
}

// Who registers for no event of what it reads would never hear that a kept result is wrong.
TEST_F(PluginContractTest, ResultsThatReadUnwatchedObjectsAreNotKept) {
  for (const bool watched : {false, true}) {
    script_.depends = Dependencies{.filter = Scope::kNode, .score = Scope::kNode,
                                   .node_fields = kNodeLabels, .domains = {},
                                   .objects = {"ConfigMap"}};
    script_.events.clear();
    if (watched) script_.events.push_back({{"ConfigMap", kAdd, {}}, nullptr});
    StartEngine(FakeProfile({"Scripted", "FakeRank"}));
    for (const char* name : {"n1", "n2", "n3"}) Put(MakeNode(name).Capacity("1", "1Gi"));
    for (const char* name : {"p", "q", "r"}) {
      Put(MakePod(name));
      Run();
      EXPECT_NE(NodeOf(name), "");
      RemovePod(name);
    }
    EXPECT_EQ(engine_->counts().decisions_reused, watched ? 2 : 0);
    engine_.reset();
  }
}

// Also where its results are kept: it may feed Reserve, and a surprise is noticed.
TEST_F(PluginContractTest, FilterIsCalledForTheChosenNodeOfEachPod) {
  int own_calls = 0;  // the pod that stands for its signature has no uid
  script_.filter = [&](const PodInfo& pod, const NodeInfo&) {
    own_calls += pod.uid.empty() ? 0 : 1;
    return Success();
  };
  script_.depends = Dependencies{.filter = Scope::kNode, .score = Scope::kNode,
                                 .node_fields = kNodeLabels, .domains = {}, .objects = {},
                                 .filter_feeds_reserve = true};
  StartEngine(FakeProfile({"Scripted", "FakeRank"}));
  for (const char* name : {"n1", "n2", "n3"}) Put(MakeNode(name).Capacity("1", "1Gi"));
  for (const char* name : {"p", "q"}) {
    Put(MakePod(name));
    Run();
    RemovePod(name);
  }
  EXPECT_EQ(own_calls, 2);
  EXPECT_EQ(engine_->counts().decisions_reused, 1);
}

}  // namespace
}  // namespace berth::framework::testing
