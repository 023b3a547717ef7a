// Pods that are nominated to a node share evaluations with their equals: what is decided for them
// is what the plain path decides, while nominations come, move and go, and victims leave.
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "api/resource_table.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/random.h"
#include "base/sim_executor.h"
#include "framework/cycle/scheduler_engine.h"
#include "framework/memory_world.h"
#include "framework/registry.h"
#include "plugins/registry.h"
#include "tests/framework/builders.h"
#include "tests/framework/fake_plugins.h"

namespace berth::framework::testing {
namespace {

class LastDecision final : public Metrics {
 public:
  void Decision(bool reused, int64_t) override { was_reused = reused; }
  bool was_reused = false;
};

// A small full cluster where pods of higher priority make room for themselves, and a world that
// shows what is patched. The same for every engine that looks at it.
class PreemptingCluster {
 public:
  struct Outcome {
    std::vector<std::string> log;  // events and decisions, in order
    int nominated = 0;             // decisions about pods with a nomination
    int nominated_shared = 0;      // of these, reused ones
    int room_taken = 0;            // of these, for the very node
  };

  PreemptingCluster(uint64_t seed, const ProfileConfig& profile, const Registry& registry,
                    const EngineOptions& options)
      : random_(seed), engine_(options, *executor_, world_, world_, &metrics_) {
    world_.on_event = [this](const EventNote& note) {
      const auto& pod = static_cast<const api::core::Pod&>(*note.regarding);
      out_.log.push_back(pod.metadata().name() + ": " + note.note);
    };
    world_.on_patch = [this](std::string_view key, std::string_view patch) {
      executor_->Post([this, name = std::string(key.substr(key.find('/') + 1)),
                       patch = std::string(patch)] { ShowPatch(name, patch); });
      return absl::OkStatus();
    };
    engine_.OnDecision([this](std::string_view key, std::string_view node) { Note(key, node); });
    EXPECT_TRUE(engine_.AddProfile(profile, registry).ok());
    EXPECT_TRUE(engine_.Start().ok());
  }

  Outcome Run(int steps) {
    for (int i = 0; i < 8; ++i) PutNode(i);
    for (int step = 0; step < steps; ++step) {
      Step();
      if (step % 2 == 0) Pass(absl::Milliseconds(random_.Between(1, 1500)));
    }
    Pass(absl::Seconds(60));
    EXPECT_TRUE(engine_.CheckConsistency().ok()) << engine_.CheckConsistency();
    EXPECT_EQ(engine_.counts().evaluations_wrong, 0);
    engine_.Stop();
    return out_;
  }

 private:
  const api::core::Pod* Find(std::string_view name) const {
    return static_cast<const api::core::Pod*>(
        world_.Get(api::ResourceOf<api::core::Pod>(), "default", name).get());
  }
  std::string AnyNode() { return "n" + std::to_string(random_.Below(8)); }
  void Pass(absl::Duration time) { loop_.RunUntil(loop_.clock().Now() + time); }

  void Step() {
    const std::string name = "p" + std::to_string(random_.Below(40));
    switch (random_.Below(12)) {
      case 0: return PutNode(static_cast<int>(random_.Below(8)));
      case 1: return world_.Remove(api::ResourceOf<api::core::Pod>(), "default", name);
      case 2: return Nominate(name, "");
      case 3:
      case 4: return Nominate(name, AnyNode());
      case 5:
      case 6: return PutPod(name, static_cast<int32_t>(random_.Below(2)), AnyNode());
      default: return PutPod(name, static_cast<int32_t>(1 + random_.Below(4)), "");
    }
  }

  void PutNode(int i) {
    MakeNode node("n" + std::to_string(i));
    node.Capacity(std::to_string(2 + random_.Below(2)), "8Gi", "6");
    node.Zone("z" + std::to_string(i % 3));
    if (random_.Chance(0.3)) node.Taint("soft", "v", "PreferNoSchedule");
    if (random_.Chance(0.15)) node.Taint("k", "v", "NoSchedule");
    node.Revision(++revision_);
    world_.Put(api::ResourceOf<api::core::Node>(), node.Object());
  }

  void PutPod(const std::string& name, int32_t priority, const std::string& node) {
    if (Find(name) != nullptr) return;
    MakePod pod(name);
    ++revision_;
    pod.Uid(name + "-" + std::to_string(revision_)).Revision(revision_).Priority(priority);
    pod.Req(random_.Chance(0.5) ? "1" : "2", "100Mi");
    if (random_.Chance(0.2)) pod.HostPort(80);
    if (!node.empty()) pod.Node(node);
    if (node.empty() && random_.Chance(0.3)) pod.NominatedNode(AnyNode());
    world_.Put(api::ResourceOf<api::core::Pod>(), pod.Object());
  }

  void Nominate(const std::string& name, const std::string& node) {
    const api::core::Pod* held = Find(name);
    if (held == nullptr || !held->spec().node_name().empty()) return;
    auto pod = std::make_shared<api::core::Pod>(*held);
    pod->mutable_status()->set_nominated_node_name(node);
    pod->mutable_metadata()->set_resource_version(std::to_string(++revision_));
    world_.Put(api::ResourceOf<api::core::Pod>(), pod);
  }

