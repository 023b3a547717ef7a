// A whole scheduler against a whole API server, on one thread under virtual time.
#include "scheduler-main/scheduler.h"

#include <sstream>
#include <string>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "base/log.h"
#include "cluster/apiserver/in_process_transport.h"
#include "scheduler-main/status_routes.h"
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

TEST_F(SchedulerTest, MetricsOfPluginsPointsAndRequests) {
  MakeNode("n1");
  MakeNode("n2");
  auto scheduler = MakeScheduler();
  for (int i = 0; i < 4; ++i) MakePodOf(fmt::format("p{}", i), "default-scheduler");
  Run(absl::Seconds(5));
  const std::string text = scheduler->MetricsText();
  const auto has = [&](std::string_view line) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  };
  for (const char* point : {"PreEnqueue", "Sign", "PreFilter", "Filter", "Score", "Reserve",
                            "Permit", "PreBind", "Bind", "PostBind"}) {
    has(fmt::format("scheduler_framework_extension_point_duration_seconds_count{{extension_point="
                    "\"{}\",profile=\"default-scheduler\",status=\"Success\"}} 4\n",
                    point));
  }
  // Two nodes, and the chosen one again: three calls for the first pod; two for each of the others.
  has("scheduler_plugin_evaluation_total{extension_point=\"Filter\",plugin=\"NodeResourcesFit\","
      "profile=\"default-scheduler\"} 9\n");
  has("berth_reused_total{extension_point=\"Filter\",profile=\"default-scheduler\"} 3\n");
  has("scheduler_event_handling_duration_seconds_count{event=\"UnschedulablePodAdd\"} 4\n");
  // Bindings and Events, in batches.
  has("rest_client_requests_total{code=\"200\",host=\"localhost\",method=\"POST\"} ");
  has("rest_client_request_duration_seconds_count{host=\"localhost\",verb=\"POST\"} ");
  EXPECT_EQ(text.find("code=\"<error>\""), std::string::npos) << text;
}

TEST_F(SchedulerTest, StatusRoutes) {
  MakeNode("n1");
  auto scheduler = MakeScheduler();
  const auto routes = StatusRoutes(*scheduler, [](Task task) { task(); });
  const auto ask = [&](const std::string& path) {
    return std::string(routes.at(path)(api::Query::Parse("")).text());
  };
  EXPECT_EQ(ask("/metrics/slis"), "") << "nobody has asked yet";
  EXPECT_EQ(ask("/healthz"), "ok");
  EXPECT_NE(ask("/readyz"), "ok");
  MakePodOf("p0", "default-scheduler");
  Run(absl::Seconds(5));
  EXPECT_EQ(ask("/readyz"), "ok");
  const std::string slis = ask("/metrics/slis");
  for (const char* line :
       {"kubernetes_healthcheck{name=\"sched-handler-sync\",type=\"readyz\"} 1\n",
        "kubernetes_healthchecks_total{name=\"sched-handler-sync\",status=\"error\",type="
        "\"readyz\"} 1\n",
        "kubernetes_healthchecks_total{name=\"sched-handler-sync\",status=\"success\",type="
        "\"readyz\"} 1\n",
        "kubernetes_healthchecks_total{name=\"ping\",status=\"success\",type=\"healthz\"} 1\n"}) {
    EXPECT_NE(slis.find(line), std::string::npos) << line << "\n" << slis;
  }
  const std::string resources = ask("/metrics/resources");
  EXPECT_NE(resources.find("kube_pod_resource_request{namespace=\"default\",node=\"n1\",pod="
                           "\"p0\",priority=\"0\",resource=\"cpu\",scheduler=\"default-"
                           "scheduler\",unit=\"cores\"} 1\n"),
            std::string::npos)
      << resources;
  EXPECT_NE(ask("/configz").find("componentconfig"), std::string::npos);
  EXPECT_NE(ask("/metrics").find("scheduler_schedule_attempts_total"), std::string::npos);
}

