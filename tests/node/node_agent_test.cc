// A whole node agent against the real API server on the memory store, one thread, virtual time.
#include "cluster/node/node_agent.h"

#include <algorithm>
#include <functional>
#include <memory>

#include <gtest/gtest.h>

#include "api/errors.h"
#include "api/schema/coordination_v1.pb.h"
#include "api/schema/core_v1_node.pb.h"
#include "base/sim_executor.h"
#include "cluster/apiserver/api_server.h"
#include "cluster/apiserver/in_process_transport.h"
#include "cluster/store/memory_store.h"
#include "tests/node/builders.h"

namespace berth::node {
namespace {

using api::core::Node;
using api::core::Pod;
using api::coordination::Lease;

// Keeps answers back while it is told to.
class HoldingTransport final : public client::Transport {
 public:
  explicit HoldingTransport(client::Transport& inner) : inner_(inner) {}
  void Hold() { holding_ = true; }
  void Release() {
    holding_ = false;
    for (auto& answer : std::exchange(held_, {})) answer();
  }
  size_t held() const { return held_.size(); }

  void Do(api::HttpRequest request, absl::Duration timeout,
          client::Completion<api::HttpResponse> done) override {
    inner_.Do(std::move(request), timeout,
              [this, done = std::move(done)](absl::StatusOr<api::HttpResponse> answer) mutable {
                if (!holding_) return done(std::move(answer));
                held_.push_back([done = std::move(done), answer = std::move(answer)]() mutable {
                  done(std::move(answer));
                });
              });
  }
  std::unique_ptr<client::Stream> Open(api::HttpRequest request,
                                       client::StreamHandler handler) override {
    return inner_.Open(std::move(request), std::move(handler));
  }

 private:
  client::Transport& inner_;
  bool holding_ = false;
  std::vector<Task> held_;
};

class NodeAgentTest : public ::testing::Test {
 protected:
  NodeAgentTest() {
    store_executor_ = loop_.MakeExecutor("store");
    server_executor_ = loop_.MakeExecutor("server");
    user_executor_ = loop_.MakeExecutor("user");
    store_ = store::MakeMemoryStore(*store_executor_);
    user_transport_ = std::make_unique<apiserver::InProcessTransport>(*user_executor_);
    user_ = std::make_unique<client::ApiClient>(*user_transport_, *user_executor_);
    StartServer();
  }
  ~NodeAgentTest() override {
    agent_.reset();
    agent_client_.reset();
    StopServer();
  }

  void StartServer() {
    apiserver::ApiServerOptions options;
    options.seed = 7;
    server_ = std::make_unique<apiserver::ApiServer>(*server_executor_, *server_executor_, *store_,
                                                     options);
    server_->Start([] {});
    agent_transport_->Connect(*server_, *server_executor_);
    user_transport_->Connect(*server_, *server_executor_);
    Run(absl::Seconds(1));
  }
  void StopServer() {
    agent_transport_->Disconnect();
    user_transport_->Disconnect();
    server_.reset();
  }
  void StartAgent(int64_t count = 3, NodeTemplate nodes = NodeTemplate::BuiltIn()) {
    NodeAgentOptions options;
    options.nodes = std::move(nodes);
    options.count = count;
    options.pods.lifecycle.start_delay = Delay::Fixed(absl::Milliseconds(200));
    options.pods.lifecycle.stop_delay = Delay::Fixed(absl::Seconds(2));
    agent_client_ = std::make_unique<client::ApiClient>(answers_, *agent_executor_);
    agent_ = std::make_unique<NodeAgent>(*agent_client_, std::move(options));
    agent_->Start();
    Run(absl::Seconds(2));
  }
  void StopAgent() {
    agent_.reset();
    agent_client_.reset();
  }
  void Run(absl::Duration time) { loop_.RunUntil(loop_.clock().Now() + time); }

