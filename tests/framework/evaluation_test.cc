// The evaluation cache decides what the plain path decides: for every scope, in random clusters.
#include "framework/cycle/evaluation.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "framework/cache/cache.h"
#include "framework/cycle/algorithm.h"
#include "framework/cycle/score_board.h"
#include "framework/cycle/tie_breaker.h"
#include "plugins/registry.h"
#include "tests/framework/engine_fixture.h"

namespace berth::framework::testing {
namespace {

// --- pieces ------------------------------------------------------------------------------------

TEST(ScoreBoardTest, FindsTheFirstBestFromACursor) {
  Random random(5);
  ScoreBoard board;
  board.Reset(200);
  std::vector<int64_t> totals(200, -1);
  for (int step = 0; step < 5000; ++step) {
    const auto node = static_cast<NodeIndex>(random.Below(200));
    const auto at = static_cast<size_t>(node);
    if (random.Chance(0.3)) {
      board.Remove(node);
      totals[at] = -1;
    } else {
      totals[at] = random.Between(0, 5);
      board.Set(node, totals[at]);
    }
    const int64_t best = *std::max_element(totals.begin(), totals.end());
    ASSERT_EQ(board.empty(), best < 0);
    if (best < 0) continue;
    ASSERT_EQ(board.best(), best);
    std::vector<NodeIndex> tied;
    for (size_t i = 0; i < totals.size(); ++i) {
      if (totals[i] == best) tied.push_back(static_cast<NodeIndex>(i));
    }
    ASSERT_EQ(board.best_count(), tied.size());
    const auto start = static_cast<NodeIndex>(random.Below(200));
    auto want = std::lower_bound(tied.begin(), tied.end(), start);
    ASSERT_EQ(board.FirstFrom(start), want == tied.end() ? tied.front() : *want);
    const size_t n = random.Below(tied.size());
    ASSERT_EQ(board.Nth(n), tied[n]);
  }
}

TEST(FeasibleNodesToFindTest, UpstreamsTable) {
  const struct {
    int64_t nodes;
    int32_t percentage;
    bool adaptive;
    int64_t want;
  } cases[] = {
      {10, 0, true, 10},     {10, 40, false, 10},    {1000, 0, true, 420},
      {1000, 40, true, 400}, {6000, 0, true, 300},   {6000, 40, false, 2400},
      {6000, 0, false, 6000}, {150, 10, false, 100},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(FeasibleNodesToFind(c.nodes, c.percentage, c.adaptive), c.want)
        << c.nodes << " " << c.percentage;
  }
}

TEST(TieBreakerTest, TheCursorSurvivesNodesThatComeAndGo) {
  Cache cache;
  ClusterSnapshot snapshot;
  const auto refresh = [&] { cache.UpdateSnapshot(snapshot); };
  for (const char* name : {"a", "b", "c", "d"}) cache.SetNode(MakeNode(name).Object());
  refresh();
  Random random(1);
  TieBreaker round_robin(TieBreak::kRoundRobin, random);
  const auto choose = [&](std::vector<NodeIndex> tied) {
    return std::string(
        snapshot.nodes()[static_cast<size_t>(round_robin.Choose(tied, snapshot))]->name());
  };
  EXPECT_EQ(choose({0, 1, 2, 3}), "a");
  EXPECT_EQ(choose({0, 3}), "d") << "the first at or after b";
  EXPECT_EQ(choose({0, 1, 2, 3}), "a") << "cyclic";
  cache.RemoveNode("a");  // the cursor is at b, which moves to the front
  refresh();
  EXPECT_EQ(choose({0, 1, 2}), "b");
  cache.RemoveNode("c");  // where the cursor is
  refresh();
  EXPECT_EQ(choose({0, 1}), "d");
}

TEST(NeedsTest, WhatCanBeShared) {
  Scripted::Script script;
  const Registry registry = FakeRegistry(&script);
  SimLoop loop(1);
  auto executor = loop.MakeExecutor("x");
  framework::MemoryWorld world(*executor);
  const struct {
    const char* plugin;
    bool want;
  } cases[] = {
      {"FakeFit", true},        {"FakeRank", true},      {"FakeZoneLimit", false},
      {"FakeRareZone", false},  {"FakeNaive", false},    {"FakeImageCount", true},
      {"Scripted", false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.plugin);
    Engine engine({}, *executor, world, world);  // for its handle
    ProfileConfig config = FakeProfile({c.plugin});
    EXPECT_TRUE(engine.AddProfile(config, registry).ok());
    ASSERT_TRUE(engine.Start().ok());
    world.Put(api::ResourceOf<api::core::Node>(), MakeNode("n1").Capacity("9", "9Gi").Object());
    world.Put(api::ResourceOf<api::core::Node>(), MakeNode("n2").Capacity("9", "9Gi").Object());
    for (const char* name : {"a", "b", "c"}) {
      world.Put(api::ResourceOf<api::core::Pod>(), MakePod(name).Object());
    }
    loop.RunUntil(loop.clock().Now() + absl::Milliseconds(10));
    EXPECT_EQ(engine.counts().bound, 3);
    EXPECT_EQ(engine.counts().decisions_reused > 0, c.want);
    engine.Stop();
    for (const char* name : {"a", "b", "c"}) {
      world.Remove(api::ResourceOf<api::core::Pod>(), "default", name);
    }
  }
}

// --- random clusters ---------------------------------------------------------------------------

// What happens to a cluster, drawn from a seed: the same for every engine that looks at it.
class Storm {
 public:
  Storm(uint64_t seed, framework::MemoryWorld& world) : random_(seed), world_(world) {}