TEST_F(SchedulerTest, TheCacheIsComparedAndDumped) {
  MakeNode("n1");
  auto scheduler = MakeScheduler();
  MakePodOf("p0", "default-scheduler");
  MakePodOf("alien", "another-scheduler");
  Run(absl::Seconds(5));
  std::ostringstream log;
  LogToStream(&log);
  bool equal = false;
  scheduler->DebugCache([&](const framework::CacheComparison& found) { equal = found.equal(); });
  Run(absl::Seconds(1));
  LogToStream(nullptr);
  EXPECT_TRUE(equal) << log.str();
  EXPECT_NE(log.str().find("\tNode name: n1\n"), std::string::npos) << log.str();
  EXPECT_NE(log.str().find("\tname: p0, namespace: default, "), std::string::npos) << log.str();
  EXPECT_NE(log.str().find("summary=\"activeQ:0; backoffQ:0; unschedulablePods:0\""),
            std::string::npos)
      << log.str();
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
    EXPECT_TRUE((*scheduler)
                    ->StartByElection([this](const absl::Status& why) {
                      ++lost_;
                      why_ = why;
                    })
                    .ok());
    return *std::move(scheduler);
  }
  apiserver::Answer Lease() { return Get(kLease); }
  static constexpr char kLease[] =
      "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler";
  int lost_ = 0;
  absl::Status why_;
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
  const std::string status = "leader_election_master_status{name=\"kube-scheduler\"} ";
  EXPECT_NE(first->MetricsText().find(status + "1"), std::string::npos);
  EXPECT_NE(second->MetricsText().find(status + "0"), std::string::npos);
  const auto resources = [](const Scheduler& of) {
    return StatusRoutes(of, [](Task task) { task(); })
        .at("/metrics/resources")(api::Query::Parse(""))
        .body->size();
  };
  EXPECT_GT(resources(*first), 0u);
  EXPECT_EQ(resources(*second), 0u) << "only who leads shows them";
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

TEST_F(ElectionTest, LeadershipIsAnEventOfTheLease) {
  auto first = Compete("first");
  Run(absl::Seconds(3));
  first->Resign([] {});
  Run(absl::Seconds(3));
  const std::string events = Get("/apis/events.k8s.io/v1/namespaces/kube-system/events").body;
  for (const char* text : {"\"note\":\"first became leader\"", "\"note\":\"first stopped leading\"",
                           "\"reason\":\"LeaderElection\"", "\"kind\":\"Lease\"",
                           "\"name\":\"kube-scheduler\""}) {
    EXPECT_NE(events.find(text), std::string::npos) << text << "\n" << events;
  }
}

// Whatever is on its way to the server when it resigns, the lease is free afterwards.
TEST_F(ElectionTest, ResigningBesideARenewalFreesTheLease) {
  for (int steps = 0; steps < 60; ++steps) {
    SCOPED_TRACE(steps);
    auto leader = Compete(fmt::format("leader-{}", steps));
    Run(absl::Seconds(5));
    ASSERT_TRUE(leader->leading());
    ASSERT_EQ(Lease().At("spec/holderIdentity"), fmt::format("leader-{}", steps));
    for (int i = 0; i < steps; ++i) loop.Step();
    bool resigned = false;
    leader->Resign([&] { resigned = true; });
    Run(absl::Milliseconds(500));
    EXPECT_TRUE(resigned);
    EXPECT_EQ(Lease().At("spec/holderIdentity"), "");
  }
}

TEST_F(ElectionTest, AStartThatFailsAfterTheElectionEndsTheProcess) {
  SchedulerOptions options;
  options.config = DefaultConfig();
  options.config.delay_cache_until_active = true;
  auto scheduler = *Scheduler::Create(std::move(options), transport_, *executor);
  absl::Status ended;
  ASSERT_TRUE(scheduler->StartByElection([&](absl::Status why) { ended = std::move(why); }).ok());
  ASSERT_TRUE(scheduler->Start().ok());  // so that its own is the second, and fails
  Run(absl::Seconds(3));
  EXPECT_EQ(ended.message(), "the engine runs already");
  EXPECT_FALSE(scheduler->leading()) << "it does nothing, and says so";
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
  EXPECT_EQ(why_.message(), "leaderelection lost");
  EXPECT_NE(first->MetricsText().find("leader_election_master_status{name=\"kube-scheduler\"} 0"),
            std::string::npos);
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
