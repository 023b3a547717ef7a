#include "bench/scheduler_perf/null_scheduler.h"

#include <map>

#include <gtest/gtest.h>

#include "api/resource_table.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/sim_executor.h"
#include "framework/memory_world.h"

namespace berth::bench {
namespace {

using api::core::Node;
using api::core::Pod;

class NullSchedulerTest : public ::testing::Test {
 protected:
  void AddNode(const std::string& name) {
    auto node = std::make_shared<Node>();
    node->mutable_metadata()->set_name(name);
    world_.Put(api::ResourceOf<Node>(), node);
  }
  void AddPod(const std::string& name, bool gated = false) {
    auto pod = std::make_shared<Pod>();
    pod->mutable_metadata()->set_namespace_("ns");
    pod->mutable_metadata()->set_name(name);
    pod->mutable_metadata()->set_uid(name);
    if (gated) pod->mutable_spec()->add_scheduling_gates()->set_name("wait");
    world_.Put(api::ResourceOf<Pod>(), pod);
  }
  std::string NodeOf(const std::string& name) {
    const auto pod = world_.Get(api::ResourceOf<Pod>(), "ns", name);
    return static_cast<const Pod&>(*pod).spec().node_name();
  }

  void RunUntilIdle() {
    while (loop_.Step()) {
    }
  }

  SimLoop loop_{1};
  std::unique_ptr<Executor> executor_ = loop_.MakeExecutor("null");
  framework::MemoryWorld world_{*executor_};
};

TEST_F(NullSchedulerTest, NodesInTurn) {
  NullScheduler scheduler(world_, world_);
  AddPod("early");
  RunUntilIdle();
  EXPECT_EQ(NodeOf("early"), "");
  AddNode("a");
  AddNode("b");
  AddPod("second");
  AddPod("third");
  AddPod("gated", true);
  RunUntilIdle();
  EXPECT_EQ(NodeOf("early"), "a");
  EXPECT_EQ(NodeOf("second"), "b");
  EXPECT_EQ(NodeOf("third"), "a");
  EXPECT_EQ(NodeOf("gated"), "");
  AddPod("gated");  // its gate went
  RunUntilIdle();
  EXPECT_EQ(NodeOf("gated"), "b");
}

TEST_F(NullSchedulerTest, TriesTheNextNodeWhenOneRefuses) {
  std::map<std::string, int> tries;
  world_.on_bind = [&](const Pod& pod, std::string_view node) {
    ++tries[pod.metadata().name()];
    const bool full = node == "full" || pod.metadata().name() == "huge";
    return full ? absl::AbortedError("no room") : absl::OkStatus();
  };
  int events = 0;
  world_.on_event = [&](const framework::EventNote& note) {
    EXPECT_EQ(note.note, "Successfully assigned ns/p to free");
    ++events;
  };
  NullScheduler scheduler(world_, world_);
  AddNode("full");
  AddNode("free");
  AddPod("p");
  RunUntilIdle();
  EXPECT_EQ(NodeOf("p"), "free");
  EXPECT_EQ(tries["p"], 2);
  AddPod("huge");
  RunUntilIdle();
  EXPECT_EQ(NodeOf("huge"), "");
  EXPECT_EQ(tries["huge"], NullScheduler::kTriesMax);
  EXPECT_EQ(events, 1);
}

}  // namespace
}  // namespace berth::bench