  void Begin() {
    for (int i = 0; i < 12; ++i) PutNode(i);
  }
  void Step() {
    const auto i = static_cast<int>(random_.Below(14));
    switch (random_.Below(10)) {
      case 0: PutNode(i); break;
      case 1:
        if (random_.Chance(0.15)) {
          world_.Remove(api::ResourceOf<api::core::Node>(), "", "n" + std::to_string(i));
        }
        break;
      case 2:
      case 3: {
        if (pods_ == 0) break;
        const std::string name = "p" + std::to_string(random_.Below(static_cast<uint64_t>(pods_)));
        world_.Remove(api::ResourceOf<api::core::Pod>(), "default", name);
        break;
      }
      case 4: PutPod(true); break;
      default: PutPod(false); break;
    }
  }

 private:
  void PutNode(int i) {
    MakeNode node("n" + std::to_string(i));
    node.Capacity(std::to_string(random_.Between(1, 4)), "4Gi", "6");
    node.Zone("z" + std::to_string(i % 3));
    node.Label("rank", std::to_string(random_.Between(0, 5)));
    if (random_.Chance(0.3)) node.Image("app:1", 300'000'000);
    if (random_.Chance(0.2)) node.Taint("k", "v", "NoSchedule");
    if (random_.Chance(0.2)) node.Taint("soft", "v", "PreferNoSchedule");
    if (random_.Chance(0.1)) node.Unschedulable();
    node.Revision(++revision_);
    world_.Put(api::ResourceOf<api::core::Node>(), node.Object());
  }
  void PutPod(bool assigned) {
    const int number = pods_++;
    MakePod pod("p" + std::to_string(number));
    const char* sizes[] = {"100m", "300m", "1"};
    pod.Req(sizes[random_.Below(3)], "100Mi").Image("app:1").Revision(++revision_);
    pod.Label("app", random_.Chance(0.5) ? "a" : "b");
    pod.Priority(static_cast<int32_t>(random_.Below(2)));
    if (random_.Chance(0.2)) pod.Toleration("k", "v", "NoSchedule");
    if (random_.Chance(0.2)) pod.HostPort(80);
    if (random_.Chance(0.2)) pod.PreferredNodeAffinity(5, "rank", "In", {"1", "2"});
    if (random_.Chance(0.1)) pod.NodeSelector("topology.kubernetes.io/zone", "z1");
    if (random_.Chance(0.1)) pod.NominatedNode("n" + std::to_string(random_.Below(12)));
    if (assigned) pod.Node("n" + std::to_string(random_.Below(12)));
    world_.Put(api::ResourceOf<api::core::Pod>(), pod.Object());
  }

