// Pods whose nodes depend on other pods (affinity, spreading) or on what is theirs alone (volumes)
// are decided by classes of nodes and by asking of the best ones, and as the plain path decides.
#include "framework/node_classes.h"

#include <string>
#include <vector>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "api/json.h"
#include "api/resource_table.h"
#include "api/schema/apps_v1.pb.h"
#include "api/schema/core_v1_namespace.pb.h"
#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/core_v1_service.pb.h"
#include "base/random.h"
#include "base/sim_executor.h"
#include "framework/cycle/scheduler_engine.h"
#include "framework/memory_world.h"
#include "plugins/registry.h"
#include "tests/framework/builders.h"
#include "tests/framework/engine_fixture.h"

namespace berth::framework::testing {
namespace {

TEST(ClassNumbersTest, NumbersAreUsedAgainWhenTheirLastMemberLeaves) {
  ClassNumbers<std::string> numbers;
  const NodeClass a = numbers.Enter("a");
  EXPECT_EQ(numbers.Enter("a"), a);
  const NodeClass b = numbers.Enter("b");
  EXPECT_NE(a, b);
  numbers.Leave(a);
  EXPECT_EQ(numbers.KeyOf(a), "a");
  numbers.Leave(a);
  EXPECT_EQ(numbers.Enter("c"), a);
  EXPECT_EQ(numbers.KeyOf(a), "c");
  EXPECT_EQ(numbers.end(), 2u);
}

// What a template has beside its label; {0} is a topology key.
constexpr const char* kTemplates[] = {
    "",
    R"("affinity": {{"podAffinity": {{"requiredDuringSchedulingIgnoredDuringExecution": [
        {{"labelSelector": {{"matchLabels": {{"app": "t0"}}}}, "topologyKey": "{0}"}}]}}}})",
    R"("affinity": {{"podAffinity": {{"requiredDuringSchedulingIgnoredDuringExecution": [
        {{"labelSelector": {{"matchLabels": {{"app": "t2"}}}}, "topologyKey": "{0}"}}]}}}})",
    R"("affinity": {{"podAntiAffinity": {{"requiredDuringSchedulingIgnoredDuringExecution": [
        {{"labelSelector": {{"matchExpressions": [{{"key": "app", "operator": "In",
          "values": ["t3", "t5"]}}]}}, "topologyKey": "{0}"}}]}}}})",
    R"("affinity": {{"podAffinity": {{"preferredDuringSchedulingIgnoredDuringExecution": [
        {{"weight": 7, "podAffinityTerm": {{"labelSelector": {{"matchLabels": {{"app": "t0"}}}},
          "topologyKey": "{0}"}}}}]}}, "podAntiAffinity": {{
        "preferredDuringSchedulingIgnoredDuringExecution": [
        {{"weight": 3, "podAffinityTerm": {{"labelSelector": {{"matchLabels": {{"app": "t4"}}}},
          "topologyKey": "kubernetes.io/hostname"}}}}]}}}})",
    R"("topologySpreadConstraints": [{{"maxSkew": 1, "topologyKey": "{0}", "minDomains": 2,
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {{"matchLabels": {{"app": "t5"}}}}}}])",
    R"("topologySpreadConstraints": [
        {{"maxSkew": 2, "topologyKey": "{0}", "whenUnsatisfiable": "ScheduleAnyway",
          "labelSelector": {{"matchLabels": {{"app": "t6"}}}}}},
        {{"maxSkew": 1, "topologyKey": "kubernetes.io/hostname",
          "whenUnsatisfiable": "ScheduleAnyway", "nodeTaintsPolicy": "Honor",
          "labelSelector": {{"matchLabels": {{"app": "t6"}}}}}}])",
    R"("affinity": {{"podAntiAffinity": {{"requiredDuringSchedulingIgnoredDuringExecution": [
        {{"labelSelector": {{}}, "namespaceSelector": {{"matchLabels": {{"team": "x"}}}},
          "topologyKey": "{0}"}}]}}}}, "topologySpreadConstraints": [
        {{"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "nodeAffinityPolicy": "Ignore",
          "whenUnsatisfiable": "DoNotSchedule",
          "labelSelector": {{"matchLabels": {{"app": "t7"}}}}}}])",
    // By default, where a service or the owner says who belongs together.
    R"("terminationGracePeriodSeconds": 7)",
    R"("volumes": [{{"name": "v", "persistentVolumeClaim": {{"claimName": "claim"}}}}])",
};
constexpr const char* kKeys[] = {"topology.kubernetes.io/zone", "rack", "kubernetes.io/hostname"};

template <typename T>
std::shared_ptr<T> FromJson(const std::string& json) {
  auto out = std::make_shared<T>();
  EXPECT_TRUE(api::ParseJson(json, *out).ok()) << json;
  return out;
}