  // Runs one call of the user to its end.
  template <typename R>
  R Await(const std::function<void(absl::AnyInvocable<void(R)>)>& call) {
    auto result = std::make_shared<std::optional<R>>();
    call([result](R r) { result->emplace(std::move(r)); });
    const absl::Time limit = loop_.clock().Now() + absl::Minutes(1);
    while (!result->has_value() && loop_.clock().Now() < limit) loop_.Step();
    EXPECT_TRUE(result->has_value());
    return std::move(**result);
  }
  template <typename T>
  using Got = absl::StatusOr<std::shared_ptr<const T>>;
  template <typename T>
  Got<T> Get(const std::string& namespace_name, const std::string& name) {
    return Await<Got<T>>(
        [&](auto done) { user_->Get<T>(namespace_name, name, std::move(done)); });
  }
  template <typename T>
  Got<T> Create(const T& object) {
    return Await<Got<T>>([&](auto done) { user_->Create<T>(object, std::move(done)); });
  }
  template <typename T>
  Got<T> Update(const T& object) {
    return Await<Got<T>>([&](auto done) { user_->Update<T>(object, std::move(done)); });
  }
  absl::Status Bind(const std::string& pod, const std::string& node) {
    return Await<absl::Status>(
        [&](auto done) { user_->Bind("default", pod, "", node, std::move(done)); });
  }
  absl::Status Delete(const std::string& pod, int64_t grace = -1) {
    client::DeleteOptions options;
    options.grace_period_s = grace;
    return Await<absl::Status>([&](auto done) {
      user_->Delete(api::ResourceOf<Pod>(), "default", pod, options, std::move(done));
    });
  }
  // A new pod on a node, as a scheduler would put it there.
  void MakeBound(PodBuilder builder, const std::string& name, const std::string& node) {
    Pod pod = builder.Build();
    pod.mutable_metadata()->clear_uid();
    pod.clear_status();
    const auto made = Create(pod);
    ASSERT_TRUE(made.ok()) << made.status();
    const absl::Status bound = Bind(name, node);
    ASSERT_TRUE(bound.ok()) << bound;
  }
  std::string Phase(const std::string& pod) {
    const auto got = Get<Pod>("default", pod);
    return got.ok() ? (*got)->status().phase() : api::Reason(got.status());
  }

