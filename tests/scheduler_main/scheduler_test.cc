// A whole scheduler against a whole API server, on one thread under virtual time.
#include "scheduler-main/scheduler.h"

#include <string>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "cluster/apiserver/in_process_transport.h"
#include "tests/apiserver/server_fixture.h"

namespace berth::scheduler {
namespace {

class SchedulerTest : public apiserver::ServerFixture {
 public:
  std::unique_ptr<Scheduler> MakeScheduler(std::string_view profiles = "[{schedulerName: "
                                                                       "default-scheduler}]") {
    auto config = DecodeConfig(fmt::format(
        "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
        "profiles: {}\n",
        profiles));
    EXPECT_TRUE(config.ok()) << config.status();
    SchedulerOptions options;
    options.config = *std::move(config);
    options.host_name = "test";
    auto scheduler = Scheduler::Create(std::move(options), transport_, *executor);
    EXPECT_TRUE(scheduler.ok()) << scheduler.status();
    EXPECT_TRUE((*scheduler)->Start().ok());
    return *std::move(scheduler);
  }

  void MakePodOf(std::string_view name, std::string_view scheduler, std::string_view spec = "") {
    const auto answer = Post(
        "/api/v1/namespaces/default/pods",
        fmt::format(R"({{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"{}"}},"spec":{{)"
                    R"({}"schedulerName":"{}","containers":[{{"name":"c","image":"i","resources":)"
                    R"({{"requests":{{"cpu":"1"}}}}}}]}}}})",
                    name, spec, scheduler));
    ASSERT_EQ(answer.code, 201) << answer.body;
  }
  std::string NodeOf(std::string_view pod) {
    return Get(fmt::format("/api/v1/namespaces/default/pods/{}", pod)).At("spec/nodeName");
  }

