#include "framework/cycle/cache_debugger.h"

#include <sstream>

#include "base/log.h"
#include "tests/framework/engine_fixture.h"
#include "tests/framework/engine_peer.h"

namespace berth::framework::testing {
namespace {

class CacheDebuggerTest : public EngineTest {
 protected:
  CacheDebuggerTest() { LogToStream(&log_); }
  ~CacheDebuggerTest() override { LogToStream(nullptr); }
  CacheComparison Debug() {
    std::optional<CacheComparison> found;
    engine_->DebugCache([&](const CacheComparison& seen) { found = seen; });
    EXPECT_FALSE(found.has_value()) << "never inside the call";
    loop_.RunUntil(loop_.clock().Now() + absl::Milliseconds(1));
    EXPECT_TRUE(found.has_value());
    return found.value_or(CacheComparison());
  }
  std::string Log() const { return log_.str(); }
  void ExpectLogged(std::string_view text) {
    EXPECT_NE(Log().find(text), std::string::npos) << text << "\n--- in\n" << Log();
  }
  EngineCore& core() { return EngineTestPeer::Core(*engine_); }

  std::ostringstream log_;
};

TEST_F(CacheDebuggerTest, DumpsNodesWithTheirPodsAndTheQueues) {
  script_.pre_enqueue = [](const PodInfo& pod) {
    return pod.name == "gated" ? Unresolvable("not yet") : Success();
  };
  StartEngine(FakeProfile({"FakeFit", "Scripted"}));
  Put(MakeNode("n1").Capacity("4", "8Gi"));
  Put(MakePod("web").Req("1", "1Gi"));
  Put(MakePod("big").Req("100"));
  Put(MakePod("gated").Req("1"));
  Run();
  EXPECT_TRUE(Debug().equal());
  ExpectLogged(
      "\"Dump of cached NodeInfo\" node=\"n1\" nodes=<\n"
      "\tNode name: n1\n"
      "\tDeleted: false\n"
      "\tRequested Resources: &{MilliCPU:1000 Memory:1073741824 EphemeralStorage:0 "
      "AllowedPodNumber:0 ScalarResources:map[]}\n"
      "\tAllocatable Resources: &{MilliCPU:4000 Memory:8589934592 EphemeralStorage:0 "
      "AllowedPodNumber:110 ScalarResources:map[]}\n"
      "\tScheduled Pods(number: 1):\n"
      "\tname: web, namespace: default, uid: web, phase: , nominated node: \n"
      " >\n");
  ExpectLogged(
      "\"Dump of scheduling queue\" summary=\"activeQ:0; backoffQ:0; unschedulablePods:2\" "
      "active=0 backoff=0 unschedulable=1 gated=1\n");
  ExpectLogged("\"Dump of scheduling queue\" queue=\"unschedulable\" pods=<\n"
               "\tname: big, namespace: default, uid: big, phase: , nominated node: \n >\n");
  ExpectLogged("\"Dump of scheduling queue\" queue=\"gated\" pods=<\n\tname: gated,");
  EXPECT_EQ(Log().find("Cache mismatch"), std::string::npos);
}

TEST_F(CacheDebuggerTest, ShowsNominatedPods) {
  script_.post_filter = [](const PodInfo&) {
    return PostFilterResult{Success(), NominatingInfo{NominatingInfo::Mode::kOverride, "n1"}};
  };
  StartEngine(FakeProfile({"FakeFit", "Scripted"}));
  Put(MakeNode("n1").Capacity("1", "8Gi"));
  Put(MakePod("big").Req("2"));
  Run();
  Debug();
  ExpectLogged("\tNominated Pods(number: 1):\n\tname: big, namespace: default,");
}

TEST_F(CacheDebuggerTest, FindsWhatCacheAndQueueLackOrHaveTooMuch) {
  script_.pre_enqueue = [](const PodInfo& pod) {
    return pod.name == "phantom" ? Unresolvable("it stays") : Success();
  };
  StartEngine(FakeProfile({"FakeFit", "Scripted"}));
  Put(MakeNode("n1").Capacity("4", "8Gi"));
  Put(MakeNode("n2").Capacity("4", "8Gi"));
  Put(MakePod("held").Req("1").Node("n1"));
  Put(MakePod("lost").Req("1").Node("n1"));
  Put(MakePod("waiting").Req("100"));
  MakePod alien("alien");
  alien.message().mutable_spec()->set_scheduler_name("another");
  Put(alien);
  Run();
  EXPECT_TRUE(Debug().equal()) << "a pod of another scheduler is nobody's concern";
  // Behind everybody's back.
  ASSERT_TRUE(core().cache.RemovePod(*core().cache.FindPod("lost")).ok());
  ASSERT_TRUE(core().cache.AddPod(PodInfo::Make(MakePod("extra").Node("n1").Object())).ok());
  core().cache.RemoveNode("n2");
  core().cache.SetNode(MakeNode("ghost").Object());
  core().queue->Delete("default/waiting", "waiting");
  core().queue->Add(PodInfo::Make(MakePod("phantom").Req("100").Object()));
  const CacheComparison found = Debug();
  EXPECT_EQ(found.missed_nodes, std::vector<std::string>{"n2"});
  EXPECT_EQ(found.redundant_nodes, std::vector<std::string>{"ghost"});
  EXPECT_EQ(found.missed_pods, (std::vector<std::string>{"lost", "waiting"}));
  EXPECT_EQ(found.redundant_pods, (std::vector<std::string>{"extra", "phantom"}));
  ExpectLogged("\"Cache mismatch\" missedNodes=[\"n2\"] redundantNodes=[\"ghost\"]\n");
  ExpectLogged("\"Cache mismatch\" missedPods=[\"lost\",\"waiting\"] "
               "redundantPods=[\"extra\",\"phantom\"]\n");
}

TEST_F(CacheDebuggerTest, EntriesAreBoundedAndTheWorkIsInPieces) {
  StartEngine(FakeProfile({"FakeFit"}));
  Put(MakeNode("n1").Capacity("4000", "8000Gi", "5000"));
  for (int i = 0; i < 2500; ++i) {
    Put(MakePod(fmt::format("bound-with-a-name-of-some-length-{}", i)).Node("n1"));
  }
  for (int i = 0; i < 2500; ++i) Put(MakePod(fmt::format("waits-{}", i)).Req("5000"));
  Run(absl::Seconds(1));
  int tasks = 0;
  bool ended = false;
  engine_->DebugCache([&](const CacheComparison& found) {
    EXPECT_TRUE(found.equal());
    ended = true;
  });
  while (!ended && loop_.Step()) ++tasks;
  EXPECT_GE(tasks, 5 + 1 + 3 + 10) << "pods, node, queued pods, entries of the queue";
  size_t longest = 0, pods = 0, entry = 0;
  std::istringstream lines(Log());
  for (std::string line; std::getline(lines, line);) {
    entry = line.starts_with("\t") || line == " >" ? entry + line.size() + 1 : line.size() + 1;
    longest = std::max(longest, entry);
    pods += line.starts_with("\tname: ");
  }
  EXPECT_EQ(pods, 5000u);
  EXPECT_LE(longest, size_t{16} << 10);
}

TEST_F(CacheDebuggerTest, AskedAgainWhileAtWorkItBeginsAgain) {
  StartEngine(FakeProfile({"FakeFit"}));
  Put(MakeNode("n1").Capacity("4", "8Gi"));
  Run();
  int ended = 0;
  for (int i = 0; i < 3; ++i) engine_->DebugCache([&](const CacheComparison&) { ++ended; });
  Run(absl::Milliseconds(1));
  EXPECT_EQ(ended, 3);
  size_t dumps = 0;
  const std::string log = Log();
  for (size_t at = 0; (at = log.find("Dump of cached NodeInfo", at)) != log.npos; ++at) ++dumps;
  EXPECT_EQ(dumps, 2u) << "the second and the third share one";
  engine_->DebugCache([&](const CacheComparison&) { ++ended; });
  engine_ = nullptr;
  loop_.RunUntil(loop_.clock().Now() + absl::Milliseconds(1));
  EXPECT_EQ(ended, 3) << "with the engine gone nobody is told";
}

}  // namespace
}  // namespace berth::framework::testing