  Random random_;
  framework::MemoryWorld& world_;
  int pods_ = 0;
  int64_t revision_ = 0;
};

struct Outcome {
  std::vector<std::string> log;  // "pod node" and messages, in order
  EngineCounts counts;
};

Outcome RunStorm(uint64_t seed, const ProfileConfig& profile, const Registry& registry,
                 const EngineOptions& options) {
  SimLoop loop(1);
  auto executor = loop.MakeExecutor("engine");
  framework::MemoryWorld world(*executor);
  Outcome outcome;
  world.on_event = [&](const EventNote& note) {
    const auto& pod = static_cast<const api::core::Pod&>(*note.regarding);
    outcome.log.push_back(pod.metadata().name() + ": " + note.note);
  };
  Storm storm(seed, world);
  Engine engine(options, *executor, world, world);
  EXPECT_TRUE(engine.AddProfile(profile, registry).ok());
  EXPECT_TRUE(engine.Start().ok());
  storm.Begin();
  for (int step = 0; step < 250; ++step) {
    storm.Step();
    if (step % 3 == 0) loop.RunUntil(loop.clock().Now() + absl::Milliseconds(700));
  }
  loop.RunUntil(loop.clock().Now() + absl::Seconds(60));
  EXPECT_TRUE(engine.CheckConsistency().ok()) << engine.CheckConsistency();
  outcome.counts = engine.counts();
  EXPECT_EQ(outcome.counts.evaluations_wrong, 0);
  return outcome;
}

Outcome RunStorm(uint64_t seed, const std::vector<std::string>& plugins,
                 const EngineOptions& options) {
  return RunStorm(seed, FakeProfile(plugins), FakeRegistry(), options);
}

class SameDecisionsTest : public ::testing::TestWithParam<TieBreak> {};

TEST_P(SameDecisionsTest, SharedAndPlain) {
  const std::vector<std::string> sets[] = {
      {"FakeFit"},
      {"FakeFit", "FakeRank"},
      {"FakeFit", "FakeReverseRank", "FakeImageCount"},
      {"FakeFit", "FakeZoneLimit"},                  // kDomain
      {"FakeFit", "FakeRank", "FakeRareZone"},       // kFeasibleSet
      {"FakeFit", "FakeNaive"},                      // kCluster
      {"FakeFit", "FakeRank", "FakeHalfRank"},       // kCluster, by what PreFilter left
  };
  for (uint64_t seed = 1; seed <= 2; ++seed) {
    for (const auto& plugins : sets) {
      SCOPED_TRACE("seed " + std::to_string(seed) + " with " + plugins.back());
      EngineOptions shared;
      shared.tie_break = GetParam();
      shared.verify_evaluations = 1;
      EngineOptions plain = shared;
      plain.evaluation_cache_bytes = 0;
      const Outcome a = RunStorm(seed, plugins, shared);
      const Outcome b = RunStorm(seed, plugins, plain);
      EXPECT_GT(a.counts.bound, 20);
      EXPECT_GT(a.counts.unschedulable, 0);
      EXPECT_EQ(b.counts.decisions_reused, 0);
      if (plugins.back() == "FakeRank" || plugins.back() == "FakeHalfRank") {
        EXPECT_GT(a.counts.decisions_reused, 20);
      }
      // With kRandom the plain check beside the shared decision would draw as well.
      ASSERT_EQ(a.log, b.log);
    }
  }
}
INSTANTIATE_TEST_SUITE_P(TieBreaks, SameDecisionsTest,
                         ::testing::Values(TieBreak::kRoundRobin, TieBreak::kFirst,
                                           TieBreak::kRandom));

// What the plugins of this build say they depend on is what they depend on.
TEST(SameDecisionsOfInTreePluginsTest, SharedAndPlain) {
  Registry registry;
  for (PluginEntry& entry : plugins::InTreePlugins()) {
    ASSERT_TRUE(registry.Register(std::move(entry)).ok());
  }
  ProfileConfig profile;
  profile.plugins = MergeWithDefaults({});
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(seed);
    EngineOptions shared;
    shared.verify_evaluations = 1;
    EngineOptions plain;
    plain.evaluation_cache_bytes = 0;
    const Outcome a = RunStorm(seed, profile, registry, shared);
    EXPECT_GT(a.counts.bound, 20);
    EXPECT_GT(a.counts.unschedulable, 0);
    EXPECT_GT(a.counts.decisions_reused, 20);
    ASSERT_EQ(a.log, RunStorm(seed, profile, registry, plain).log);
  }
}

TEST(EvaluationCacheTest, ASmallBudgetOnlyCostsSpeed) {
  EngineOptions small;
  small.evaluation_cache_bytes = 1;
  EngineOptions plain;
  plain.evaluation_cache_bytes = 0;
  EXPECT_EQ(RunStorm(3, {"FakeFit", "FakeRank"}, small).log,
            RunStorm(3, {"FakeFit", "FakeRank"}, plain).log);
}

}  // namespace
}  // namespace berth::framework::testing