  apiserver::InProcessTransport transport_{*server, *executor, *executor};
};

TEST_F(SchedulerTest, BindsPodsAndTellsOfIt) {
  MakeNode("n1");
  MakeNode("n2");
  auto scheduler = MakeScheduler();
  EXPECT_FALSE(scheduler->synced());
  for (int i = 0; i < 8; ++i) MakePodOf(fmt::format("p{}", i), "default-scheduler");
  Run(absl::Seconds(5));
  EXPECT_TRUE(scheduler->synced());
  int on_first = 0;
  for (int i = 0; i < 8; ++i) {
    const std::string node = NodeOf(fmt::format("p{}", i));
    EXPECT_TRUE(node == "n1" || node == "n2") << node;
    on_first += node == "n1" ? 1 : 0;
  }
  EXPECT_EQ(on_first, 4) << "equal nodes fill evenly";
  EXPECT_EQ(scheduler->counts().bound, 8);
  EXPECT_TRUE(scheduler->CheckConsistency().ok()) << scheduler->CheckConsistency();
  const auto events = Get("/apis/events.k8s.io/v1/namespaces/default/events");
  EXPECT_NE(events.body.find("\"reason\":\"Scheduled\""), std::string::npos) << events.body;
  EXPECT_NE(events.body.find("default-scheduler-test"), std::string::npos);
  EXPECT_NE(scheduler->MetricsText().find(
                "scheduler_schedule_attempts_total{profile=\"default-scheduler\",result="
                "\"scheduled\"} 8"),
            std::string::npos)
      << scheduler->MetricsText();
}

TEST_F(SchedulerTest, APodThatFitsNowhereWaitsForALargerNode) {
  MakeNode("small", 500);
  auto scheduler = MakeScheduler();
  MakePodOf("big", "default-scheduler");
  Run(absl::Seconds(3));
  EXPECT_EQ(NodeOf("big"), "<absent>");
  const auto pod = Get("/api/v1/namespaces/default/pods/big");
  EXPECT_NE(pod.body.find("0/1 nodes are available: 1 Insufficient cpu."), std::string::npos)
      << pod.body;
  MakeNode("large", 4000);
  Run(absl::Seconds(15));
  EXPECT_EQ(NodeOf("big"), "large");
}

TEST_F(SchedulerTest, ProfilesTakeOnlyTheirOwnPods) {
  MakeNode("n1");
  auto scheduler = MakeScheduler("[{schedulerName: a}, {schedulerName: b}]");
  MakePodOf("pa", "a");
  MakePodOf("pb", "b");
  MakePodOf("pc", "c");
  Run(absl::Seconds(3));
  EXPECT_EQ(NodeOf("pa"), "n1");
  EXPECT_EQ(NodeOf("pb"), "n1");
  EXPECT_EQ(NodeOf("pc"), "<absent>");
}

TEST_F(SchedulerTest, TwoSchedulersNeverOverfillANode) {
  for (int i = 0; i < 4; ++i) MakeNode(fmt::format("n{}", i), 4000);
  auto first = MakeScheduler("[{schedulerName: a}]");
  auto second = MakeScheduler("[{schedulerName: b}]");
  Run(absl::Seconds(1));
  for (int i = 0; i < 20; ++i) MakePodOf(fmt::format("p{}", i), i % 2 == 0 ? "a" : "b");
  Run(absl::Seconds(30));
  std::map<std::string, int> pods_of;
  for (int i = 0; i < 20; ++i) ++pods_of[NodeOf(fmt::format("p{}", i))];
  EXPECT_EQ(pods_of["<absent>"], 4) << "16 fit";
  for (const auto& [node, pods] : pods_of) EXPECT_EQ(pods, 4) << node;
  EXPECT_EQ(first->counts().bound + second->counts().bound, 16);
}

// Two processes of one scheduler: one decides, the other takes over.
class ElectionTest : public SchedulerTest {
 public:
  std::unique_ptr<Scheduler> Compete(std::string_view identity) {
    SchedulerOptions options;
    options.config = DefaultConfig();  // leaderElect is true there
    options.identity = std::string(identity);
    options.seed = identity.size();
    auto scheduler = Scheduler::Create(std::move(options), transport_, *executor);
    EXPECT_TRUE(scheduler.ok()) << scheduler.status();
    EXPECT_TRUE((*scheduler)->StartByElection([this] { ++lost_; }).ok());
    return *std::move(scheduler);
  }
  apiserver::Answer Lease() { return Get(kLease); }
  static constexpr char kLease[] =
      "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler";
  int lost_ = 0;
};

TEST_F(ElectionTest, OneLeadsAndTheOtherTakesOverWhenItResigns) {
  MakeNode("n1");
  auto first = Compete("first");
  Run(absl::Seconds(1));
  auto second = Compete("second-");
  Run(absl::Seconds(5));
  MakePodOf("p0", "default-scheduler");
  Run(absl::Seconds(5));
  EXPECT_EQ(NodeOf("p0"), "n1");
  EXPECT_EQ(first->counts().bound, 1);
  EXPECT_EQ(second->counts().bound, 0);
  EXPECT_TRUE(second->synced()) << "it watches, to be ready";
  EXPECT_EQ(Lease().At("spec/holderIdentity"), "first");
  EXPECT_EQ(Lease().At("spec/leaseTransitions"), "0");
  bool resigned = false;
  first->Resign([&] { resigned = true; });
  Run(absl::Seconds(6));  // sooner than the lease would end
  EXPECT_TRUE(resigned);
  EXPECT_EQ(Lease().At("spec/holderIdentity"), "second-");
  EXPECT_EQ(Lease().At("spec/leaseTransitions"), "1");
  MakePodOf("p1", "default-scheduler");
  Run(absl::Seconds(5));
  EXPECT_EQ(second->counts().bound, 1);
  EXPECT_EQ(lost_, 0);
}

TEST_F(ElectionTest, ASilentLeaderIsReplacedWhenItsLeaseEnds) {
  MakeNode("n1");
  auto first = Compete("first");
  Run(absl::Seconds(1));
  auto second = Compete("second-");
  Run(absl::Seconds(3));
  first = nullptr;  // killed
  MakePodOf("p0", "default-scheduler");
  Run(absl::Seconds(8));
  EXPECT_EQ(NodeOf("p0"), "<absent>") << "its lease still holds";
  Run(absl::Seconds(15));
  EXPECT_EQ(NodeOf("p0"), "n1");
  EXPECT_EQ(Lease().At("spec/holderIdentity"), "second-");
}

TEST_F(ElectionTest, ALeaderWhoseLeaseIsTakenEnds) {
  MakeNode("n1");
  auto first = Compete("first");
  Run(absl::Seconds(3));
  const auto answer = MergePatch(kLease, R"({"spec":{"holderIdentity":"somebody"}})");
  ASSERT_EQ(answer.code, 200) << answer.body;
  Run(absl::Seconds(5));
  EXPECT_EQ(lost_, 1);
  MakePodOf("p0", "default-scheduler");
  Run(absl::Seconds(5));
  EXPECT_EQ(NodeOf("p0"), "<absent>") << "it decides no more";
}

TEST_F(SchedulerTest, RefusesWhatItCannotDo) {
  SchedulerOptions options;
  options.config = DefaultConfig();
  options.config.extenders.emplace_back().url_prefix = "ftp://127.0.0.1";
  EXPECT_EQ(Scheduler::Create(options, transport_, *executor).status().code(),
            absl::StatusCode::kInvalidArgument);
  options.config = DefaultConfig();
  options.config.parallelism = 0;
  EXPECT_EQ(Scheduler::Create(options, transport_, *executor).status().message(),
            "parallelism: Invalid value: 0: should be an integer value greater than zero");
}

}  // namespace
}  // namespace berth::scheduler
