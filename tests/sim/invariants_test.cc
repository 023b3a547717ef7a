// The observer against stores that do what they must not: each invariant has its breach.
#include "tests/sim/invariants.h"

#include <string>

#include <gtest/gtest.h>

#include "api/envelope.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/sim_executor.h"
#include "cluster/store/memory_store.h"

namespace berth::sim {
namespace {

using api::core::Node;
using api::core::Pod;

class InvariantsTest : public ::testing::Test {
 protected:
  InvariantsTest()
      : loop_(1),
        executor_(loop_.MakeExecutor("store")),
        store_(store::MakeMemoryStore(*executor_)),
        observer_(std::make_unique<Observer>(*store_, *executor_, probes_)) {
    Node node;
    node.mutable_metadata()->set_name("n");
    auto& allocatable = *node.mutable_status()->mutable_allocatable();
    allocatable["cpu"].set_string("1");
    allocatable["memory"].set_string("1Gi");
    allocatable["pods"].set_string("2");
    Write("/registry/minions/n", node, "Node");
    loop_.RunUntil(loop_.clock().Now() + absl::Minutes(1));  // it has been there for a while
  }
  ~InvariantsTest() override {
    observer_.reset();
    store_.reset();
  }

  static Pod MakePod(const std::string& name, const std::string& cpu, int port = 0) {
    Pod pod;
    pod.mutable_metadata()->set_namespace_("default");
    pod.mutable_metadata()->set_name(name);
    pod.mutable_metadata()->set_uid("uid-" + name);
    pod.mutable_spec()->set_scheduler_name("s");
    pod.mutable_status()->set_phase("Pending");
    auto& container = *pod.mutable_spec()->add_containers();
    (*container.mutable_resources()->mutable_requests())["cpu"].set_string(cpu);
    if (port > 0) container.add_ports()->set_host_port(port);
    return pod;
  }
  void Write(const std::string& key, const google::protobuf::Message& object,
             std::string_view kind) {
    std::string bytes;
    api::AppendEnvelope(object, "v1", kind, api::MapOrder::kByKey, bytes);
    store::TxnRequest request;
    request.writes.push_back({.key = key, .value = MakeBytes(std::move(bytes))});
    Txn(std::move(request));
  }
  void Put(const Pod& pod) { Write("/registry/pods/default/" + pod.metadata().name(), pod, "Pod"); }
  void Remove(const std::string& name) {
    store::TxnRequest request;
    request.writes.push_back(
        {.kind = store::Write::Kind::kDelete, .key = "/registry/pods/default/" + name});
    Txn(std::move(request));
  }
  void Txn(store::TxnRequest request) {
    store_->Txn(std::move(request), [this](auto result) { revision_ = result->revision; });
    Settle();
  }
  void Settle() { loop_.RunUntil(loop_.clock().Now() + absl::Milliseconds(1)); }
  // Created without a node, then bound: what a scheduler does.
  void Bind(Pod pod) {
    Put(pod);
    pod.mutable_spec()->set_node_name("n");
    Put(pod);
  }
  std::string Violation() {
    Settle();
    if (observer_->violations().empty()) return "";
    return observer_->violations().front();
  }

  SimLoop loop_;
  std::unique_ptr<Executor> executor_;
  std::unique_ptr<store::Store> store_;
  Probes probes_;
  std::unique_ptr<Observer> observer_;
  store::Revision revision_ = 0;
};

TEST_F(InvariantsTest, AnOrderlyLifeIsFine) {
  Pod pod = MakePod("a", "600m");
  Bind(pod);
  pod.mutable_spec()->set_node_name("n");
  pod.mutable_status()->set_phase("Running");
  Put(pod);
  pod.mutable_status()->set_phase("Succeeded");
  Put(pod);
  Bind(MakePod("b", "600m"));  // the first takes no room any more
  Remove("a");
  EXPECT_EQ(Violation(), "");
}

TEST_F(InvariantsTest, OverCommitment) {
  const struct {
    std::string name;
    std::vector<Pod> pods;
  } cases[] = {
      {"cpu", {MakePod("a", "600m"), MakePod("b", "600m")}},
      {"pods", {MakePod("c", "1m"), MakePod("d", "1m"), MakePod("e", "1m")}},
      {"host ports", {MakePod("f", "1m", 80), MakePod("g", "1m", 80)}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const size_t before = observer_->violations().size();
    for (const Pod& pod : c.pods) Bind(pod);
    Settle();
    ASSERT_EQ(observer_->violations().size(), before + 1);
    EXPECT_NE(observer_->violations().back().find("over-committed"), std::string::npos);
    for (const Pod& pod : c.pods) Remove(pod.metadata().name());
  }
}

TEST_F(InvariantsTest, APodIsMoved) {
  Pod pod = MakePod("a", "1m");
  Bind(pod);
  pod.mutable_spec()->set_node_name("m");
  Put(pod);
  EXPECT_EQ(Violation(), "pod default/a was moved from n to m");
}

TEST_F(InvariantsTest, APhaseGoesBack) {
  Pod pod = MakePod("a", "1m");
  Bind(pod);
  pod.mutable_spec()->set_node_name("n");
  for (const char* phase : {"Failed", "Running"}) {
    pod.mutable_status()->set_phase(phase);
    Put(pod);
  }
  EXPECT_EQ(Violation(), "pod default/a went from Failed to Running");
}

TEST_F(InvariantsTest, AContainerIsStartedTwice) {
  Pod pod = MakePod("a", "1m");
  Bind(pod);
  pod.mutable_spec()->set_node_name("n");
  pod.mutable_status()->set_phase("Running");
  auto& running = *pod.mutable_status()->add_container_statuses()->mutable_state()
                       ->mutable_running();
  for (const int64_t at : {100, 200}) {
    running.mutable_started_at()->set_seconds(at);
    Put(pod);
  }
  EXPECT_EQ(Violation(), "pod default/a was started twice: at 100 and at 200");
}

TEST_F(InvariantsTest, ANodeRefusesWhatWasBoundToIt) {
  Pod pod = MakePod("a", "1m");
  Bind(pod);
  pod.mutable_spec()->set_node_name("n");
  pod.mutable_status()->set_phase("Failed");
  pod.mutable_status()->set_reason("OutOfcpu");
  Put(pod);
  EXPECT_EQ(Violation(), "pod default/a was refused by its node n: OutOfcpu ");
}

TEST_F(InvariantsTest, ADeletionIsTakenBack) {
  Pod pod = MakePod("a", "1m");
  pod.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(1);
  Put(pod);
  pod.mutable_metadata()->clear_deletion_timestamp();
  Put(pod);
  EXPECT_EQ(Violation(), "pod default/a: its deletion was taken back");
}

TEST_F(InvariantsTest, Claims) {
  Put(MakePod("a", "1m"));
  const std::string key = "/registry/pods/default/a";
  observer_->Claim("a client", key, revision_);
  observer_->ClaimBinder("s", "s", "uid-a");
  EXPECT_EQ(Violation(), "");
  observer_->Claim("a client", key, revision_ - 1);
  observer_->ClaimBound("uid-a", "n");
  observer_->ClaimGone(key, "uid-a");
  observer_->ClaimBinder("t", "t", "uid-a");
  Settle();
  EXPECT_EQ(observer_->violations().size(), 4u);
  EXPECT_EQ(observer_->claims_open(), 0);
}

}  // namespace
}  // namespace berth::sim