  SimLoop loop_{11};
  std::unique_ptr<Executor> store_executor_, server_executor_, user_executor_;
  std::unique_ptr<Executor> agent_executor_ = loop_.MakeExecutor("agent");
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<apiserver::InProcessTransport> agent_transport_ =
      std::make_unique<apiserver::InProcessTransport>(*agent_executor_);
  std::unique_ptr<apiserver::InProcessTransport> user_transport_;
  HoldingTransport answers_{*agent_transport_};
  std::unique_ptr<apiserver::ApiServer> server_;
  std::unique_ptr<client::ApiClient> user_, agent_client_;
  std::unique_ptr<NodeAgent> agent_;
};

TEST_F(NodeAgentTest, RegistersNodesThatAreReady) {
  StartAgent();
  EXPECT_EQ(agent_->Stats().registered, 3);
  const auto node = Get<Node>("", "node-0002");
  ASSERT_TRUE(node.ok()) << node.status();
  EXPECT_EQ((*node)->metadata().labels().at("topology.kubernetes.io/zone"), "zone-2");
  EXPECT_EQ((*node)->status().allocatable().at("cpu").string(), "32");
  ASSERT_EQ((*node)->status().conditions_size(), 4);
  EXPECT_EQ((*node)->status().conditions(3).status(), "True");
}

TEST_F(NodeAgentTest, RenewsALeaseForEachNode) {
  StartAgent();
  Run(absl::Seconds(15));
  const auto first = Get<Lease>("kube-node-lease", "node-0003");
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ((*first)->spec().holder_identity(), "node-0003");
  EXPECT_EQ((*first)->spec().lease_duration_seconds(), 40);
  EXPECT_EQ((*first)->metadata().owner_references(0).kind(), "Node");
  Run(absl::Seconds(10));
  const auto second = Get<Lease>("kube-node-lease", "node-0003");
  ASSERT_TRUE(second.ok());
  const int64_t apart = (*second)->spec().renew_time().seconds() -
                        (*first)->spec().renew_time().seconds();
  EXPECT_EQ(apart, 10);
}

TEST_F(NodeAgentTest, RunsABoundPod) {
  StartAgent();
  MakeBound(PodBuilder("p"), "p", "node-0001");
  Run(absl::Seconds(1));
  const auto pod = Get<Pod>("default", "p");
  ASSERT_TRUE(pod.ok());
  EXPECT_EQ((*pod)->status().phase(), "Running");
  EXPECT_EQ((*pod)->status().host_ip(), "172.16.0.1");
  EXPECT_EQ((*pod)->status().pod_ip(), "10.0.0.2");
  EXPECT_EQ((*pod)->status().container_statuses(0).restart_count(), 0);
  EXPECT_EQ(agent_->Stats().status_writes, 1) << "a quick start is one write";
  EXPECT_EQ(agent_->Stats().running, 1);
}

TEST_F(NodeAgentTest, FinitePodsSucceed) {
  StartAgent();
  MakeBound(PodBuilder("job").Restart("Never").Annotation(kRunSecondsAnnotation, "5"), "job",
            "node-0001");
  Run(absl::Seconds(3));
  EXPECT_EQ(Phase("job"), "Running");
  Run(absl::Seconds(5));
  EXPECT_EQ(Phase("job"), "Succeeded");
  EXPECT_EQ(agent_->Stats().running, 0);
}

TEST_F(NodeAgentTest, DeletionTakesTheStopDelay) {
  StartAgent();
  MakeBound(PodBuilder("p"), "p", "node-0001");
  Run(absl::Seconds(1));
  ASSERT_TRUE(Delete("p").ok());
  Run(absl::Seconds(1));
  EXPECT_EQ(Phase("p"), "Running") << "still terminating";
  Run(absl::Seconds(2));
  EXPECT_EQ(Phase("p"), "NotFound");
  EXPECT_EQ(agent_->Stats().pods, 0);
  EXPECT_TRUE(agent_->pods().Quiet());
}

TEST_F(NodeAgentTest, APodWithTheSameNameIsAnotherPod) {
  StartAgent();
  MakeBound(PodBuilder("p"), "p", "node-0001");
  Run(absl::Seconds(1));
  ASSERT_TRUE(Delete("p", 0).ok());
  MakeBound(PodBuilder("p"), "p", "node-0002");
  Run(absl::Seconds(5));
  const auto pod = Get<Pod>("default", "p");
  ASSERT_TRUE(pod.ok());
  EXPECT_EQ((*pod)->status().phase(), "Running");
  EXPECT_EQ((*pod)->status().host_ip(), "172.16.0.2");
  EXPECT_EQ(agent_->Stats().pods, 1);
}

TEST_F(NodeAgentTest, RefusesWhatDoesNotFit) {
  StartAgent();
  // A pod made with a node name is never refused by the server; its kubelet decides.
  for (const char* name : {"a", "b"}) {
    Pod pod = PodBuilder(name).Request("cpu", "20").Build();
    pod.mutable_metadata()->clear_uid();
    pod.clear_status();
    pod.mutable_spec()->set_node_name("node-0001");
    const auto made = Create(pod);
    ASSERT_TRUE(made.ok()) << made.status();
    Run(absl::Seconds(1));
  }
  EXPECT_EQ(Phase("a"), "Running");
  const auto refused = Get<Pod>("default", "b");
  ASSERT_TRUE(refused.ok());
  EXPECT_EQ((*refused)->status().phase(), "Failed");
  EXPECT_EQ((*refused)->status().reason(), "OutOfcpu");
  EXPECT_EQ((*refused)->status().message(),
            "Pod was rejected: Node didn't have enough resource: cpu, requested: 20000, "
            "used: 20000, capacity: 32000");
  EXPECT_EQ(agent_->Stats().refused, 1);
}

TEST_F(NodeAgentTest, SurvivesTheServersRestart) {
  StartAgent();
  MakeBound(PodBuilder("a"), "a", "node-0001");
  Run(absl::Seconds(1));
  const int64_t writes = agent_->Stats().status_writes;
  StopServer();
  Run(absl::Seconds(30));
  StartServer();
  MakeBound(PodBuilder("b"), "b", "node-0001");
  Run(absl::Minutes(1));
  EXPECT_EQ(Phase("a"), "Running");
  EXPECT_EQ(Phase("b"), "Running");
  EXPECT_EQ(agent_->Stats().status_writes, writes + 1) << "a's status was true already";
  const auto lease = Get<Lease>("kube-node-lease", "node-0001");
  ASSERT_TRUE(lease.ok());
  EXPECT_GT((*lease)->spec().renew_time().seconds(),
            absl::ToUnixSeconds(loop_.clock().Now()) - 11);
}

// Its store was in memory, or its directory is gone.
TEST_F(NodeAgentTest, AServerThatLostItsDataIsToldOfAllNodesAgain) {
  StartAgent();
  MakeBound(PodBuilder("a"), "a", "node-0001");
  Run(absl::Seconds(1));
  ASSERT_EQ(Phase("a"), "Running");
  StopServer();
  store_ = store::MakeMemoryStore(*store_executor_, {}, 1'000'000);
  Run(absl::Seconds(5));
  StartServer();
  Run(absl::Minutes(2));
  EXPECT_TRUE(Get<Node>("", "node-0001").ok());
  EXPECT_EQ(agent_->Stats().pods, 0) << "the pod is gone with the rest";
  MakeBound(PodBuilder("b"), "b", "node-0001");
  Run(absl::Seconds(5));
  EXPECT_EQ(Phase("b"), "Running");
}

TEST_F(NodeAgentTest, ItsOwnRestartRestartsNothing) {
  StartAgent();
  MakeBound(PodBuilder("p"), "p", "node-0001");
  Run(absl::Seconds(1));
  const auto before = Get<Pod>("default", "p");
  StopAgent();
  MakeBound(PodBuilder("q"), "q", "node-0001");
  Run(absl::Seconds(30));
  StartAgent();
  Run(absl::Seconds(5));
  const auto after = Get<Pod>("default", "p");
  ASSERT_TRUE(before.ok() && after.ok());
  EXPECT_EQ((*before)->metadata().resource_version(), (*after)->metadata().resource_version());
  const auto q = Get<Pod>("default", "q");
  EXPECT_EQ((*q)->status().phase(), "Running");
  EXPECT_EQ((*q)->status().pod_ip(), "10.0.0.3") << "p still has its address";
  EXPECT_EQ(agent_->Stats().status_writes, 1);
}

TEST_F(NodeAgentTest, KeepsWhatOthersPutOnANode) {
  StartAgent();
  auto node = Get<Node>("", "node-0001");
  ASSERT_TRUE(node.ok());
  Node changed = **node;
  (*changed.mutable_metadata()->mutable_labels())["mine"] = "yes";
  changed.mutable_spec()->set_unschedulable(true);
  ASSERT_TRUE(Update(changed).ok());
  StopAgent();
  StartAgent();
  Run(absl::Minutes(10));  // past a status report
  node = Get<Node>("", "node-0001");
  ASSERT_TRUE(node.ok());
  EXPECT_EQ((*node)->metadata().labels().at("mine"), "yes");
  EXPECT_TRUE((*node)->spec().unschedulable());
  EXPECT_GT((*node)->status().conditions(0).last_heartbeat_time().seconds(),
            absl::ToUnixSeconds(loop_.clock().Now()) - 301);
}

TEST_F(NodeAgentTest, AStatusThatSomebodySpoiledIsPutRight) {
  StartAgent();
  MakeBound(PodBuilder("p"), "p", "node-0001");
  Run(absl::Seconds(1));
  const auto pod = Get<Pod>("default", "p");
  ASSERT_TRUE(pod.ok());
  Pod spoiled = **pod;
  spoiled.mutable_status()->set_phase("Pending");
  const auto written = Await<Got<Pod>>(
      [&](auto done) { user_->UpdateStatus<Pod>(spoiled, std::move(done)); });
  ASSERT_TRUE(written.ok()) << written.status();
  Run(absl::Seconds(2));
  EXPECT_EQ(Phase("p"), "Running");
}

// The answer of the agent's own write is late, and older than what the watch brought meanwhile.
TEST_F(NodeAgentTest, AStatusSpoiledDuringAWriteIsPutRight) {
  StartAgent();
  answers_.Hold();
  MakeBound(PodBuilder("p"), "p", "node-0001");
  Run(absl::Seconds(1));
  ASSERT_GT(answers_.held(), 0u);
  const auto pod = Get<Pod>("default", "p");
  ASSERT_TRUE(pod.ok());
  ASSERT_EQ((*pod)->status().phase(), "Running") << "written, and not answered";
  const auto scheduled = [](auto& conditions) {
    return std::find_if(conditions.begin(), conditions.end(),
                        [](const auto& each) { return each.type() == "PodScheduled"; });
  };
  Pod spoiled = **pod;
  auto& conditions = *spoiled.mutable_status()->mutable_conditions();
  ASSERT_NE(scheduled(conditions), conditions.end());
  scheduled(conditions)->set_status("False");
  const auto written = Await<Got<Pod>>(
      [&](auto done) { user_->UpdateStatus<Pod>(spoiled, std::move(done)); });
  ASSERT_TRUE(written.ok()) << written.status();
  Run(absl::Seconds(1));
  answers_.Release();
  Run(absl::Seconds(2));
  const auto healed = Get<Pod>("default", "p");
  ASSERT_TRUE(healed.ok());
  const auto& after = (*healed)->status().conditions();
  ASSERT_NE(scheduled(after), after.end());
  EXPECT_EQ(scheduled(after)->status(), "True");
}

TEST_F(NodeAgentTest, ADeletedNodeStaysAway) {
  StartAgent();
  const auto gone = Await<absl::Status>([&](auto done) {
    user_->Delete(api::ResourceOf<Node>(), "", "node-0002", {}, std::move(done));
  });
  ASSERT_TRUE(gone.ok()) << gone;
  Run(absl::Minutes(20));
  EXPECT_EQ(agent_->Stats().registered, 2);
  EXPECT_TRUE(api::IsNotFound(Get<Node>("", "node-0002").status()));
}

}  // namespace
}  // namespace berth::node