// A cluster that changes at random, with pods of a few templates.
class Crowd {
 public:
  Crowd(uint64_t seed, MemoryWorld& world) : random_(seed), world_(world) {}

  void Begin() {
    for (const char* name : {"default", "other"}) PutNamespace(name);
    world_.Put(api::ResourceOf<api::core::PersistentVolumeClaim>(),
               FromJson<api::core::PersistentVolumeClaim>(R"({"metadata": {"namespace": "default",
                   "name": "claim", "uid": "c", "annotations": {
                   "pv.kubernetes.io/bind-completed": "yes"}}, "spec": {"volumeName": "volume",
                   "accessModes": ["ReadWriteMany"]}, "status": {"phase": "Bound"}})"));
    PutVolume();
    const int nodes = static_cast<int>(random_.Between(10, 24));
    for (int i = 0; i < nodes; ++i) PutNode(nodes_++);
    for (int i = 0; i < 4; ++i) templates_.push_back(AnyTemplate());
  }

  void Step() {
    switch (random_.Below(16)) {
      case 0: PutNode(static_cast<int>(random_.Below(static_cast<uint64_t>(nodes_)))); break;
      case 1:
        if (random_.Chance(0.2)) PutNode(nodes_++);
        break;
      case 2:
        if (random_.Chance(0.8)) break;
        world_.Remove(api::ResourceOf<api::core::Node>(), {},
                      fmt::format("n{}", random_.Below(static_cast<uint64_t>(nodes_))));
        break;
      case 3: PutNamespace(random_.Chance(0.5) ? "default" : "other"); break;
      case 4: templates_[random_.Below(templates_.size())] = AnyTemplate(); break;
      case 5: PutVolume(); break;
      case 6:
      case 7: RemovePod(); break;
      case 8: PutService(); break;
      case 9: PutReplicaSet(); break;
      default: PutPod(); break;
    }
  }

 private:
  std::string AnyTemplate() {
    const size_t which = random_.Below(std::size(kTemplates));
    std::string spec = fmt::format(fmt::runtime(kTemplates[which]), kKeys[random_.Below(3)]);
    if (!spec.empty()) spec += ",";
    return fmt::format(R"("namespace": "{}", "labels": {{"app": "t{}", "tier": "a"}}}}, "spec": {{
        {} "containers": [{{"name": "c", "resources": {{"requests": {{"cpu": "{}m"}}}}}}])",
                       random_.Chance(0.8) ? "default" : "other", which, spec,
                       random_.Chance(0.5) ? 100 : 700);
  }
  void PutPod() {
    const std::string node =
        random_.Chance(0.2)
            ? fmt::format(R"(, "nodeName": "n{}")", random_.Below(static_cast<uint64_t>(nodes_)))
            : std::string();
    const std::string owner =
        random_.Chance(0.3)
            ? fmt::format(R"("ownerReferences": [{{"apiVersion": "apps/v1", "kind": "ReplicaSet",
                          "name": "r{}", "uid": "r", "controller": true}}],)", random_.Below(2))
            : std::string();
    auto pod = FromJson<api::core::Pod>(fmt::format(
        R"({{"metadata": {{"name": "p{0}", "uid": "p{0}", {3} {1}{2}, "schedulerName":
            "default-scheduler"}}}})",
        pods_, templates_[random_.Below(templates_.size())], node, owner));
    alive_.emplace_back(pod->metadata().namespace_(), pod->metadata().name());
    ++pods_;
    world_.Put(api::ResourceOf<api::core::Pod>(), std::move(pod));
  }
  void RemovePod() {
    if (alive_.empty()) return;
    const size_t at = random_.Below(alive_.size());
    world_.Remove(api::ResourceOf<api::core::Pod>(), alive_[at].first, alive_[at].second);
    alive_.erase(alive_.begin() + static_cast<std::ptrdiff_t>(at));
  }
  void PutNode(int number) {
    MakeNode node(fmt::format("n{}", number));
    node.Capacity(random_.Chance(0.5) ? "2" : "4", "8Gi", "8");
    node.Label("kubernetes.io/hostname", fmt::format("n{}", number));
    if (random_.Chance(0.9)) node.Label("rack", fmt::format("r{}", random_.Below(10)));
    if (random_.Chance(0.95)) node.Zone(fmt::format("z{}", random_.Below(3)));
    if (random_.Chance(0.1)) node.Taint("k", "v", "NoSchedule");
    if (random_.Chance(0.05)) node.Taint("soft", "v", "PreferNoSchedule");
    world_.Put(api::ResourceOf<api::core::Node>(), node.Object());
  }
  void PutNamespace(const std::string& name) {
    world_.Put(api::ResourceOf<api::core::Namespace>(),
               FromJson<api::core::Namespace>(fmt::format(
                   R"({{"metadata": {{"name": "{}", "labels": {{"team": "{}"}}}}}})", name,
                   random_.Chance(0.5) ? "x" : "y")));
  }
  std::string AnySelector() {
    return random_.Chance(0.3)
               ? R"({"tier": "a"})"
               : fmt::format(R"({{"app": "t{}"}})", random_.Below(std::size(kTemplates)));
  }
  void PutService() {
    const std::string name = fmt::format("s{}", random_.Below(3));
    if (random_.Chance(0.3)) {
      return world_.Remove(api::ResourceOf<api::core::Service>(), "default", name);
    }
    world_.Put(api::ResourceOf<api::core::Service>(),
               FromJson<api::core::Service>(fmt::format(
                   R"({{"metadata": {{"namespace": "default", "name": "{}"}},
                        "spec": {{"selector": {}}}}})", name, AnySelector())));
  }
  void PutReplicaSet() {
    world_.Put(api::ResourceOf<api::apps::ReplicaSet>(),
               FromJson<api::apps::ReplicaSet>(fmt::format(
                   R"({{"metadata": {{"namespace": "default", "name": "r{}"}},
                        "spec": {{"selector": {{"matchLabels": {}}}}}}})",
                   random_.Below(2), AnySelector())));
  }
  // In one zone, which VolumeZone and VolumeBinding see.
  void PutVolume() {
    world_.Put(api::ResourceOf<api::core::PersistentVolume>(),
               FromJson<api::core::PersistentVolume>(fmt::format(
                   R"({{"metadata": {{"name": "volume"}}, "spec": {{"claimRef": {{"name": "claim",
                       "namespace": "default", "uid": "c"}}, "accessModes": ["ReadWriteMany"],
                       "nodeAffinity": {{"required": {{"nodeSelectorTerms": [{{
                       "matchExpressions": [{{"key": "topology.kubernetes.io/zone",
                       "operator": "In", "values": ["z{}", "z2"]}}]}}]}}}}}}}})",
                   random_.Below(2))));
  }

  Random random_;
  MemoryWorld& world_;
  std::vector<std::string> templates_;
  std::vector<std::pair<std::string, std::string>> alive_;
  int nodes_ = 0, pods_ = 0;
};

