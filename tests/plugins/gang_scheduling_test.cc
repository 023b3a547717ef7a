// Gangs: the plugin's rules, and whole groups through the engine.
#include "plugins/gang_scheduling/gang_scheduling.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "api/resource_table.h"
#include "api/schema/scheduling_v1alpha2.pb.h"
#include "base/random.h"
#include "base/sim_executor.h"
#include "framework/cycle/scheduler_engine.h"
#include "framework/memory_world.h"
#include "plugins/registry.h"
#include "tests/framework/builders.h"
#include "tests/plugins/harness.h"

namespace berth::plugins::gang_scheduling {
namespace {

using api::gang::PodGroup;
using framework::PodGroupFeatures;
using framework::testing::MakeNode;
using framework::testing::MakePod;
using plugins::testing::FakeHandle;

MakePod Member(std::string_view name, std::string_view group) {
  MakePod pod(name);
  pod.message().mutable_spec()->mutable_scheduling_group()->set_pod_group_name(group.data(),
                                                                               group.size());
  return pod;
}

// min_count 0: the basic policy.
std::shared_ptr<PodGroup> Group(std::string_view name, int32_t min_count,
                                std::string_view topology_key = {}) {
  auto group = std::make_shared<PodGroup>();
  group->mutable_metadata()->set_namespace_("default");
  group->mutable_metadata()->set_name(name.data(), name.size());
  auto& policy = *group->mutable_spec()->mutable_scheduling_policy();
  if (min_count > 0) {
    policy.mutable_gang()->set_min_count(min_count);
  } else {
    policy.mutable_basic();
  }
  if (!topology_key.empty()) {
    group->mutable_spec()->mutable_scheduling_constraints()->add_topology()->set_key(
        topology_key.data(), topology_key.size());
  }
  return group;
}

TEST(GangSchedulingTest, WaitsForItsGroupAndItsMembers) {
  FakeHandle handle;
  GangScheduling plugin(handle);
  EXPECT_TRUE(plugin.PreEnqueue(*MakePod("alone").Info()).ok());
  const auto pod = Member("p", "g").Info();
  EXPECT_EQ(plugin.PreEnqueue(*pod),
            framework::Unresolvable(
                "waiting for pods's pod group \"g\" to appear in scheduling queue"));
  handle.world.Put(api::ResourceOf<PodGroup>(), Group("g", 2));
  handle.counts.all = 1;
  EXPECT_EQ(plugin.PreEnqueue(*pod),
            framework::Unresolvable(
                "waiting for minCount pods from a gang to appear in scheduling queue"));
  handle.counts.all = 2;
  EXPECT_TRUE(plugin.PreEnqueue(*pod).ok());
  handle.counts = {};
  handle.world.Put(api::ResourceOf<PodGroup>(), Group("g", 0));
  EXPECT_TRUE(plugin.PreEnqueue(*pod).ok()) << "the basic policy gates nobody";
}

TEST(GangSchedulingTest, PermitWaitsForMinCount) {
  FakeHandle handle;
  GangScheduling plugin(handle);
  framework::CycleState state;
  const auto pod = Member("p", "g").Info();
  EXPECT_TRUE(plugin.Permit(state, *MakePod("alone").Info(), "n").status.ok());
  handle.world.Put(api::ResourceOf<PodGroup>(), Group("g", 3));
  handle.counts.placed = 2;
  const framework::PermitResult waits = plugin.Permit(state, *pod, "n");
  EXPECT_EQ(waits.status,
            framework::Wait("waiting for minCount pods from a gang to be scheduled"));
  EXPECT_EQ(waits.timeout, absl::Minutes(5));
  handle.counts.placed = 3;
  EXPECT_TRUE(plugin.Permit(state, *pod, "n").status.ok());
}

// An engine with gangs, in a world in memory.
class GangEngineTest : public ::testing::Test {
 protected:
  GangEngineTest() {
    world_.on_event = [this](const framework::EventNote& note) {
      events_.push_back(note.reason + ": " + note.note);
    };
    world_.on_patch = [this](std::string_view key, std::string_view patch) {
      patches_.push_back(std::string(key) + " " + std::string(patch));
      return absl::OkStatus();
    };
  }
  ~GangEngineTest() override { engine_.reset(); }

