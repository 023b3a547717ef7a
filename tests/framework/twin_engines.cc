#include "tests/framework/twin_engines.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "api/resource_table.h"
#include "tests/framework/engine_peer.h"

namespace berth::framework::testing {
namespace {

std::string TextOf(const Status& status) {
  return fmt::format("{} {} {}", CodeName(status.code()), status.plugin(), status.Message());
}

// All of an explanation but what is drawn by lot: the choice, and whom preemption begins with.
std::string TextOf(const Explanation& said) {
  std::string out = fmt::format("{} | {} | {}\n", TextOf(said.pre_filter), said.message,
                                said.error);
  for (const auto& rejected : said.rejected) {
    out += fmt::format("{}: {}\n", rejected.node, TextOf(rejected.status));
  }
  for (const std::string& node : said.feasible) out += node + " is feasible\n";
  for (const auto& node : said.scores) {
    out += fmt::format("{}: {}", node.node, node.total);
    for (const auto& score : node.plugins) {
      out += fmt::format(" {}={}/{}", score.plugin, score.raw, score.weighted);
    }
    out += "\n";
  }
  for (const std::string& node : said.best) out += node + " is best\n";
  return out;
}

std::shared_ptr<const api::core::Pod> ObjectOf(const PodPtr& pod) {
  return std::static_pointer_cast<const api::core::Pod>(pod->shared_object());
}

class Twins {
 public:
  Twins(const ProfileConfig& profile, const Registry& registry, const TwinOptions& options)
      : profile_(profile),
        registry_(registry),
        options_(options),
        cluster_(options.seed, world_, options.favour),
        random_(options.seed + 1),
        engine_(Shared(options), *executor_, world_, world_) {
    cluster_.nominate = [this](const PodPtr& pod, const std::string& node) {
      const NominatingInfo to{NominatingInfo::Mode::kOverride, node};
      core().nominator.Delete(pod->uid);
      if (!node.empty()) core().nominator.Add(pod, &to);
    };
    EXPECT_TRUE(engine_.AddProfile(profile, registry).ok());
    EXPECT_TRUE(engine_.Start().ok());
  }

  TwinResult Run() {
    cluster_.Begin();
    Settle();
    Ask();
    while (result_.steps < options_.steps && result_.difference.empty()) Step();
    engine_.Stop();
    const EngineCounts counts = engine_.counts();
    result_.checked = counts.evaluations_checked;
    result_.bound = counts.bound;
    return result_;
  }

 private:
  static EngineOptions Shared(const TwinOptions& twin) {
    EngineOptions options;
    options.tie_break = twin.tie_break;
    options.verify_evaluations = 1;
    return options;
  }
  EngineCore& core() { return EngineTestPeer::Core(engine_); }
  ProfileUnit& unit() { return *core().unit_order.front(); }
  void Settle() { loop_.RunUntil(loop_.clock().Now() + absl::Seconds(random_.Between(0, 3))); }

  void Step() {
    ++result_.steps;
    core().cache.UpdateSnapshot(core().snapshot);
    const auto mark = EngineTestPeer::MarkOf(core().snapshot);
    const int64_t objects = core().objects_generation;
    result_.after = cluster_.Step();
    if (options_.misses_objects) core().objects_generation = objects;
    if (options_.does_not_mark != nullptr && options_.does_not_mark(result_.after)) {
      core().cache.UpdateSnapshot(core().snapshot);
      EngineTestPeer::ForgetSince(mark, core().snapshot);
    }
    Settle();
    const absl::Status consistent = engine_.CheckConsistency();
    if (!consistent.ok()) return Differ(std::string(consistent.message()));
    Ask();
  }

  // Some probes each time, so that evaluations have one change to catch up with, or many.
  void Ask() {
    const bool afresh =
        options_.fresh_every > 0 && random_.Below(static_cast<uint64_t>(options_.fresh_every)) == 0;
    if (core().holder != nullptr) return;  // a preemption is under way
    core().cache.UpdateSnapshot(core().snapshot);
    for (const PodPtr& probe : cluster_.probes()) {
      if (random_.Chance(0.4)) continue;
      ++result_.questions;
      CycleState state;
      const Decision decision =
          unit().algorithm->Schedule(state, probe, unit().profile->Sign(*probe), nullptr);
      result_.shared += decision.reused ? 1 : 0;
      // Also of what was decided for pods of the cluster since.
      const EvaluationCheck& check = unit().evaluations->check();
      if (check.wrong() > 0) return Differ(check.last());
    }
    if (options_.keeps_maxima) EngineTestPeer::KeepMaxima(*unit().evaluations);
    if (afresh) CompareAfresh();
  }

  // With an engine that shares nothing and knows nothing but how things are now.
  void CompareAfresh() {
    MemoryWorld world(*executor_);
    EngineOptions plain;
    plain.evaluation_cache_bytes = 0;
    Engine engine(plain, *executor_, world, world);
    EXPECT_TRUE(engine.AddProfile(profile_, registry_).ok());
    EXPECT_TRUE(engine.Start().ok());
    engine.SetActive(false);
    const auto& nodes = api::ResourceOf<api::core::Node>();
    for (const NodeInfo* node : core().snapshot.nodes()) world.Put(nodes, node->shared_node());
    for (const api::Resource& resource : api::Resources()) {
      if (&resource == &nodes) continue;
      world_.ForEach(resource, "", [&](const ObjectPtr& object) { world.Put(resource, object); });
    }
    EngineCore& fresh = EngineTestPeer::Core(engine);
    for (const auto& [node, pods] : core().nominator.by_node()) {
      const NominatingInfo to{NominatingInfo::Mode::kOverride, node};
      for (const PodPtr& pod : pods) fresh.nominator.Add(pod, &to);
    }
    for (const PodPtr& probe : cluster_.probes()) {
      const std::string now = TextOf(engine.Explain(ObjectOf(probe)));
      const Explanation said = engine_.Explain(ObjectOf(probe));
      Hear(said);
      const std::string kept = TextOf(said);
      if (now == kept) continue;
      Differ(fmt::format("{}: the engine that has run says\n{}one that begins says\n{}",
                         probe->key, kept, now));
      break;
    }
    engine.Stop();
  }

  void Hear(const Explanation& said) {
    result_.heard.emplace(said.pre_filter.plugin());
    for (const auto& rejected : said.rejected) {
      result_.heard.emplace(rejected.status.plugin());
      for (const Status& other : rejected.others) result_.heard.emplace(other.plugin());
    }
    for (const auto& node : said.scores) {
      for (const auto& score : node.plugins) {
        if (score.raw != 0) result_.heard.insert(score.plugin);
      }
    }
  }
  void Differ(std::string what) {
    if (result_.difference.empty()) result_.difference = std::move(what);
  }

  const ProfileConfig& profile_;
  const Registry& registry_;
  const TwinOptions options_;
  SimLoop loop_{1};
  const std::unique_ptr<Executor> executor_ = loop_.MakeExecutor("engine");
  MemoryWorld world_{*executor_};
  RandomCluster cluster_;
  Random random_;
  Engine engine_;
  TwinResult result_;
};

}  // namespace

TwinResult RunTwins(const ProfileConfig& profile, const Registry& registry,
                    const TwinOptions& options) {
  return Twins(profile, registry, options).Run();
}

}  // namespace berth::framework::testing
