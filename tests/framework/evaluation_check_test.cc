// Plugins of others: what says nothing of itself is slow but right; what lies is found out, by the
// debug check, and named.
#include "framework/cycle/evaluation_check.h"

#include <string>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/framework/engine_fixture.h"
#include "tests/framework/engine_peer.h"

namespace berth::framework::testing {
namespace {

constexpr NodeFields kLabelsOnly = kNodeLabels;

class EvaluationCheckTest : public EngineTest {
 protected:
  // Scripted's Filter takes nodes with fewer than two pods, whatever it says of itself.
  void StartWithCrowdRule(double share) {
    script_.filter = [this](const PodInfo&, const NodeInfo& node) {
      ++calls_;
      return node.pods().size() < 2 ? Success() : Unschedulable("crowded");
    };
    EngineOptions options;
    options.verify_evaluations = share;
    StartEngine(FakeProfile({"Scripted", "FakeRank"}), options);
    for (const char* name : {"n1", "n2", "n3"}) {
      Put(MakeNode(name).Capacity("9", "9Gi").Label("rank", name == std::string("n1") ? "2" : "1"));
    }
  }
  void SaysNodeLabelsOnly() {
    script_.depends = Dependencies{.filter = Scope::kNode, .score = Scope::kNode,
                                   .node_fields = kLabelsOnly, .domains = {}, .objects = {}};
  }
  std::string Last() {
    return EngineTestPeer::Core(*engine_).unit_order.front()->evaluations->check().last();
  }
  int64_t calls_ = 0;
};

TEST_F(EvaluationCheckTest, WhoSaysNothingIsAskedEachTimeAndIsRight) {
  StartWithCrowdRule(0);
  for (int i = 0; i < 6; ++i) {
    const int64_t before = calls_;
    Put(MakePod(fmt::format("p{}", i)));
    Run();
    EXPECT_GE(calls_ - before, 3) << "every node";
    EXPECT_NE(NodeOf(fmt::format("p{}", i)), "") << i;
  }
  Put(MakePod("q"));
  Run();
  EXPECT_EQ(NodeOf("q"), "");
  EXPECT_NE(LastEvent().find("0/3 nodes are available: 3 crowded."), std::string::npos)
      << LastEvent();
  EXPECT_EQ(engine_->counts().decisions_reused, 0);
}

TEST_F(EvaluationCheckTest, WhoLiesAboutNodesIsNamedWithNodeAndPod) {
  SaysNodeLabelsOnly();
  StartWithCrowdRule(1);
  for (const char* name : {"p", "q", "r"}) {
    Put(MakePod(name));
    Run();
  }
  EXPECT_EQ(NodeOf("p"), "n1");
  EXPECT_EQ(NodeOf("q"), "n1");
  EXPECT_EQ(NodeOf("r"), "n2") << "decided plainly, with what was kept dropped";
  EXPECT_EQ(engine_->counts().evaluations_wrong, 1);
  EXPECT_EQ(Last(),
            "plugin=Scripted node=n1 pod=default/r kept=\"Success\" "
            "asked=\"Unschedulable: crowded\": DependsOn, Abstains, Classify, Sign or "
            "SignsTemplates of the plugin says less than its results depend on");
}

// A kept rejection that is none any more would leave the pod waiting, when nobody checks.
TEST_F(EvaluationCheckTest, ALieCostsADecisionWhereNobodyChecks) {
  for (const double share : {0.0, 1.0}) {
    SaysNodeLabelsOnly();
    StartWithCrowdRule(share);
    for (int i = 0; i < 6; ++i) {
      Put(MakePod(fmt::format("on{}", i)).Node(fmt::format("n{}", 1 + i % 3)));
    }
    Put(MakePod("first"));
    Run();
    EXPECT_EQ(NodeOf("first"), "");
    RemovePod("on4");
    Put(MakePod("second"));
    Run();
    EXPECT_EQ(NodeOf("second"), share == 0 ? "" : "n2");
    EXPECT_EQ(engine_->counts().evaluations_wrong, share == 0 ? 0 : 1);
    engine_.reset();
    for (const char* name : {"first", "second", "on0", "on1", "on2", "on3", "on5"}) {
      RemovePod(name);
    }
  }
}

TEST_F(EvaluationCheckTest, WhoLiesAboutPodsIsNamed) {
  SaysNodeLabelsOnly();  // and signs nothing
  script_.filter = [](const PodInfo& pod, const NodeInfo& node) {
    return pod.priority > 0 || node.name() != "n1" || pod.name != "picky" ? Success()
                                                                          : Unschedulable("no");
  };
  EngineOptions options;
  options.verify_evaluations = 1;
  StartEngine(FakeProfile({"Scripted", "FakeRank"}), options);
  for (const char* name : {"n1", "n2"}) Put(MakeNode(name).Capacity("9", "9Gi"));
  Put(MakePod("easy"));
  Run();
  Put(MakePod("picky"));
  Run();
  EXPECT_EQ(NodeOf("picky"), "n2");
  EXPECT_EQ(engine_->counts().evaluations_wrong, 1);
  EXPECT_TRUE(Last().starts_with("plugin=Scripted node=n1 pod=default/picky kept=\"Success\" "
                                 "asked=\"Unschedulable: no\""))
      << Last();
}

// What is signed once for a template is the same for all of it, or a lie.
TEST_F(EvaluationCheckTest, WhoLiesAboutTemplatesIsNamed) {
  for (const bool lies : {false, true}) {
    SaysNodeLabelsOnly();
    script_.sign_by = [](const PodInfo& pod) { return pod.name; };
    script_.signs_templates = lies;
    script_.filter = [](const PodInfo& pod, const NodeInfo& node) {
      return node.name() != "n1" || pod.name != "picky" ? Success() : Unschedulable("no");
    };
    EngineOptions options;
    options.verify_evaluations = 1;
    StartEngine(FakeProfile({"Scripted", "FakeRank"}), options);
    for (const char* name : {"n1", "n2"}) Put(MakeNode(name).Capacity("9", "9Gi"));
    for (const char* name : {"easy", "picky"}) {
      Put(MakePod(name));
      Run();
    }
    EXPECT_EQ(NodeOf("picky"), "n2");
    EXPECT_EQ(engine_->counts().evaluations_wrong, lies ? 1 : 0);
    if (lies) {
      EXPECT_TRUE(Last().starts_with("plugin=Scripted node=n1 pod=default/picky ")) << Last();
    }
    engine_.reset();
    for (const char* name : {"easy", "picky"}) RemovePod(name);
  }
}

TEST_F(EvaluationCheckTest, WhoseClassesLieAboutVerdictsIsNamed) {
  SaysNodeLabelsOnly();
  script_.classify = [] { return std::make_unique<FakeOneClass>(); };
  StartWithCrowdRule(1);
  for (const char* name : {"p", "q", "r"}) {
    Put(MakePod(name));
    Run();
  }
  EXPECT_EQ(NodeOf("r"), "n2") << "decided plainly";
  EXPECT_EQ(engine_->counts().evaluations_wrong, 1);
  EXPECT_TRUE(Last().starts_with("plugin=Scripted node=n1 pod=default/r kept=\"feasible\" "
                                 "asked=\"Unschedulable: crowded\""))
      << Last();
}

TEST_F(EvaluationCheckTest, WhoseClassesLieAboutScoresIsNamed) {
  EngineOptions options;
  options.verify_evaluations = 1;
  StartEngine(FakeProfile({"FakeFit", "FakeFalseClasses"}), options);
  Put(MakeNode("n1").Capacity("9", "9Gi"));
  Put(MakeNode("n2").Capacity("9", "9Gi").Label("rank", "7"));
  Put(MakePod("p"));
  Run();
  EXPECT_EQ(NodeOf("p"), "n2") << "decided plainly";
  EXPECT_EQ(engine_->counts().evaluations_wrong, 1);
  EXPECT_TRUE(Last().starts_with("plugin=FakeFalseClasses node=n2 pod=default/p kept=\"total "))
      << Last();
}

TEST_F(EvaluationCheckTest, AShareIsChecked) {
  EngineOptions options;
  options.verify_evaluations = 0.1;
  StartEngine(FakeProfile({"FakeFit"}), options);
  for (int i = 0; i < 10; ++i) Put(MakeNode(fmt::format("n{}", i)).Capacity("200", "90Gi"));
  for (int i = 0; i < 1000; ++i) Put(MakePod(fmt::format("p{}", i)).Req("1m"));
  Run(absl::Seconds(1));
  const EngineCounts counts = engine_->counts();
  EXPECT_EQ(counts.bound, 1000);
  EXPECT_GT(counts.evaluations_checked, 60);
  EXPECT_LT(counts.evaluations_checked, 140);
  EXPECT_EQ(counts.evaluations_wrong, 0);
}

// Sooner or later a sample meets it.
TEST_F(EvaluationCheckTest, AShareFindsALiar) {
  SaysNodeLabelsOnly();
  StartWithCrowdRule(0.05);
  for (int i = 0; i < 400; ++i) {
    const std::string name = fmt::format("p{}", i);
    Put(MakePod(name));
    Run(absl::Milliseconds(1));
    RemovePod(fmt::format("p{}", i - 4));
  }
  EXPECT_GT(engine_->counts().evaluations_wrong, 0);
  EXPECT_LT(engine_->counts().evaluations_checked, 60);
  EXPECT_TRUE(Last().starts_with("plugin=Scripted node=n")) << Last();
}

}  // namespace
}  // namespace berth::framework::testing