  // Of what is patched, the nomination.
  void ShowPatch(const std::string& name, const std::string& patch) {
    constexpr std::string_view kField = R"("nominatedNodeName":)";
    const size_t at = patch.find(kField);
    if (at == std::string::npos || random_.Chance(0.3)) return;  // some are heard of late, or never
    const std::string_view rest = std::string_view(patch).substr(at + kField.size());
    Nominate(name, rest[0] == '"' ? std::string(rest.substr(1, rest.find('"', 1) - 1)) : "");
  }

  void Note(std::string_view key, std::string_view node) {
    const std::string name(key.substr(key.find('/') + 1));
    out_.log.push_back(name + " -> " + std::string(node));
    const api::core::Pod* pod = Find(name);
    if (pod == nullptr || pod->status().nominated_node_name().empty()) return;
    ++out_.nominated;
    if (!metrics_.was_reused) return;
    ++out_.nominated_shared;
    if (pod->status().nominated_node_name() == node) ++out_.room_taken;
  }

  Random random_;
  SimLoop loop_{1};
  std::unique_ptr<Executor> executor_ = loop_.MakeExecutor("engine");
  MemoryWorld world_{*executor_};
  LastDecision metrics_;
  Engine engine_;
  Outcome out_;
  int64_t revision_ = 0;
};

class NominatedPodsTest : public ::testing::TestWithParam<TieBreak> {};

TEST_P(NominatedPodsTest, SharedAndPlain) {
  Registry registry;
  for (PluginEntry& entry : plugins::InTreePlugins()) {
    ASSERT_TRUE(registry.Register(std::move(entry)).ok());
  }
  ProfileConfig profile;
  profile.plugins = MergeWithDefaults({});
  int nominated = 0, nominated_shared = 0, room_taken = 0;
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    EngineOptions shared;
    shared.tie_break = GetParam();
    shared.verify_evaluations = 1;
    EngineOptions plain = shared;
    plain.evaluation_cache_bytes = 0;
    const auto a = PreemptingCluster(seed, profile, registry, shared).Run(300);
    const auto b = PreemptingCluster(seed, profile, registry, plain).Run(300);
    ASSERT_EQ(a.log, b.log);
    EXPECT_EQ(b.nominated_shared, 0);
    nominated += a.nominated;
    nominated_shared += a.nominated_shared;
    room_taken += a.room_taken;
  }
  EXPECT_GT(nominated, 200) << "nobody was nominated: nothing was judged";
  EXPECT_GT(nominated_shared, 100) << "the shared path was not taken";
  EXPECT_LT(room_taken, nominated_shared);
}
INSTANTIATE_TEST_SUITE_P(TieBreaks, NominatedPodsTest,
                         ::testing::Values(TieBreak::kRoundRobin, TieBreak::kFirst,
                                           TieBreak::kRandom));

// A node that only the pod's own nomination fills is the pod's, wherever its status lags behind;
// to its equals it is full.
TEST(NominatedPodTest, ItsOwnNominationLeavesItsRoomToItAlone) {
  SimLoop loop(1);
  const auto executor = loop.MakeExecutor("engine");
  MemoryWorld world(*executor);
  std::vector<std::string> log;
  LastDecision metrics;
  int shared_placements = 0;
  EngineOptions options;
  options.verify_evaluations = 1;
  Scripted::Script script;
  Dependencies& depends = script.depends.emplace();
  depends.filter = depends.score = Scope::kNode;
  depends.node_fields = 0;
  script.post_filter = [&](const PodInfo& pod) {
    PostFilterResult result{Unschedulable("nowhere"), {}};
    if (pod.name == "mine") {  // room was made for it, as DefaultPreemption would
      result.nominating = NominatingInfo{NominatingInfo::Mode::kOverride, "n1"};
    }
    return result;
  };
  Engine engine(options, *executor, world, world, &metrics);
  engine.OnDecision([&](std::string_view key, std::string_view node) {
    log.push_back(std::string(key) + " " + std::string(node));
    shared_placements += metrics.was_reused && !node.empty() ? 1 : 0;
  });
  ASSERT_TRUE(engine.AddProfile(FakeProfile({"FakeFit", "Scripted"}), FakeRegistry(&script)).ok());
  ASSERT_TRUE(engine.Start().ok());
  const auto pass = [&] { loop.RunUntil(loop.clock().Now() + absl::Seconds(3)); };
  const auto put = [&](const MakePod& pod) {
    world.Put(api::ResourceOf<api::core::Pod>(), pod.Object());
  };
  for (const char* name : {"n0", "n1", "n2"}) {
    world.Put(api::ResourceOf<api::core::Node>(), MakeNode(name).Capacity("1", "1Gi").Object());
    put(MakePod(std::string("on-") + name).Uid(name).Req("1").Node(name));
  }
  put(MakePod("mine").Uid("mine").Req("1"));
  pass();
  put(MakePod("other").Uid("other").Req("1"));
  pass();
  world.Remove(api::ResourceOf<api::core::Pod>(), "default", "on-n1");
  pass();
  EXPECT_EQ(engine.counts().evaluations_wrong, 0);
  engine.Stop();
  EXPECT_EQ(shared_placements, 1);
  EXPECT_NE(std::find(log.begin(), log.end(), "default/mine n1"), log.end());
  EXPECT_EQ(std::find(log.begin(), log.end(), "default/other n1"), log.end());
}

}  // namespace
}  // namespace berth::framework::testing