  void Start(PodGroupFeatures features = {.generic_workload = true, .gang_scheduling = true}) {
    for (framework::PluginEntry& entry : InTreePlugins()) {
      ASSERT_TRUE(registry_.Register(std::move(entry)).ok());
    }
    framework::EngineOptions options;
    options.pod_groups = features;
    options.queue.retries_pod_groups = features.generic_workload;
    engine_ = std::make_unique<framework::Engine>(options, *executor_, world_, world_);
    framework::ProfileConfig profile;
    profile.plugins = framework::MergeWithDefaults({}, features);
    ASSERT_TRUE(engine_->AddProfile(profile, registry_).ok());
    ASSERT_TRUE(engine_->Start().ok());
  }
  void Put(const MakeNode& node) { world_.Put(api::ResourceOf<api::core::Node>(), node.Object()); }
  void Put(const MakePod& pod) { world_.Put(api::ResourceOf<api::core::Pod>(), pod.Object()); }
  void Put(std::shared_ptr<PodGroup> group) {
    world_.Put(api::ResourceOf<PodGroup>(), std::move(group));
  }
  void Run(absl::Duration time = absl::Milliseconds(100)) {
    loop_.RunUntil(loop_.clock().Now() + time);
    const absl::Status consistent = engine_->CheckConsistency();
    EXPECT_TRUE(consistent.ok()) << consistent;
    EXPECT_EQ(engine_->SweepQueue(), 0);
  }
  std::string NodeOf(std::string_view pod) {
    const auto object = world_.Get(api::ResourceOf<api::core::Pod>(), "default", pod);
    return object ? static_cast<const api::core::Pod&>(*object).spec().node_name() : "(gone)";
  }
  bool Happened(std::string_view text) const { return Holds(events_, text); }
  bool Patched(std::string_view text) const { return Holds(patches_, text); }
  static bool Holds(const std::vector<std::string>& list, std::string_view text) {
    return std::any_of(list.begin(), list.end(), [&](const std::string& held) {
      return held.find(text) != std::string::npos;
    });
  }

