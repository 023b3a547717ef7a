// What extenders change about a decision, and who waits for whom while they are asked.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "api/schema/core_v1_node.pb.h"
#include "tests/framework/engine_fixture.h"
#include "tests/framework/scripted_extender.h"

namespace berth::framework::testing {
namespace {

using Script = ScriptedExtender::Script;

class ExtenderTest : public EngineTest {
 protected:
  std::shared_ptr<Script> AddExtender(Script script) {
    scripts_.push_back(std::make_shared<Script>(std::move(script)));
    return scripts_.back();
  }
  void Start(EngineOptions options = {}) {
    engine_ = std::make_unique<Engine>(std::move(options), *executor_, world_, world_);
    Extenders extenders;
    for (const auto& script : scripts_) {
      extenders.push_back(std::make_unique<ScriptedExtender>(*executor_, script));
    }
    engine_->SetExtenders(std::move(extenders));
    const Registry registry = FakeRegistry(&script_);
    ASSERT_TRUE(engine_->AddProfile(FakeProfile({"FakeFit"}), registry).ok());
    ASSERT_TRUE(engine_->Start().ok());
  }
  std::vector<std::shared_ptr<Script>> scripts_;
};

// Keeps the nodes of these names; the others fail, or are left out.
auto Keeping(std::vector<std::string> names, std::string why = {}) {
  return [names = std::move(names), why](const std::vector<NodePtr>& nodes) {
    ExtenderFilterResult out;
    for (const NodePtr& node : nodes) {
      const std::string& name = node->metadata().name();
      if (std::find(names.begin(), names.end(), name) != names.end()) {
        out.kept.push_back(node);
      } else if (!why.empty()) {
        out.failed.emplace_back(name, why);
      }
    }
    return absl::StatusOr<ExtenderFilterResult>(std::move(out));
  };
}

TEST_F(ExtenderTest, FiltersOneAfterTheOtherTheNodesThatAreLeft) {
  for (const char* name : {"a", "b", "c"}) Put(MakeNode(name).Capacity("8", "8Gi"));
  const auto first = AddExtender({.filters = true, .filter = Keeping({"b", "c"})});
  const auto second = AddExtender({.filters = true, .filter = Keeping({"c"})});
  Start();
  Put(MakePod("web"));
  Run();
  EXPECT_EQ(NodeOf("web"), "c");
  EXPECT_EQ(first->calls, std::vector<std::string>{"filter web: a b c"});
  EXPECT_EQ(second->calls, std::vector<std::string>{"filter web: b c"});
}

TEST_F(ExtenderTest, WhatItLeavesOutIsInTheMessage) {
  for (const char* name : {"a", "b", "c"}) Put(MakeNode(name).Capacity("8", "8Gi"));
  AddExtender({.filters = true, .filter = Keeping({}, "no such luck")});
  Start();
  Put(MakePod("web"));
  Run();
  EXPECT_EQ(LastEvent(), "FailedScheduling: 0/3 nodes are available: 3 no such luck.");
}

TEST_F(ExtenderTest, AnyEventWakesAPodItRejected) {
  Put(MakeNode("a").Capacity("8", "8Gi"));
  const auto extender = AddExtender({.filters = true, .filter = Keeping({})});
  Start();
  Put(MakePod("web"));
  Run();
  EXPECT_EQ(LastEvent(), "FailedScheduling: 0/1 nodes are available:");
  extender->filter = Keeping({"a"});
  Put(MakeNode("a").Capacity("8", "8Gi").Label("any", "thing"));
  Run(absl::Seconds(5));
  EXPECT_EQ(NodeOf("web"), "a");
}

TEST_F(ExtenderTest, AFailureFailsTheAttemptUnlessItMayBeIgnored) {
  Put(MakeNode("a").Capacity("8", "8Gi"));
  const auto broken = [](const std::vector<NodePtr>&) {
    return absl::StatusOr<ExtenderFilterResult>(absl::UnknownError("extender is broken"));
  };
  const auto extender = AddExtender({.filters = true, .filter = broken});
  Start();
  Put(MakePod("web"));
  Run();
  EXPECT_EQ(LastEvent(), "FailedScheduling: extender is broken");
  EXPECT_EQ(NodeOf("web"), "");
  extender->ignorable = true;
  Run(absl::Seconds(10));  // its backoff
  EXPECT_EQ(NodeOf("web"), "a");
}

TEST_F(ExtenderTest, PrioritizersAddToThePluginsScores) {
  for (const char* name : {"a", "b"}) Put(MakeNode(name).Capacity("8", "8Gi"));
  const auto prefer = [](std::string name) {
    return [name](const std::vector<NodePtr>&) {
      return absl::StatusOr<Extender::Scores>(Extender::Scores{{name, 10}, {"unknown", 10}});
    };
  };
  AddExtender({.prioritizes = true, .weight = 1, .prioritize = prefer("a")});
  const auto heavy = AddExtender({.prioritizes = true, .weight = 2, .prioritize = prefer("b")});
  const auto none = [](const std::vector<NodePtr>&) {
    return absl::StatusOr<Extender::Scores>(absl::UnknownError("no idea"));
  };
  AddExtender({.prioritizes = true, .weight = 1000, .prioritize = none});
  Start();
  for (const char* name : {"p1", "p2", "p3"}) Put(MakePod(name));
  Run();
  for (const char* name : {"p1", "p2", "p3"}) EXPECT_EQ(NodeOf(name), "b");
  EXPECT_EQ(heavy->calls.front(), "prioritize p1: a b");
}

TEST_F(ExtenderTest, ItIsNotAskedAboutPodsItIsNotInterestedIn) {
  Put(MakeNode("a").Capacity("8", "8Gi"));
  const auto extender = AddExtender(
      {.filters = true, .interested_in = "gpu", .filter = Keeping({})});
  Start();
  Put(MakePod("web"));
  Put(MakePod("gpu"));
  Run();
  EXPECT_EQ(NodeOf("web"), "a");
  EXPECT_EQ(NodeOf("gpu"), "");
  ASSERT_FALSE(extender->calls.empty());
  for (const std::string& call : extender->calls) EXPECT_EQ(call, "filter gpu: a");
}

TEST_F(ExtenderTest, WhileOneIsAskedInTimeOthersWait) {
  for (const char* name : {"a", "b"}) Put(MakeNode(name).Capacity("1", "1Gi"));
  AddExtender({.filters = true,
               .interested_in = "gpu",
               .takes = absl::Milliseconds(50),
               .filter = Keeping({"a"})});
  Start();
  // The second would take the only node the extender gives to the first.
  Put(MakePod("gpu").Req("1").Priority(10));
  Put(MakePod("web1").Req("1"));
  Run(absl::Milliseconds(20));
  EXPECT_EQ(NodeOf("web1"), "");
  Run();
  EXPECT_EQ(NodeOf("gpu"), "a");
  EXPECT_EQ(NodeOf("web1"), "b");
}

TEST_F(ExtenderTest, ASlowOneIsOvertaken) {
  for (const char* name : {"a", "b"}) Put(MakeNode(name).Capacity("2", "1Gi"));
  const auto extender = AddExtender({.filters = true,
                                     .interested_in = "gpu",
                                     .takes = absl::Seconds(5),
                                     .filter = Keeping({"a"})});
  Start();
  Put(MakePod("gpu1").Req("2").Priority(10));
  Put(MakePod("web1").Req("1"));
  Run(absl::Milliseconds(150));
  EXPECT_NE(NodeOf("web1"), "");  // after the extender's time
  Put(MakePod("gpu2").Req("1").Priority(10));
  Put(MakePod("web2").Req("1"));
  Run(absl::Milliseconds(20));
  EXPECT_NE(NodeOf("web2"), "");  // at once: the extender is known to be slow
  Run(absl::Seconds(6));
  // The answer came for a node that is not as it was: it is looked at again.
  EXPECT_EQ(NodeOf("gpu1"), "");
  EXPECT_EQ(NodeOf("gpu2"), "a");
  extender->takes = absl::Milliseconds(1);
  RemovePod("web1");
  RemovePod("web2");
  RemovePod("gpu2");
  Run(absl::Seconds(20));
  EXPECT_EQ(NodeOf("gpu1"), "a");
}

TEST_F(ExtenderTest, ManyThatHangDoNotDelayOthers) {
  for (int i = 0; i < 10; ++i) Put(MakeNode("n" + std::to_string(i)).Capacity("8", "8Gi"));
  AddExtender({.filters = true,
               .interested_in = "gpu",
               .takes = absl::Seconds(5),
               .filter = [](const std::vector<NodePtr>&) {
                 return absl::StatusOr<ExtenderFilterResult>(
                     absl::DeadlineExceededError("no answer"));
               }});
  Start();
  for (int i = 0; i < 200; ++i) Put(MakePod("gpu" + std::to_string(i)).Priority(10));
  for (int i = 0; i < 20; ++i) Put(MakePod("web" + std::to_string(i)));
  Run(absl::Milliseconds(200));
  for (int i = 0; i < 20; ++i) EXPECT_NE(NodeOf("web" + std::to_string(i)), "") << i;
}

TEST_F(ExtenderTest, OfASlowOnesPodsSomeAreAskedAboutAndTheRestLineUp) {
  Put(MakeNode("a").Capacity("1000", "8Gi"));
  const auto extender = AddExtender({.filters = true,
                                     .interested_in = "gpu",
                                     .takes = absl::Seconds(3),
                                     .filter = Keeping({"a"})});
  Start();
  for (int i = 0; i < 50; ++i) Put(MakePod("gpu" + std::to_string(i)).Priority(10));
  Run(absl::Seconds(1));
  EXPECT_LE(extender->calls.size(), 17u);
  Run(absl::Seconds(60));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(NodeOf("gpu" + std::to_string(i)), "a") << i;
  EXPECT_EQ(engine_->SweepQueue(), 0);
}

TEST_F(ExtenderTest, ThoseThatLineUpAndGoDoNotStrandTheOthers) {
  Put(MakeNode("a").Capacity("1000", "8Gi"));
  AddExtender({.filters = true,
               .interested_in = "gpu",
               .takes = absl::Seconds(3),
               .filter = Keeping({"a"})});
  Start();
  for (int i = 0; i < 60; ++i) Put(MakePod("gpu" + std::to_string(i)).Priority(60 - i));
  Run(absl::Seconds(1));
  for (int i = 0; i < 50; ++i) RemovePod("gpu" + std::to_string(i));
  Run(absl::Minutes(1));
  for (int i = 50; i < 60; ++i) EXPECT_EQ(NodeOf("gpu" + std::to_string(i)), "a") << i;
}

// What becomes of a pod while its extender is asked.
TEST_F(ExtenderTest, APodThatGoesMeanwhileIsForgotten) {
  Put(MakeNode("a").Capacity("8", "8Gi"));
  AddExtender({.filters = true,
               .interested_in = "gpu",
               .takes = absl::Seconds(2),
               .filter = Keeping({"a"})});
  Start();
  for (const char* name : {"gpu-gone", "gpu-again", "gpu-bound", "gpu-going"}) Put(MakePod(name));
  Run(absl::Milliseconds(500));
  RemovePod("gpu-gone");
  RemovePod("gpu-again");
  Put(MakePod("gpu-again").Uid("another").Node("a"));
  Put(MakePod("gpu-bound").Node("a"));
  Put(MakePod("gpu-going").Terminating());
  Run(absl::Seconds(20));
  EXPECT_EQ(NodeOf("gpu-gone"), "(gone)");
  EXPECT_EQ(NodeOf("gpu-going"), "");
  EXPECT_EQ(engine_->counts().bound, 0);
  EXPECT_EQ(engine_->counts().assumed_pods, 0);
  EXPECT_EQ(engine_->SweepQueue(), 0);
}

// It leads no more, and then again: what was asked before is decided on what is there then.
TEST_F(ExtenderTest, AnswersThatComeWhileItIsNotActiveWait) {
  Put(MakeNode("a").Capacity("1", "8Gi"));
  AddExtender({.filters = true, .takes = absl::Milliseconds(50), .filter = Keeping({"a"})});
  Start();
  Put(MakePod("gpu").Req("1"));
  Run(absl::Milliseconds(10));
  engine_->SetActive(false);
  Run(absl::Seconds(1));
  EXPECT_EQ(NodeOf("gpu"), "");
  Put(MakePod("other").Req("1").Node("a"));
  engine_->SetActive(true);
  Run(absl::Seconds(1));
  EXPECT_EQ(NodeOf("gpu"), "");
  RemovePod("other");
  Run(absl::Seconds(10));
  EXPECT_EQ(NodeOf("gpu"), "a");
}

TEST_F(ExtenderTest, ABinderBindsInsteadOfThePlugins) {
  Put(MakeNode("a").Capacity("8", "8Gi"));
  int by_plugins = 0;
  world_.on_bind = [&](const api::core::Pod&, std::string_view) {
    ++by_plugins;
    return absl::OkStatus();
  };
  std::vector<std::string> bound;
  const auto binder = AddExtender({.binds = true, .interested_in = "gpu"});
  binder->bind = [&](const PodInfo& pod, std::string_view node) {
    bound.push_back(pod.name + " " + std::string(node));
    return absl::OkStatus();
  };
  Start();
  Put(MakePod("gpu"));
  Put(MakePod("web"));
  Run();
  EXPECT_EQ(bound, std::vector<std::string>{"gpu a"});
  EXPECT_EQ(by_plugins, 1);
  EXPECT_EQ(engine_->counts().bound, 2);
}

TEST_F(ExtenderTest, ABinderThatFailsFailsTheBindingUnlessItMayBeIgnored) {
  Put(MakeNode("a").Capacity("8", "8Gi"));
  const auto binder = AddExtender({.binds = true});
  binder->bind = [](const PodInfo&, std::string_view) {
    return absl::UnknownError("cannot bind");
  };
  Start();
  Put(MakePod("web"));
  Run();
  EXPECT_EQ(LastEvent(), "FailedScheduling: cannot bind");
  binder->ignorable = true;
  Run(absl::Seconds(10));
  EXPECT_EQ(NodeOf("web"), "a");
}

// What the extender describes is scored, empty: its labels and its size.
TEST_F(ExtenderTest, NodesOfItsOwnMakingAreScoredAsItDescribesThem) {
  Put(MakeNode("a").Capacity("4", "8Gi"));
  Put(MakeNode("b").Capacity("4", "8Gi"));
  Put(MakePod("on-b").Req("3").Node("b"));
  AddExtender({.filters = true, .interested_in = "web", .filter = [](const auto& nodes) {
                 ExtenderFilterResult out;
                 out.kept_are_its_own = true;
                 for (const NodePtr& node : nodes) {
                   auto mine = std::make_shared<api::core::Node>(*node);
                   const bool is_b = node->metadata().name() == "b";
                   (*mine->mutable_status()->mutable_allocatable())["cpu"].set_string(
                       is_b ? "100" : "4");
                   out.kept.push_back(std::move(mine));
                 }
                 return absl::StatusOr<ExtenderFilterResult>(std::move(out));
               }});
  Start();
  Put(MakePod("web").Req("1"));
  Run();
  EXPECT_EQ(NodeOf("web"), "b");
}

TEST_F(ExtenderTest, EndsWhileOneIsAsked) {
  Put(MakeNode("a").Capacity("8", "8Gi"));
  AddExtender({.filters = true, .takes = absl::Seconds(1), .filter = Keeping({"a"})});
  Start();
  Put(MakePod("web"));
  Run(absl::Milliseconds(10));
  engine_->Stop();
  loop_.RunUntil(loop_.clock().Now() + absl::Seconds(5));
  EXPECT_EQ(NodeOf("web"), "");
  engine_.reset();
}

}  // namespace
}  // namespace berth::framework::testing