struct Outcome {
  std::vector<std::string> log;  // decisions and messages, in order
  EngineCounts counts;
};

Outcome RunCrowd(uint64_t seed, const EngineOptions& options) {
  SimLoop loop(1);
  auto executor = loop.MakeExecutor("engine");
  MemoryWorld world(*executor);
  Outcome outcome;
  world.on_event = [&](const EventNote& note) {
    const auto& pod = static_cast<const api::core::Pod&>(*note.regarding);
    outcome.log.push_back(pod.metadata().name() + ": " + note.note);
  };
  Registry registry;
  for (PluginEntry& entry : plugins::InTreePlugins()) {
    EXPECT_TRUE(registry.Register(std::move(entry)).ok());
  }
  ProfileConfig profile;
  profile.plugins = MergeWithDefaults({});
  if (seed % 4 == 1) {
    profile.plugin_config = {
        {"InterPodAffinity", R"({"ignorePreferredTermsOfExistingPods": true})"}};
  }
  if (seed % 4 == 2) {
    profile.plugin_config = {{"InterPodAffinity", R"({"hardPodAffinityWeight": 0})"}};
  }
  Crowd crowd(seed, world);
  Engine engine(options, *executor, world, world);
  EXPECT_TRUE(engine.AddProfile(profile, registry).ok());
  EXPECT_TRUE(engine.Start().ok());
  crowd.Begin();
  for (int step = 0; step < 200; ++step) {
    crowd.Step();
    if (step % 3 == 0) loop.RunUntil(loop.clock().Now() + absl::Milliseconds(700));
  }
  loop.RunUntil(loop.clock().Now() + absl::Seconds(30));
  EXPECT_TRUE(engine.CheckConsistency().ok()) << engine.CheckConsistency();
  outcome.counts = engine.counts();
  return outcome;
}

TEST(NodeClassesTest, DecideAsThePlainPathDoes) {
  int64_t reused = 0;
  for (uint64_t seed = 1; seed <= 120; ++seed) {
    SCOPED_TRACE(seed);
    EngineOptions shared;
    shared.tie_break = seed % 5 == 0 ? TieBreak::kFirst : TieBreak::kRoundRobin;
    shared.verify_evaluations = 1;
    EngineOptions plain = shared;
    plain.verify_evaluations = 0;
    plain.evaluation_cache_bytes = 0;
    const Outcome a = RunCrowd(seed, shared);
    ASSERT_EQ(a.log, RunCrowd(seed, plain).log);
    EXPECT_GT(a.counts.evaluations_checked, 0);
    EXPECT_EQ(a.counts.evaluations_wrong, 0);
    EXPECT_GT(a.counts.bound, 20);
    reused += a.counts.decisions_reused;
  }
  EXPECT_GT(reused, 1000) << "hardly anything was decided by classes";
}

}  // namespace
}  // namespace berth::framework::testing
