#include "framework/cycle/scheduler_engine.h"

#include <set>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/schema/meta_v1_status.pb.h"
#include "tests/framework/engine_fixture.h"

namespace berth::framework::testing {
namespace {

TEST_F(EngineTest, PlacesAPodAndSaysSo) {
  StartEngine(FakeProfile({"FakeFit"}));
  Put(MakeNode("n1").Capacity("4", "8Gi"));
  Put(MakePod("p").Req("1", "1Gi"));
  Run();
  EXPECT_EQ(NodeOf("p"), "n1");
  EXPECT_EQ(events_, std::vector<std::string>{
                         "Scheduled: Successfully assigned default/p to n1"});
  EXPECT_TRUE(patches_.empty());
  EXPECT_EQ(engine_->counts().bound, 1);
  EXPECT_EQ(engine_->counts().bindings_in_flight, 0);
}

TEST_F(EngineTest, PicksUpWhatWasThereBefore) {
  Put(MakeNode("n1").Capacity("1", "8Gi"));
  Put(MakePod("old").Req("1").Node("n1"));
  Put(MakePod("p").Req("1"));
  StartEngine(FakeProfile({"FakeFit"}));
  Run();
  EXPECT_EQ(NodeOf("p"), "");
  EXPECT_EQ(LastEvent(), "FailedScheduling: 0/1 nodes are available: 1 does not fit.");
}

TEST_F(EngineTest, NoNodes) {
  StartEngine(FakeProfile({"FakeFit"}));
  Put(MakePod("p"));
  Run();
  EXPECT_EQ(LastEvent(), "FailedScheduling: no nodes available to schedule pods");
  // Nobody rejected it, so it is tried again by itself, ever less often.
  Put(MakeNode("n1").Capacity("4", "8Gi"));
  Run(absl::Seconds(3));
  EXPECT_EQ(NodeOf("p"), "n1");
}

TEST_F(EngineTest, AFailureIsAnEventAndACondition) {
  StartEngine(FakeProfile({"FakeFit"}));
  Put(MakeNode("n1").Capacity("1", "1Gi"));
  Put(MakePod("p").Req("2"));
  Run();
  ASSERT_EQ(patches_.size(), 1u);
  EXPECT_EQ(patches_[0],
            R"({"metadata":{"uid":"p"},"status":{"conditions":[{"lastProbeTime":null,)"
            R"("lastTransitionTime":"2023-11-14T22:13:20Z",)"
            R"("message":"0/1 nodes are available: 1 does not fit.",)"
            R"("reason":"Unschedulable","status":"False","type":"PodScheduled"}]}})");
  Run(absl::Minutes(1));
  EXPECT_EQ(events_.size(), 1u) << "nothing happened, so nothing was tried";
}

TEST_F(EngineTest, AConditionThatNobodyAnsweredIsSentAgainUntilItIsOutdated) {
  StartEngine(FakeProfile({"FakeFit"}));
  Put(MakeNode("n1").Capacity("1", "1Gi"));
  patch_answer_ = absl::DeadlineExceededError("lost");
  Put(MakePod("p").Req("2"));
  Put(MakePod("gone").Req("2"));
  Run();
  ASSERT_EQ(patches_.size(), 2u);
  RemovePod("gone");
  Run(absl::Seconds(2));
  ASSERT_EQ(patches_.size(), 3u) << "of the pod that is still there";
  EXPECT_EQ(patches_[2], patches_[0]);
  patch_answer_ = absl::OkStatus();
  Run(absl::Minutes(2));
  EXPECT_EQ(patches_.size(), 4u) << "answered: not again";
  EXPECT_EQ(events_.size(), 2u);
}

TEST_F(EngineTest, ARefusedConditionIsNotSentAgain) {
  StartEngine(FakeProfile({"FakeFit"}));
  Put(MakeNode("n1").Capacity("1", "1Gi"));
  patch_answer_ = api::NotFound(api::ResourceOf<api::core::Pod>(), "p");
  Put(MakePod("p").Req("2"));
  Run(absl::Minutes(2));
  EXPECT_EQ(patches_.size(), 1u);
}

TEST_F(EngineTest, AnotherAttemptSpeaksForItself) {
  StartEngine(FakeProfile({"FakeFit"}));
  Put(MakeNode("n1").Capacity("1", "1Gi"));
  patch_answer_ = absl::UnavailableError("lost");
  Put(MakePod("p").Req("2"));
  Run();
  Put(MakeNode("n2").Capacity("4", "1Gi"));
  Run(absl::Minutes(2));
  EXPECT_EQ(NodeOf("p"), "n2");
  EXPECT_LE(patches_.size(), 2u) << "a bound pod is told nothing more";
}

TEST_F(EngineTest, ALargerNodeWakesThePod) {
  StartEngine(FakeProfile({"FakeFit"}));
  Put(MakeNode("n1").Capacity("1", "1Gi"));
  Put(MakePod("p").Req("2"));
  Run();
  EXPECT_EQ(NodeOf("p"), "");
  Put(MakeNode("n2").Capacity("4", "1Gi"));
  Run(absl::Seconds(3));
  EXPECT_EQ(NodeOf("p"), "n2");
}

TEST_F(EngineTest, APodThatGoesMakesRoom) {
  StartEngine(FakeProfile({"FakeFit"}));
  Put(MakeNode("n1").Capacity("1", "1Gi"));
  Put(MakePod("a").Req("1"));
  Run();
  Put(MakePod("b").Req("1"));
  Run();
  EXPECT_EQ(NodeOf("b"), "");
  RemovePod("a");
  Run(absl::Seconds(3));
  EXPECT_EQ(NodeOf("b"), "n1");
}

TEST_F(EngineTest, FinishedPodsTakeNoRoom) {
  StartEngine(FakeProfile({"FakeFit"}));
  Put(MakeNode("n1").Capacity("1", "1Gi"));
  Put(MakePod("a").Req("1").Node("n1").Revision(1));
  Run();
  Put(MakePod("a").Req("1").Node("n1").Phase("Succeeded").Revision(2));
  Put(MakePod("b").Req("1"));
  Run();
  EXPECT_EQ(NodeOf("b"), "n1");
}

TEST_F(EngineTest, OtherSchedulersPodsAreLoadOnly) {
  StartEngine(FakeProfile({"FakeFit"}));
  Put(MakeNode("n1").Capacity("2", "1Gi"));
  Put(MakePod("other").Scheduler("somebody-else").Req("1"));
  Run();
  EXPECT_EQ(NodeOf("other"), "");
  EXPECT_TRUE(events_.empty());
  Put(MakePod("other").Scheduler("somebody-else").Req("1").Node("n1").Revision(2));
  Put(MakePod("big").Req("2"));
  Put(MakePod("small").Req("1"));
  Run();
  EXPECT_EQ(NodeOf("big"), "");
  EXPECT_EQ(NodeOf("small"), "n1");
}

TEST_F(EngineTest, ProfilesTakeTheirOwnPods) {
  StartEngine({FakeProfile({"FakeFit"}, "one"), FakeProfile({"FakeFit", "FakeRank"}, "two")});
  Put(MakeNode("n1").Capacity("8", "8Gi").Label("rank", "1"));
  Put(MakeNode("n2").Capacity("8", "8Gi").Label("rank", "9"));
  for (int i = 0; i < 3; ++i) {
    Put(MakePod("a" + std::to_string(i)).Scheduler("one").Req("100m"));
    Put(MakePod("b" + std::to_string(i)).Scheduler("two").Req("100m"));
  }
  Run();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(NodeOf("b" + std::to_string(i)), "n2");
  EXPECT_EQ(engine_->counts().bound, 6);
}

TEST_F(EngineTest, EqualNodesFillRoundRobin) {
  StartEngine(FakeProfile({"FakeFit"}));
  for (int i = 0; i < 4; ++i) Put(MakeNode("n" + std::to_string(i)).Capacity("8", "8Gi"));
  for (int i = 0; i < 8; ++i) {
    Put(MakePod("p" + std::to_string(i)).Req("100m"));
    Run();
    EXPECT_EQ(NodeOf("p" + std::to_string(i)), "n" + std::to_string(i % 4)) << i;
  }
}

TEST_F(EngineTest, SchedulesByPriority) {
  Put(MakeNode("n1").Capacity("1", "1Gi"));
  Put(MakePod("low").Req("1").Priority(1));
  Put(MakePod("high").Req("1").Priority(9));
  StartEngine(FakeProfile({"FakeFit"}));
  Run();
  EXPECT_EQ(NodeOf("high"), "n1");
  EXPECT_EQ(NodeOf("low"), "");
}

TEST_F(EngineTest, DeletingPodsAreSkipped) {
  StartEngine(FakeProfile({"FakeFit"}));
  Put(MakeNode("n1").Capacity("1", "1Gi"));
  Put(MakePod("p").Terminating());
  Run();
  EXPECT_EQ(NodeOf("p"), "");
  EXPECT_EQ(LastEvent(), "FailedScheduling: skip schedule deleting pod: default/p");
}

TEST_F(EngineTest, AHandSetNodeNameIsRespected) {
  StartEngine(FakeProfile({"FakeFit"}));
  Put(MakeNode("n1").Capacity("1", "1Gi"));
  Put(MakePod("p").Req("5").Node("n1"));
  Put(MakePod("q").Req("1"));
  Run();
  EXPECT_EQ(NodeOf("p"), "n1");
  EXPECT_EQ(NodeOf("q"), "");
  EXPECT_EQ(engine_->counts().attempts, 1);
}

// --- binding -----------------------------------------------------------------------------------

TEST_F(EngineTest, AFailedBindingIsTriedAgain) {
  StartEngine(FakeProfile({"FakeFit", "Scripted"}));
  int binds = 0;
  world_.on_bind = [&](const api::core::Pod&, std::string_view) {
    return ++binds == 1 ? absl::UnavailableError("try later") : absl::OkStatus();
  };
  Put(MakeNode("n1").Capacity("1", "1Gi"));
  Put(MakePod("p").Req("1"));
  Run();
  EXPECT_EQ(LastEvent(), "FailedScheduling: running Bind plugin \"FakeBinder\": try later");
  EXPECT_EQ(script_.calls, (std::vector<std::string>{"Reserve p", "Unreserve p"}));
  Run(absl::Seconds(4));
  EXPECT_EQ(NodeOf("p"), "n1");
  EXPECT_EQ(binds, 2);
}

absl::Status NodeIsFull(int64_t pods_revision, int64_t node_revision = 0) {
  api::meta::Status status = api::ToStatusMessage(api::Conflict(
      api::ResourceOf<api::core::Pod>(), "p", "node \"n1\" cannot take pod p: cpu", "binding"));
  for (const bool pods : {true, false}) {
    auto* cause = status.mutable_details()->add_causes();
    cause->set_reason("CatchUpToRevision");
    cause->set_field(pods ? "pods" : "nodes");
    cause->set_message(std::to_string(pods ? pods_revision : node_revision));
  }
  return api::FromStatusMessage(status);
}

TEST_F(EngineTest, ARefusedBindingWaitsForWhatTheServerSaw) {
  StartEngine(FakeProfile({"FakeFit"}));
  Put(MakeNode("n1").Capacity("1", "1Gi"));
  Put(MakeNode("n2").Capacity("1", "1Gi"));
  bool refused = false;
  world_.on_bind = [&](const api::core::Pod&, std::string_view node) {
    if (refused || node != "n1") return absl::OkStatus();
    refused = true;
    return NodeIsFull(world_.Revision(api::ResourceOf<api::core::Pod>()) + 1);
  };
  Put(MakePod("p").Req("1"));
  Run();
  EXPECT_EQ(NodeOf("p"), "") << "not before the other pod is seen";
  EXPECT_TRUE(events_.empty());
  EXPECT_EQ(engine_->counts().bind_conflicts, 1);
  Put(MakePod("winner").Scheduler("other").Req("1").Node("n1"));
  Run();
  EXPECT_EQ(NodeOf("p"), "n2");
}

// The pods' watch may be ahead of the nodes': a node that shrank is still large here.
TEST_F(EngineTest, ARefusedBindingWaitsForTheNodeToo) {
  StartEngine(FakeProfile({"FakeFit"}));
  Put(MakeNode("n1").Capacity("1", "1Gi").Revision(10));
  int binds = 0;
  world_.on_bind = [&](const api::core::Pod&, std::string_view) {
    ++binds;
    return NodeIsFull(0, 20);
  };
  Put(MakePod("p").Req("1"));
  Run();
  EXPECT_EQ(binds, 1);
  for (int i = 0; i < 5; ++i) Put(MakePod("other" + std::to_string(i)).Scheduler("other"));
  Run();
  EXPECT_EQ(binds, 1) << "news of pods say nothing of the node";
  Put(MakeNode("n1").Capacity("0", "1Gi").Revision(20));
  Run();
  EXPECT_EQ(binds, 1);
  EXPECT_EQ(LastEvent(), "FailedScheduling: 0/1 nodes are available: 1 does not fit.");
}

// The server lags behind us, or counts otherwise.
TEST_F(EngineTest, ARefusalOfADecisionThatKnewAllIsAFailure) {
  StartEngine(FakeProfile({"FakeFit"}));
  Put(MakeNode("n1").Capacity("1", "1Gi"));
  int binds = 0;
  world_.on_bind = [&](const api::core::Pod&, std::string_view) {
    return ++binds <= 2 ? NodeIsFull(1) : absl::OkStatus();
  };
  Put(MakePod("p").Req("1"));
  Run();
  EXPECT_EQ(binds, 1);
  EXPECT_EQ(LastEvent(),
            "FailedScheduling: running Bind plugin \"FakeBinder\": Operation cannot be fulfilled "
            "on pods/binding \"p\": node \"n1\" cannot take pod p: cpu");
  EXPECT_EQ(patches_.size(), 1u);
  Put(MakePod("another").Scheduler("other"));
  Run();
  EXPECT_EQ(binds, 1) << "news change nothing";
  Run(absl::Seconds(10));
  EXPECT_EQ(NodeOf("p"), "n1");
}

TEST_F(EngineTest, AnUpdateDoesNotHurryAPodThatCatchesUp) {
  StartEngine(FakeProfile({"FakeFit"}));
  Put(MakeNode("n1").Capacity("1", "1Gi"));
  int binds = 0;
  world_.on_bind = [&](const api::core::Pod&, std::string_view) {
    return ++binds == 1 ? NodeIsFull(1'000'000) : absl::OkStatus();
  };
  Put(MakePod("p").Req("1").Revision(1));
  Run();
  for (int i = 2; i < 7; ++i) {
    Put(MakePod("p").Req("1").Revision(i).Label("step", std::to_string(i)));
    Run(absl::Milliseconds(1));
  }
  EXPECT_EQ(binds, 1);
  Run(absl::Seconds(2));
  EXPECT_EQ(binds, 2);
  EXPECT_EQ(NodeOf("p"), "n1");
}

TEST_F(EngineTest, APodDeletedWhileItCatchesUpIsNotTriedAgain) {
  StartEngine(FakeProfile({"FakeFit"}));
  Put(MakeNode("n1").Capacity("1", "1Gi"));
  int binds = 0;
  world_.on_bind = [&](const api::core::Pod&, std::string_view) {
    ++binds;
    return NodeIsFull(1'000'000);
  };
  Put(MakePod("p").Req("1"));
  Run();
  RemovePod("p");
  Run(absl::Seconds(10));
  EXPECT_EQ(binds, 1);
  EXPECT_EQ(engine_->QueueSummary(), "activeQ:0; backoffQ:0; unschedulablePods:0");
}

// The binding was stored and its answer lost.
TEST_F(EngineTest, APodThatIsBoundAfterAllHasNotFailed) {
  StartEngine(FakeProfile({"FakeFit"}));
  Put(MakeNode("n1").Capacity("1", "1Gi"));
  world_.on_bind = [&](const api::core::Pod& pod, std::string_view node) {
    Put(MakePod(pod.metadata().name()).Req("1").Node(node));
    return absl::DeadlineExceededError("lost");
  };
  Put(MakePod("p").Req("1"));
  Run();
  EXPECT_EQ(NodeOf("p"), "n1");
  EXPECT_TRUE(events_.empty()) << LastEvent();
  EXPECT_TRUE(patches_.empty());
}

TEST_F(EngineTest, ARefusedBindingDoesNotWaitForEver) {
  StartEngine(FakeProfile({"FakeFit"}));
  Put(MakeNode("n1").Capacity("1", "1Gi"));
  int binds = 0;
  world_.on_bind = [&](const api::core::Pod&, std::string_view) {
    return ++binds == 1 ? NodeIsFull(1'000'000) : absl::OkStatus();
  };
  Put(MakePod("p").Req("1"));
  Run(absl::Seconds(2));
  EXPECT_EQ(NodeOf("p"), "n1");
}

// A watch that was cut and a list later shows it ended, never bound.
TEST_F(EngineTest, APodThatIsOverBeforeItIsSeenBoundGivesItsRoomBack) {
  StartEngine(FakeProfile({"FakeFit"}));
  Put(MakeNode("n1").Capacity("1", "1Gi"));
  world_.on_bound = [](api::core::Pod& pod, std::string_view) {
    if (pod.metadata().name() == "p") pod.mutable_status()->set_phase("Succeeded");
  };
  Put(MakePod("p").Req("1"));
  Run();
  EXPECT_EQ(NodeOf("p"), "n1");
  Put(MakePod("q").Req("1"));
  Run();
  EXPECT_EQ(NodeOf("q"), "n1");
}

TEST_F(EngineTest, BindingsInFlightAreBounded) {
  EngineOptions options;
  options.bindings_in_flight_max = 2;
  options.cycles_per_task = 100;
  StartEngine(FakeProfile({"FakeFit"}), options);
  Put(MakeNode("n1").Capacity("100", "100Gi"));
  int64_t most = 0;
  world_.on_bind = [&](const api::core::Pod&, std::string_view) {
    most = std::max(most, engine_->counts().bindings_in_flight);
    return absl::OkStatus();
  };
  for (int i = 0; i < 10; ++i) Put(MakePod("p" + std::to_string(i)));
  Run();
  EXPECT_EQ(engine_->counts().bound, 10);
  EXPECT_EQ(most, 2);
}

// --- points ------------------------------------------------------------------------------------

TEST_F(EngineTest, PreFilterRejects) {
  script_.pre_filter = [](const PodInfo&) { return PreFilterResult{Unresolvable("no way"), {}}; };
  StartEngine(FakeProfile({"Scripted"}));
  Put(MakeNode("n1"));
  Put(MakeNode("n2"));
  Put(MakePod("p"));
  Run();
  EXPECT_EQ(LastEvent(), "FailedScheduling: 0/2 nodes are available: no way.");
}

TEST_F(EngineTest, PreFilterNarrows) {
  script_.pre_filter = [](const PodInfo&) {
    return PreFilterResult{{}, std::vector<std::string>{"n2", "n9"}};
  };
  StartEngine(FakeProfile({"Scripted", "FakeFit"}));
  for (const char* name : {"n1", "n2", "n3"}) Put(MakeNode(name).Capacity("1", "1Gi"));
  Put(MakePod("p"));
  Run();
  EXPECT_EQ(NodeOf("p"), "n2");
  Put(MakePod("big").Req("2"));
  Run();
  EXPECT_EQ(LastEvent(),
            "FailedScheduling: 0/3 nodes are available: 1 does not fit, 2 node(s) didn't satisfy "
            "plugin(s) [Scripted].");
}

TEST_F(EngineTest, PostFilterNominates) {
  script_.filter = [](const PodInfo& pod, const NodeInfo&) {
    return pod.nominated_node_name.empty() ? Unschedulable("full") : Success();
  };
  script_.post_filter = [](const PodInfo&) {
    return PostFilterResult{Success(), NominatingInfo{NominatingInfo::Mode::kOverride, "n1"}};
  };
  StartEngine(FakeProfile({"Scripted"}));
  Put(MakeNode("n1").Capacity("1", "1Gi"));
  Put(MakePod("p"));
  Run();
  ASSERT_EQ(patches_.size(), 1u);
  EXPECT_NE(patches_[0].find(R"("nominatedNodeName":"n1")"), std::string::npos) << patches_[0];
  ASSERT_NE(script_.handle, nullptr);
  EXPECT_EQ(script_.handle->NominatedPods("n1").size(), 1u);
}

TEST_F(EngineTest, ReserveRejects) {
  script_.reserve = [](const PodInfo&) { return Unschedulable("taken"); };
  StartEngine(FakeProfile({"Scripted", "FakeFit"}));
  Put(MakeNode("n1").Capacity("1", "1Gi"));
  Put(MakePod("p"));
  Run();
  EXPECT_EQ(LastEvent(), "FailedScheduling: 0/1 nodes are available: 1 taken.");
  EXPECT_EQ(script_.calls, (std::vector<std::string>{"Reserve p", "Unreserve p"}));
}

TEST_F(EngineTest, PermitWaitsUntilAllowed) {
  script_.permit = [](const PodInfo&) { return PermitResult{Wait(), absl::Seconds(10)}; };
  StartEngine(FakeProfile({"Scripted", "FakeFit"}));
  Put(MakeNode("n1").Capacity("1", "1Gi"));
  Put(MakePod("p").Req("1"));
  Run();
  EXPECT_EQ(NodeOf("p"), "");
  ASSERT_EQ(patches_.size(), 1u);
  EXPECT_EQ(patches_[0], R"({"metadata":{"uid":"p"},"status":{"nominatedNodeName":"n1"}})");
  WaitingPod* waiting = script_.handle->FindWaitingPod("p");
  ASSERT_NE(waiting, nullptr);
  EXPECT_EQ(waiting->PendingPlugins(), std::vector<std::string>{"Scripted"});
  waiting->Allow("Scripted");
  Run();
  EXPECT_EQ(NodeOf("p"), "n1");
  EXPECT_EQ(script_.calls, (std::vector<std::string>{"Reserve p", "PostBind p"}));
}

TEST_F(EngineTest, PermitTimesOut) {
  script_.permit = [](const PodInfo&) { return PermitResult{Wait(), absl::Seconds(10)}; };
  StartEngine(FakeProfile({"Scripted", "FakeFit"}));
  Put(MakeNode("n1").Capacity("1", "1Gi"));
  Put(MakePod("p").Req("1"));
  Run(absl::Seconds(11));
  EXPECT_EQ(events_[0],
            "FailedScheduling: 0/1 nodes are available: 1 rejected due to timeout after waiting "
            "10s at plugin Scripted.");
}

TEST_F(EngineTest, AWaitingPodThatIsDeletedLetsGo) {
  script_.permit = [](const PodInfo&) { return PermitResult{Wait(), absl::Minutes(10)}; };
  StartEngine(FakeProfile({"Scripted", "FakeFit"}));
  Put(MakeNode("n1").Capacity("1", "1Gi"));
  Put(MakePod("p").Req("1"));
  Run();
  RemovePod("p");
  script_.permit = nullptr;
  Put(MakePod("q").Req("1"));
  Run(absl::Seconds(3));
  EXPECT_EQ(NodeOf("q"), "n1");
}

TEST_F(EngineTest, PreBindFailureUnreserves) {
  int calls = 0;
  script_.pre_bind = [&](const PodInfo&) { return ++calls == 1 ? Error("disk") : Success(); };
  StartEngine(FakeProfile({"Scripted", "FakeFit"}));
  Put(MakeNode("n1").Capacity("1", "1Gi"));
  Put(MakePod("p").Req("1"));
  Run();
  EXPECT_EQ(LastEvent(), "FailedScheduling: running PreBind plugin \"Scripted\": disk");
  Run(absl::Seconds(4));
  EXPECT_EQ(NodeOf("p"), "n1");
}

TEST_F(EngineTest, GatedPodsWaitForTheirGate) {
  bool open = false;
  script_.pre_enqueue = [&](const PodInfo&) { return open ? Success() : Unresolvable("gate"); };
  StartEngine(FakeProfile({"Scripted", "FakeFit"}));
  Put(MakeNode("n1").Capacity("1", "1Gi"));
  Put(MakePod("p").Req("1"));
  Run(absl::Minutes(10));
  EXPECT_EQ(engine_->counts().queue.gated, 1);
  EXPECT_EQ(engine_->counts().attempts, 0);
  open = true;
  const std::vector<std::string> keys = {"default/p"};
  script_.handle->Activate(keys);
  Run();
  EXPECT_EQ(NodeOf("p"), "n1");
}

// --- a share of the nodes ------------------------------------------------------------------------

// The search goes on where the last one ended: by the nodes that fit and those that did not.
TEST_F(EngineTest, ASearchThatHasEnoughGoesOnThereNextTime) {
  for (int i = 0; i < 200; ++i) {
    const std::string name = fmt::format("n{:03}", i);
    Put(MakeNode(name).Capacity(i < 10 ? "0" : "4", "8Gi"));  // ten where nothing fits
  }
  EngineOptions options;
  options.percentage_of_nodes_to_score = 50;  // 100 of them
  options.tie_break = TieBreak::kFirst;
  StartEngine(FakeProfile({"FakeFit"}), options);
  Run();
  const struct {
    const char* pod;
    const char* node;
    int64_t looked_at;
  } steps[] = {
      {"p1", "n010", 110},  // 10 do not, 10..109 do: the next begins at 110
      {"p2", "n011", 110},  // 110..199, 10 do not, 10..19; n010 is no longer empty: next 20
      {"p3", "n020", 100},  // 20..119: next 120
      {"p4", "n012", 110},  // 120..199, 10 do not, 10..29
  };
  for (const auto& step : steps) {
    const int64_t before = engine_->counts().nodes_evaluated;
    Put(MakePod(step.pod).Req("1"));
    Run();
    EXPECT_EQ(NodeOf(step.pod), step.node) << step.pod;
    EXPECT_EQ(engine_->counts().nodes_evaluated - before, step.looked_at) << step.pod;
  }
}

TEST_F(EngineTest, StopsInTheMiddle) {
  StartEngine(FakeProfile({"FakeFit"}));
  Put(MakeNode("n1").Capacity("100", "100Gi"));
  for (int i = 0; i < 50; ++i) Put(MakePod("p" + std::to_string(i)));
  for (int i = 0; i < 3; ++i) loop_.Step();
  engine_.reset();
  Run();
  SUCCEED();
}

}  // namespace
}  // namespace berth::framework::testing
