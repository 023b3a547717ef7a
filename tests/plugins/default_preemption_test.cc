#include "plugins/default_preemption/default_preemption.h"

#include <gtest/gtest.h>

#include <set>

#include "api/resource_table.h"
#include "api/schema/policy_v1.pb.h"
#include "base/random.h"
#include "base/sim_executor.h"
#include "framework/cycle/scheduler_engine.h"
#include "framework/memory_world.h"
#include "plugins/default_preemption/victims.h"
#include "plugins/registry.h"
#include "tests/framework/builders.h"
#include "tests/framework/metric_recorder.h"
#include "tests/framework/scripted_extender.h"

namespace berth::plugins::default_preemption {
namespace {

using framework::PodPtr;
using framework::testing::MakeNode;
using framework::testing::MakePod;

PodPtr Running(std::string_view name, int32_t priority, int64_t since) {
  MakePod pod = MakePod(name).Priority(priority).Node("n");
  if (since > 0) pod.message().mutable_status()->mutable_start_time()->set_seconds(since);
  return pod.Info();
}

std::vector<std::string> NamesOf(const std::vector<PodPtr>& pods) {
  std::vector<std::string> names;
  for (const PodPtr& pod : pods) names.push_back(pod->name);
  return names;
}

TEST(DefaultPreemptionTest, Importance) {
  std::vector<PodPtr> pods = {Running("late", 5, 200), Running("low", 1, 50),
                              Running("early", 5, 100), Running("never", 5, 0),
                              Running("never-2", 5, 0), Running("high", 9, 300),
                              Running("early-2", 5, 100)};
  SortByImportance(pods);
  EXPECT_EQ(NamesOf(pods), (std::vector<std::string>{"high", "early", "early-2", "late", "never-2",
                                                     "never", "low"}));
}

TEST(DefaultPreemptionTest, TheBestNode) {
  const auto candidate = [](std::vector<PodPtr> victims, int64_t violations = 0) {
    return Victims{{}, std::move(victims), violations};
  };
  const struct {
    std::string_view name;
    std::vector<Victims> candidates;
    std::vector<size_t> want;
  } cases[] = {
      {"fewest violated budgets", {candidate({Running("a", 1, 1)}, 1),
                                   candidate({Running("b", 9, 1), Running("c", 9, 1)})}, {1}},
      {"least important first victim", {candidate({Running("a", 5, 1)}),
                                        candidate({Running("b", 3, 1), Running("c", 3, 1)})}, {1}},
      {"least sum of priorities",
       {candidate({Running("a", 5, 1), Running("b", 4, 1)}),
        candidate({Running("c", 5, 1), Running("d", 1, 1)})}, {1}},
      {"fewest victims are the least sum",
       {candidate({Running("a", 5, 1), Running("b", 0, 1)}), candidate({Running("c", 5, 1)})},
       {1}},
      {"latest start", {candidate({Running("a", 5, 100)}), candidate({Running("b", 5, 200)})}, {1}},
      {"equal", {candidate({Running("a", 5, 100)}), candidate({Running("b", 5, 100)})}, {0, 1}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    std::vector<Cost> costs;
    for (const Victims& each : c.candidates) costs.push_back(CostOf(each.pods, each.violations));
    EXPECT_EQ(CheapestOf(costs), c.want);
  }
}

// For pods with the label app=name.
std::shared_ptr<const api::policy::PodDisruptionBudget> BudgetOf(const std::string& name,
                                                                 int32_t allowed) {
  auto budget = std::make_shared<api::policy::PodDisruptionBudget>();
  budget->mutable_metadata()->set_name(name);
  budget->mutable_metadata()->set_namespace_("default");
  (*budget->mutable_spec()->mutable_selector()->mutable_match_labels())["app"] = name;
  budget->mutable_status()->set_disruptions_allowed(allowed);
  return budget;
}

// An engine with the in-tree plugins, in a world in memory.
class PreemptionTest : public ::testing::Test {
 protected:
  PreemptionTest() {
    world_.on_event = [this](const framework::EventNote& note) {
      events_.push_back(note.reason + ": " + note.note);
    };
    world_.on_patch = [this](std::string_view key, std::string_view patch) {
      patches_.push_back(std::string(key) + " " + std::string(patch));
      return patch.find("DisruptionTarget") == std::string_view::npos ? absl::OkStatus()
                                                                      : mark_answer_;
    };
  }
  ~PreemptionTest() override { engine_.reset(); }

  void Start() {
    for (framework::PluginEntry& entry : InTreePlugins()) {
      ASSERT_TRUE(registry_.Register(std::move(entry)).ok());
    }
    engine_ = std::make_unique<framework::Engine>(framework::EngineOptions{}, *executor_, world_,
                                                  world_, &metrics_);
    framework::Extenders extenders;
    for (const auto& script : extenders_) {
      extenders.push_back(
          std::make_unique<framework::testing::ScriptedExtender>(*executor_, script));
    }
    engine_->SetExtenders(std::move(extenders));
    framework::ProfileConfig profile;
    profile.plugins = framework::MergeWithDefaults({});
    ASSERT_TRUE(engine_->AddProfile(profile, registry_).ok());
    ASSERT_TRUE(engine_->Start().ok());
  }
  void Put(const MakeNode& node) { world_.Put(api::ResourceOf<api::core::Node>(), node.Object()); }
  void Put(const MakePod& pod) { world_.Put(api::ResourceOf<api::core::Pod>(), pod.Object()); }
  void Run(absl::Duration time) { loop_.RunUntil(loop_.clock().Now() + time); }
  std::string NodeOf(std::string_view pod) {
    const auto object = world_.Get(api::ResourceOf<api::core::Pod>(), "default", pod);
    return object ? static_cast<const api::core::Pod&>(*object).spec().node_name() : "(gone)";
  }
  bool Happened(std::string_view event) const {
    return std::any_of(events_.begin(), events_.end(), [&](const std::string& held) {
      return held.find(event) != std::string::npos;
    });
  }

  SimLoop loop_{1};
  std::unique_ptr<Executor> executor_ = loop_.MakeExecutor("engine");
  framework::MemoryWorld world_{*executor_};
  framework::Registry registry_;
  framework::testing::MetricRecorder metrics_;
  std::unique_ptr<framework::Engine> engine_;
  std::vector<std::string> events_, patches_;
  absl::Status mark_answer_;
  std::vector<std::shared_ptr<framework::testing::ScriptedExtender::Script>> extenders_;
};

TEST_F(PreemptionTest, TheLeastImportantGoAndThePodTakesTheirPlace) {
  Put(MakeNode("n").Capacity("2", "2Gi"));
  Put(MakePod("keep").Node("n").Req("1").Priority(5));
  Put(MakePod("victim").Node("n").Req("1").Priority(1));
  Start();
  Put(MakePod("p").Req("1").Priority(10));
  Run(absl::Seconds(5));
  EXPECT_EQ(NodeOf("victim"), "(gone)");
  EXPECT_EQ(NodeOf("keep"), "n");
  EXPECT_EQ(NodeOf("p"), "n");
  EXPECT_TRUE(Happened("Preempted: Preempted by pod p on node n"));
  ASSERT_FALSE(patches_.empty());
  const auto marked = std::find_if(patches_.begin(), patches_.end(), [](const auto& patch) {
    return patch.starts_with("default/victim ");
  });
  ASSERT_NE(marked, patches_.end());
  EXPECT_NE(marked->find("\"type\":\"DisruptionTarget\",\"status\":\"True\","
                         "\"reason\":\"PreemptionByScheduler\",\"message\":\"default-scheduler: "
                         "preempting to accommodate a higher priority pod\""),
            std::string::npos)
      << *marked;
  EXPECT_TRUE(std::any_of(patches_.begin(), patches_.end(), [](const auto& patch) {
    return patch.find("\"nominatedNodeName\":\"n\"") != std::string::npos;
  }));
}

TEST_F(PreemptionTest, NobodyGoesForAPodThatMayNotPreempt) {
  Put(MakeNode("n").Capacity("1", "1Gi"));
  Put(MakePod("low").Node("n").Req("1").Priority(1));
  Start();
  MakePod pod = MakePod("p").Req("1").Priority(10);
  pod.message().mutable_spec()->set_preemption_policy("Never");
  Put(pod);
  Run(absl::Seconds(5));
  EXPECT_EQ(NodeOf("low"), "n");
  EXPECT_TRUE(Happened("0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, "
                       "preemption: not eligible due to preemptionPolicy=Never."));
}

TEST_F(PreemptionTest, EqualsAreLeftAloneAndTheMessageSaysSo) {
  Put(MakeNode("n").Capacity("1", "1Gi"));
  Put(MakePod("equal").Node("n").Req("1").Priority(10));
  Start();
  Put(MakePod("p").Req("1").Priority(10));
  Run(absl::Seconds(5));
  EXPECT_EQ(NodeOf("equal"), "n");
  EXPECT_TRUE(Happened("preemption: 0/1 nodes are available: 1 No preemption victims found for "
                       "incoming pod."));
}

TEST_F(PreemptionTest, ABudgetIsViolatedOnlyWhereThereIsNoOtherWay) {
  Put(MakeNode("guarded").Capacity("1", "1Gi"));
  Put(MakeNode("open").Capacity("1", "1Gi"));
  Put(MakePod("a").Node("guarded").Req("1").Priority(1).Label("app", "db"));
  Put(MakePod("b").Node("open").Req("1").Priority(3));
  world_.Put(api::ResourceOf<api::policy::PodDisruptionBudget>(), BudgetOf("db", 0));
  Start();
  Put(MakePod("p").Req("1").Priority(10));
  Run(absl::Seconds(5));
  EXPECT_EQ(NodeOf("p"), "open");
  EXPECT_EQ(NodeOf("a"), "guarded");
  Put(MakePod("q").Req("1").Priority(10));
  Run(absl::Seconds(5));
  EXPECT_EQ(NodeOf("q"), "guarded") << "there is no other way now";
}

TEST_F(PreemptionTest, AFailedEvictionIsTriedAgain) {
  mark_answer_ = absl::InternalError("the server is unwell");
  Put(MakeNode("n").Capacity("1", "1Gi"));
  Put(MakePod("low").Node("n").Req("1").Priority(1));
  Start();
  Put(MakePod("p").Req("1").Priority(10));
  Run(absl::Seconds(3));
  EXPECT_EQ(NodeOf("low"), "n");
  EXPECT_EQ(NodeOf("p"), "");
  EXPECT_GE(metrics_.preemptions["error"], 1);
  EXPECT_EQ(metrics_.preemptions["success"], 0);
  mark_answer_ = absl::OkStatus();
  Run(absl::Seconds(30));
  EXPECT_EQ(NodeOf("low"), "(gone)");
  EXPECT_EQ(NodeOf("p"), "n");
  EXPECT_EQ(metrics_.preemptions["success"], 1);
}

TEST_F(PreemptionTest, SeveralVictimsTheLastAfterTheOthers) {
  Put(MakeNode("n").Capacity("3", "3Gi"));
  for (const char* name : {"a", "b", "c"}) Put(MakePod(name).Node("n").Req("1").Priority(1));
  Start();
  Put(MakePod("p").Req("3").Priority(10));
  Run(absl::Seconds(5));
  EXPECT_EQ(NodeOf("p"), "n");
  for (const char* name : {"a", "b", "c"}) EXPECT_EQ(NodeOf(name), "(gone)");
}

TEST_F(PreemptionTest, ManyVictimsGoSoManyAtATime) {
  Put(MakeNode("n").Capacity("100", "100Gi"));
  for (int i = 0; i < 100; ++i) {
    Put(MakePod("v" + std::to_string(i)).Node("n").Req("1").Priority(1));
  }
  Start();
  int marked = 0, gone = 0, most = 0;
  const auto mark = world_.on_patch;
  world_.on_patch = [&](std::string_view key, std::string_view patch) {
    marked += patch.find("DisruptionTarget") != std::string_view::npos ? 1 : 0;
    most = std::max(most, marked - gone);
    return mark(key, patch);
  };
  world_.Subscribe(api::ResourceOf<api::core::Pod>(), [&](const framework::ObjectEvent& event) {
    gone += event.new_object == nullptr ? 1 : 0;
  });
  Put(MakePod("p").Req("100").Priority(10));
  Run(absl::Seconds(10));
  EXPECT_EQ(NodeOf("p"), "n");
  EXPECT_EQ(gone, 100);
  EXPECT_EQ(most, 16);
}

// What is kept of nodes against finding out anew: one engine is asked again and again while nodes,
// pods and budgets come, change and go; another knows nothing but how things are.
class KnownVictimsTest : public ::testing::TestWithParam<int> {};

std::string Planned(framework::Engine& engine, const MakePod& pod) {
  const framework::Explanation said = engine.Explain(pod.Object());
  std::string text = said.message + "\n";
  if (!said.preemption) return text;
  std::set<std::string> lines;  // the order of nodes is that in which an engine met them
  for (const auto& each : said.preemption->candidates) {
    std::string line = each.node + " (" + std::to_string(each.budget_violations) + "):";
    for (const std::string& name : NamesOf(each.victims)) line += " " + name;
    lines.insert(line + "\n");
  }
  for (const std::string& node : said.preemption->pick) lines.insert("pick " + node + "\n");
  for (const std::string& line : lines) text += line;
  return text + said.preemption->message;
}

// A node, a pod on one, a pod that is nominated to one, or a budget comes, changes or goes.
void ChangeSomething(Random& random, framework::MemoryWorld& world, int& started) {
  const auto any = [&](uint64_t bound) { return std::to_string(random.Below(bound)); };
  const std::string node = "n" + any(6);
  switch (random.Below(7)) {
    case 6: {
      const std::string app = "app" + any(2);
      if (random.Chance(0.4)) {
        world.Remove(api::ResourceOf<api::policy::PodDisruptionBudget>(), "default", app);
      } else {
        world.Put(api::ResourceOf<api::policy::PodDisruptionBudget>(),
                  BudgetOf(app, static_cast<int32_t>(random.Below(3))));
      }
      break;
    }
    case 0:
      world.Put(api::ResourceOf<api::core::Node>(),
                MakeNode(node).Capacity(std::to_string(2 + random.Below(3)), "8Gi").Object());
      break;
    case 1: world.Remove(api::ResourceOf<api::core::Pod>(), "default", "r" + any(30)); break;
    case 2: {  // room is spoken for
      MakePod pod = MakePod("w" + any(4)).Req("1").Priority(50).NominatedNode(node);
      world.Put(api::ResourceOf<api::core::Pod>(), pod.Object());
      break;
    }
    default: {
      const std::string name = "r" + any(30);
      if (world.Get(api::ResourceOf<api::core::Pod>(), "default", name)) break;
      MakePod pod = MakePod(name).Node(node).Req(std::to_string(1 + random.Below(2)));
      pod.Priority(static_cast<int32_t>(random.Below(4))).Label("app", "app" + any(3));
      // Unlike each other: among equals the order in which a node got them decides.
      pod.message().mutable_status()->mutable_start_time()->set_seconds(1000 + ++started);
      world.Put(api::ResourceOf<api::core::Pod>(), pod.Object());
      break;
    }
  }
}

TEST_P(KnownVictimsTest, IsWhatAnEngineFindsThatKnowsNothing) {
  Random random(static_cast<uint64_t>(GetParam()));
  SimLoop loop(1);  // never run: nobody is scheduled
  const auto executor = loop.MakeExecutor("engine");
  framework::MemoryWorld world(*executor);
  framework::Registry registry;
  for (framework::PluginEntry& entry : InTreePlugins()) {
    ASSERT_TRUE(registry.Register(std::move(entry)).ok());
  }
  framework::ProfileConfig profile;
  profile.plugins = framework::MergeWithDefaults({});
  const auto start = [&] {
    auto engine = std::make_unique<framework::Engine>(framework::EngineOptions{}, *executor,
                                                      world, world);
    EXPECT_TRUE(engine->AddProfile(profile, registry).ok());
    EXPECT_TRUE(engine->Start().ok());
    return engine;
  };
  std::vector<std::unique_ptr<framework::Engine>> engines;  // the world tells them until it goes
  engines.push_back(start());
  const auto any = [&](uint64_t bound) { return std::to_string(random.Below(bound)); };
  int helped = 0, started = 0;
  for (int step = 0; step < 60; ++step) {
    for (int i = 0; i < 3; ++i) ChangeSomething(random, world, started);
    // Some that nobody knows, and some that may be nominated: equals of each other, but for that.
    std::vector<MakePod> asked;
    for (const char* cpu : {"2", "3"}) {
      asked.push_back(MakePod("p" + any(1000)).Req(cpu).Priority(3));
    }
    for (int i = 0; i < 2; ++i) asked.push_back(MakePod("w" + any(4)).Req("1").Priority(50));
    for (const MakePod& pod : asked) {
      const std::string warm = Planned(*engines.front(), pod);
      engines.push_back(start());
      EXPECT_EQ(warm, Planned(*engines.back(), pod)) << "step " << step;
      engines.back()->Stop();
      helped += warm.find("pick") != std::string::npos ? 1 : 0;
    }
  }
  EXPECT_GT(helped, 5) << "preemption never helped: nothing was judged";
}

INSTANTIATE_TEST_SUITE_P(Seeds, KnownVictimsTest, ::testing::Range(1, 9));

using Victim = framework::ExtenderVictims;

// Two nodes with a pod each that could go; the one on n1 is the less important.
class PreemptionExtenderTest : public PreemptionTest {
 protected:
  void StartWith(std::function<absl::StatusOr<std::vector<Victim>>(
                     const std::vector<framework::PreemptionCandidate>&)> preempt,
                 bool ignorable = false) {
    extenders_.push_back(std::make_shared<framework::testing::ScriptedExtender::Script>());
    extenders_.back()->preempts = true;
    extenders_.back()->ignorable = ignorable;
    extenders_.back()->preempt = std::move(preempt);
    for (const char* node : {"n1", "n2"}) Put(MakeNode(node).Capacity("1", "2Gi"));
    Put(MakePod("v1").Node("n1").Req("1").Priority(1));
    Put(MakePod("v2").Node("n2").Req("1").Priority(2));
    Start();
    Put(MakePod("p").Req("1").Priority(10));
    Run(absl::Seconds(5));
  }
};

TEST_F(PreemptionExtenderTest, ChoosesAmongTheCandidates) {
  StartWith([](const auto& candidates) {
    EXPECT_EQ(candidates.size(), 2u);
    return std::vector<Victim>{{"n2", {"v2"}, 0}};
  });
  EXPECT_EQ(NodeOf("p"), "n2");
  EXPECT_EQ(NodeOf("v1"), "n1");
}

TEST_F(PreemptionExtenderTest, RefusesAll) {
  StartWith([](const auto&) { return std::vector<Victim>(); });
  EXPECT_EQ(NodeOf("p"), "");
  EXPECT_TRUE(Happened("preemption: no candidate node for preemption"))
      << events_.back();
}

TEST_F(PreemptionExtenderTest, AnswersThatMakeNoSense) {
  const struct {
    std::string_view name;
    Victim answer;
    std::string_view message;
  } cases[] = {
      {"a pod that is not there", {"n1", {"v2"}, 0},
       "preemption: extender: http://extender claims to preempt pod (UID: v2) on node: n1, but the "
       "pod is not found on that node"},
      {"nobody", {"n1", {}, 0}, "preemption: expected at least one victim pod on node \"n1\""},
      {"an unknown node", {"n9", {"v1"}, 0},
       "preemption: nodeinfo not found for node name \"n9\""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const auto victims = [&](const auto&) { return std::vector<Victim>{c.answer}; };
    if (engine_ == nullptr) {
      StartWith(victims);
    } else {
      extenders_.back()->preempt = victims;
      Run(absl::Minutes(6));  // until it is flushed
    }
    EXPECT_EQ(NodeOf("p"), "");
    EXPECT_TRUE(Happened(c.message)) << events_.back();
  }
}

TEST_F(PreemptionExtenderTest, OneThatFailsMayBeIgnored) {
  StartWith([](const auto&) { return absl::UnavailableError("gone"); }, /*ignorable=*/true);
  EXPECT_EQ(NodeOf("p"), "n1");
}

TEST_F(PreemptionExtenderTest, OthersDoNotWaitForASlowOne) {
  extenders_.clear();
  StartWith([](const auto&) { return std::vector<Victim>{{"n2", {"v2"}, 0}}; });
  extenders_.back()->takes = absl::Seconds(5);
  Put(MakePod("p2").Req("1").Priority(10));
  Put(MakeNode("n3").Capacity("500m", "2Gi"));
  Put(MakePod("web").Req("500m"));
  Run(absl::Milliseconds(300));
  EXPECT_EQ(NodeOf("web"), "n3");
}

}  // namespace
}  // namespace berth::plugins::default_preemption