  SimLoop loop_{1};
  std::unique_ptr<Executor> executor_ = loop_.MakeExecutor("engine");
  framework::MemoryWorld world_{*executor_};
  framework::Registry registry_;
  std::unique_ptr<framework::Engine> engine_;
  std::vector<std::string> events_, patches_;
};

TEST_F(GangEngineTest, AllTogether) {
  Put(MakeNode("n").Capacity("3", "8Gi"));
  Put(Group("g", 3));
  Start();
  Put(Member("a", "g").Req("1"));
  Put(Member("b", "g").Req("1"));
  Run(absl::Minutes(1));
  EXPECT_EQ(NodeOf("a"), "");
  EXPECT_EQ(engine_->counts().queue.gated, 2);
  Put(Member("c", "g").Req("1"));
  Run(absl::Seconds(10));
  for (const char* pod : {"a", "b", "c"}) EXPECT_EQ(NodeOf(pod), "n") << pod;
  EXPECT_TRUE(Patched(R"(default/g {"status":{"conditions":[{"type":"PodGroupScheduled",)"
                      R"("status":"True")"));
}

TEST_F(GangEngineTest, OrNotAtAll) {
  Put(MakeNode("n").Capacity("2", "8Gi"));
  Put(Group("g", 3));
  Start();
  for (const char* pod : {"a", "b", "c"}) Put(Member(pod, "g").Req("1"));
  Run(absl::Seconds(10));
  for (const char* pod : {"a", "b", "c"}) EXPECT_EQ(NodeOf(pod), "") << pod;
  EXPECT_EQ(engine_->counts().assumed_pods, 0);
  EXPECT_TRUE(Happened("FailedScheduling: pod group is unschedulable, one or more plugins asked to "
                       "wait and no plugin rejected pod"));
  EXPECT_TRUE(Happened("FailedScheduling: 0/1 nodes are available: 1 Insufficient cpu."));
  EXPECT_TRUE(Patched(R"("reason":"Unschedulable","message":"pod group is unschedulable")"));
  // The room is there for others meanwhile.
  Put(MakePod("other").Req("2"));
  Run();
  EXPECT_EQ(NodeOf("other"), "n");
  Put(MakeNode("n2").Capacity("3", "8Gi"));
  Run(absl::Seconds(30));
  for (const char* pod : {"a", "b", "c"}) EXPECT_EQ(NodeOf(pod), "n2") << pod;
}

TEST_F(GangEngineTest, MoreThanMinCountIsAsMuchAsFits) {
  Put(MakeNode("n").Capacity("3", "8Gi"));
  Put(Group("g", 2));
  Start();
  for (const char* pod : {"a", "b", "c", "d"}) Put(Member(pod, "g").Req("1"));
  Run(absl::Seconds(30));
  int bound = 0;
  for (const char* pod : {"a", "b", "c", "d"}) bound += NodeOf(pod) == "n";
  EXPECT_EQ(bound, 3);
}

TEST_F(GangEngineTest, TheBasicPolicyTakesWhatFits) {
  Put(MakeNode("n").Capacity("1", "8Gi"));
  Put(Group("g", 0));
  Start();
  for (const char* pod : {"a", "b"}) Put(Member(pod, "g").Req("1"));
  Run(absl::Seconds(10));
  EXPECT_EQ((NodeOf("a") == "n") + (NodeOf("b") == "n"), 1);
}

TEST_F(GangEngineTest, WithoutTheGatesTheFieldMeansNothing) {
  Put(MakeNode("n").Capacity("1", "8Gi"));
  Put(Group("g", 2));
  Start({});
  Put(Member("a", "g").Req("1"));
  Run();
  EXPECT_EQ(NodeOf("a"), "n");
}

TEST_F(GangEngineTest, OneSchedulerForAll) {
  Put(MakeNode("n").Capacity("8", "8Gi"));
  Put(Group("g", 1));
  Start();
  // The first is waiting for its own scheduler's backoff when the other comes.
  framework::testing::MakePod other = Member("b", "g");
  other.Scheduler("other-scheduler");
  Put(other);
  Put(Member("a", "g"));
  Run();
  EXPECT_EQ(NodeOf("a"), "n") << "a pod of a scheduler that is not ours is not in our queue";
}

// Each gang fits alone, and both do not: one is bound whole, and the other waits whole.
TEST_F(GangEngineTest, TwoGangsDoNotHoldEachOtherUp) {
  for (int i = 0; i < 4; ++i) {
    Put(MakeNode("n" + std::to_string(i)).Capacity("1", "8Gi"));
  }
  Put(Group("g", 3));
  Put(Group("h", 3));
  Start();
  for (int i = 0; i < 3; ++i) {
    Put(Member("g" + std::to_string(i), "g").Req("1"));
    Put(Member("h" + std::to_string(i), "h").Req("1"));
  }
  Run(absl::Minutes(1));
  std::map<char, int> bound;
  for (int i = 0; i < 3; ++i) {
    bound['g'] += !NodeOf("g" + std::to_string(i)).empty();
    bound['h'] += !NodeOf("h" + std::to_string(i)).empty();
  }
  EXPECT_EQ(bound['g'] + bound['h'], 3);
  EXPECT_EQ(bound['g'] * bound['h'], 0);
  EXPECT_EQ(engine_->counts().assumed_pods, 0);
}

TEST_F(GangEngineTest, AGangPreemptsAndThenTakesTheRoom) {
  Put(MakeNode("n").Capacity("2", "8Gi"));
  Put(MakePod("old1").Node("n").Req("1").Priority(0));
  Put(MakePod("old2").Node("n").Req("1").Priority(0));
  Put(Group("g", 2));
  Start();
  for (const char* pod : {"a", "b"}) Put(Member(pod, "g").Req("1").Priority(10));
  Run(absl::Seconds(1));
  EXPECT_TRUE(Patched("pod group is waiting for preemption to complete"));
  const int64_t attempts = engine_->counts().attempts;
  Run(absl::Minutes(2));
  for (const char* pod : {"a", "b"}) EXPECT_EQ(NodeOf(pod), "n") << pod;
  EXPECT_LE(engine_->counts().attempts, attempts + 2) << "their own nominations are in their way";
}

TEST_F(GangEngineTest, WithoutAnyNodeTheGroupIsUnschedulable) {
  Put(Group("g", 2));
  Start();
  for (const char* pod : {"a", "b"}) Put(Member(pod, "g").Req("1"));
  Run(absl::Seconds(1));
  EXPECT_TRUE(Happened("FailedScheduling: no nodes available to schedule pods"));
  EXPECT_TRUE(Patched(R"("reason":"Unschedulable","message":"pod group is unschedulable")"));
  Put(MakeNode("n").Capacity("2", "8Gi"));
  Run(absl::Seconds(30));
  for (const char* pod : {"a", "b"}) EXPECT_EQ(NodeOf(pod), "n") << pod;
}

TEST_F(GangEngineTest, LargeGangsTakeTimeInProportion) {
  Put(MakeNode("n").Capacity("10000", "64Gi", "10000"));
  Put(Group("g", 1000));
  Start();
  for (int i = 0; i < 1000; ++i) Put(Member("p" + std::to_string(i), "g").Req("1"));
  Run(absl::Seconds(1));
  EXPECT_EQ(engine_->counts().bound, 1000);
}

constexpr PodGroupFeatures kTopology = {
    .generic_workload = true, .gang_scheduling = true, .topology_aware = true};

TEST_F(GangEngineTest, AGroupStaysInOneRack) {
  for (const auto& [node, rack] : {std::pair<const char*, const char*>{"a1", "a"},
                                   {"b1", "b"}, {"a2", "a"}, {"b2", "b"}, {"b3", "b"}}) {
    Put(MakeNode(node).Capacity("1", "8Gi").Label("rack", rack));
  }
  Put(Group("g", 3, "rack"));
  Start(kTopology);
  for (const char* pod : {"x", "y", "z"}) Put(Member(pod, "g").Req("1"));
  Run(absl::Seconds(10));
  std::set<std::string> nodes;
  for (const char* pod : {"x", "y", "z"}) nodes.insert(NodeOf(pod));
  EXPECT_EQ(nodes, (std::set<std::string>{"b1", "b2", "b3"}));
  // The rest of the cluster is as it was.
  Put(MakePod("other1").Req("1"));
  Put(MakePod("other2").Req("1"));
  Run();
  EXPECT_EQ((std::set<std::string>{NodeOf("other1"), NodeOf("other2")}),
            (std::set<std::string>{"a1", "a2"}));
}

// A placement says where the members may go, not what else there is.
TEST_F(GangEngineTest, PodsOfOtherRacksCountWhereARackIsTried) {
  for (const auto& [node, rack] :
       {std::pair<const char*, const char*>{"a1", "a"}, {"b1", "b"}}) {
    Put(MakeNode(node).Capacity("4", "8Gi").Label("rack", rack).Zone("z"));
  }
  // On rack b; nobody else may be in its zone.
  MakePod hermit = MakePod("hermit").Node("b1").RequiredAntiAffinity("topology.kubernetes.io/zone");
  hermit.message().mutable_spec()->mutable_affinity()->mutable_pod_anti_affinity()
      ->mutable_required_during_scheduling_ignored_during_execution(0)->mutable_label_selector();
  Put(hermit);
  Put(Group("g", 1, "rack"));
  Start(kTopology);
  Put(Member("x", "g").Req("1"));
  Run(absl::Seconds(10));
  EXPECT_EQ(NodeOf("x"), "");
}

TEST_F(GangEngineTest, NoRackIsLargeEnough) {
  for (const auto& [node, rack] : {std::pair<const char*, const char*>{"a1", "a"},
                                   {"b1", "b"}, {"a2", "a"}}) {
    Put(MakeNode(node).Capacity("1", "8Gi").Label("rack", rack));
  }
  Put(Group("g", 3, "rack"));
  Start(kTopology);
  for (const char* pod : {"x", "y", "z"}) Put(Member(pod, "g").Req("1"));
  Run(absl::Seconds(10));
  for (const char* pod : {"x", "y", "z"}) EXPECT_EQ(NodeOf(pod), "") << pod;
  EXPECT_TRUE(Patched("0/2 placements are available, first placement status: pod group is "
                      "unschedulable"));
}

TEST_F(GangEngineTest, ThePlacementWithMorePodsIsBetter) {
  for (const auto& [node, rack, cpu] :
       {std::tuple<const char*, const char*, const char*>{"a1", "a", "2"}, {"b1", "b", "3"}}) {
    Put(MakeNode(node).Capacity(cpu, "8Gi").Label("rack", rack));
  }
  Put(Group("g", 2, "rack"));
  Start(kTopology);
  for (const char* pod : {"x", "y", "z"}) Put(Member(pod, "g").Req("1"));
  Run(absl::Seconds(10));
  for (const char* pod : {"x", "y", "z"}) EXPECT_EQ(NodeOf(pod), "b1") << pod;
}

// Random gangs come, go and grow: never fewer bound at once than minCount, and nobody is lost.
TEST_F(GangEngineTest, RandomGangsAreBoundWholeOrNotAtAll) {
  Random random(7);
  for (int i = 0; i < 6; ++i) {
    Put(MakeNode("n" + std::to_string(i)).Capacity("4", "64Gi"));
  }
  Start();
  std::map<std::string, int> min_counts, made;
  for (int step = 0; step < 120; ++step) {
    const std::string group = "g" + std::to_string(random.Below(12));
    if (!min_counts.contains(group)) {
      min_counts[group] = 1 + static_cast<int>(random.Below(6));
      Put(Group(group, min_counts[group]));
    }
    const std::string name = group + "-" + std::to_string(made[group]++);
    Put(Member(name, group).Req(std::to_string(1 + random.Below(2))));
    Run(absl::Milliseconds(static_cast<int64_t>(random.Below(3000))));
    std::map<std::string, int> bound;
    world_.ForEach(api::ResourceOf<api::core::Pod>(), "", [&](const framework::ObjectPtr& held) {
      const auto& pod = static_cast<const api::core::Pod&>(*held);
      bound[std::string(framework::PodGroupOf(pod))] += !pod.spec().node_name().empty();
    });
    for (const auto& [name_of, count] : bound) {
      EXPECT_TRUE(count == 0 || count >= min_counts[name_of]) << name_of << ": " << count;
    }
    EXPECT_EQ(engine_->counts().assumed_pods, 0);
  }
}

}  // namespace
}  // namespace berth::plugins::gang_scheduling
