// What keeps shared evaluations right is taken away, piece by piece, and each time the comparison
// with the plain path (twin_engines.h) must notice. A fault of a plugin must be its own in the
// message, with the node and the pod.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "api/resource_table.h"
#include "api/schema/core_v1_namespace.pb.h"
#include "plugins/registry.h"
#include "plugins/signature_keys.h"
#include "tests/framework/bent_plugin.h"
#include "tests/framework/fake_plugins.h"
#include "tests/framework/twin_engines.h"

namespace berth::framework::testing {
namespace {

// Scope kNode, and the pod's namespace: a team 1 may not have nodes of rank 1.
class TeamRule final : public FilterPlugin {
 public:
  explicit TeamRule(Handle& handle) : handle_(handle) {}
  std::string_view Name() const override { return "TeamRule"; }
  Status Filter(const CycleState&, const PodInfo& pod, const NodeInfo& node) const override {
    const auto held = handle_.objects().Get(api::ResourceOf<api::core::Namespace>(), "",
                                            pod.namespace_name);
    if (held == nullptr) return Success();
    const auto& labels = static_cast<const api::core::Namespace&>(*held).metadata().labels();
    const auto team = labels.find("team");
    Symbol rank;
    node.labels().Get(Symbol::Intern("rank"), &rank);
    const bool refused = team != labels.end() && team->second == "1" && rank.text() == "1";
    return refused ? Unschedulable("not for this team") : Success();
  }
  Dependencies DependsOn(const PodInfo&) const override {
    return {.filter = Scope::kNode, .score = Scope::kNode, .node_fields = kNodeLabels,
            .domains = {}, .objects = {"Namespace"}};
  }
  bool Sign(const PodInfo&, SignatureBuilder&) const override { return true; }
  std::optional<std::vector<ClusterEventWithHint>> EventsToRegister() const override {
    return std::vector<ClusterEventWithHint>{{{"Namespace", kAdd | kUpdate, {}}, nullptr}};
  }

 private:
  Handle& handle_;
};

// Scope kNode: how many pods of app "a" are there.
class AppCount final : public ScorePlugin {
 public:
  std::string_view Name() const override { return "AppCount"; }
  Scored Score(const CycleState&, const PodInfo&, const NodeInfo& node) const override {
    return {std::count_if(node.pods().begin(), node.pods().end(), [](const PodPtr& pod) {
              Symbol app;
              return pod->labels.Get(Symbol::Intern("app"), &app) && app.text() == "a";
            }),
            {}};
  }
  Dependencies DependsOn(const PodInfo&) const override {
    return {.filter = Scope::kNode, .score = Scope::kNode, .node_fields = kNodePods,
            .domains = {}, .objects = {}};
  }
  bool Sign(const PodInfo&, SignatureBuilder&) const override { return true; }
};

struct Fault {
  std::string name;
  std::vector<std::string> plugins;  // beside the usual ones; empty: the default profile
  std::vector<std::string> bent;     // of these
  Bend bend;
  TwinOptions twin = {};
};

Registry RegistryFor(const Fault& fault) {
  std::vector<PluginEntry> entries = plugins::InTreePlugins();
  entries.push_back({"TeamRule", [](const PluginArgs&, Handle& handle)
                         -> absl::StatusOr<std::unique_ptr<Plugin>> {
                       return std::make_unique<TeamRule>(handle);
                     }});
  entries.push_back({"AppCount", [](const PluginArgs&, Handle&)
                         -> absl::StatusOr<std::unique_ptr<Plugin>> {
                       return std::make_unique<AppCount>();
                     }});
  Registry registry;
  for (PluginEntry& entry : entries) {
    if (std::find(fault.bent.begin(), fault.bent.end(), entry.name) != fault.bent.end()) {
      entry.create = [create = std::move(entry.create), bend = fault.bend](
                         const PluginArgs& args, Handle& handle)
          -> absl::StatusOr<std::unique_ptr<Plugin>> {
        auto inner = create(args, handle);
        if (!inner.ok()) return inner.status();
        return std::make_unique<BentPlugin>(*std::move(inner), bend);
      };
    }
    EXPECT_TRUE(registry.Register(std::move(entry)).ok());
  }
  return registry;
}

ProfileConfig ProfileFor(const Fault& fault) {
  ProfileConfig profile;
  if (fault.plugins.empty()) {
    profile.plugins = MergeWithDefaults({});
    return profile;
  }
  auto& enabled = profile.plugins.multi_point.enabled;
  enabled = {{"PrioritySort"}, {"DefaultBinder"}, {"SchedulingGates"}};
  for (const std::string& plugin : fault.plugins) enabled.push_back({plugin, 1});
  return profile;
}

Fault Unsigned(std::string_view key, std::vector<std::string> plugins) {
  return {fmt::format("{} is not signed", key), plugins, plugins,
          {.unsigned_key = std::string(key)}};
}
Fault Unsaid(std::string_view field, NodeFields bit, const std::string& plugin) {
  return {fmt::format("{} does not say that it reads {}", plugin, field), {plugin}, {plugin},
          {.unsaid_fields = bit}};
}
Fault OwnNodeOnly(const std::string& plugin, int favour = -1) {
  Fault fault{plugin + " says that it reads one node alone, and nothing of the pod", {plugin},
          {plugin}, {.node_scope = true, .signs_all = true, .filters_only = true}};
  fault.twin.favour = favour;
  return fault;
}
template <Change kind>
Fault Unmarked(std::vector<std::string> plugins = {}) {
  Fault fault{fmt::format("{} does not mark the node", ChangeName(kind)), std::move(plugins),
              {}, {}};
  fault.twin.does_not_mark = [](Change change) { return change == kind; };
  return fault;
}

std::vector<Fault> Faults() {
  std::vector<Fault> faults = {
      Unsigned(plugins::kRequestsKey, {"NodeResourcesFit", "NodeResourcesBalancedAllocation"}),
      Unsigned(plugins::kTolerationsKey, {"TaintToleration", "NodeUnschedulable"}),
      Unsigned(plugins::kNodeSelectorKey, {"NodeAffinity"}),
      Unsigned(plugins::kNodeAffinityKey, {"NodeAffinity"}),
      Unsigned(plugins::kHostPortsKey, {"NodePorts"}),
      Unsigned(plugins::kNodeNameKey, {"NodeName"}),
      Unsigned(plugins::kRequiredFeaturesKey, {"NodeDeclaredFeatures"}),
      Unsigned(plugins::kImageNamesKey, {"ImageLocality"}),
      Unsaid("taints", kNodeTaints, "TaintToleration"),
      Unsaid("spec.unschedulable", kNodeTaints, "NodeUnschedulable"),
      Unsaid("labels", kNodeLabels, "NodeAffinity"),
      Unsaid("ports", kNodePods, "NodePorts"),
      Unsaid("pods", kNodePods, "NodeResourcesFit"),
      Unsaid("allocatable", kNodeAllocatable, "NodeResourcesFit"),
      Unsaid("pods", kNodePods, "NodeResourcesBalancedAllocation"),
      Unsaid("allocatable", kNodeAllocatable, "NodeResourcesBalancedAllocation"),
      Unsaid("images", kNodeImages, "ImageLocality"),
      Unsaid("features", kNodeOther, "NodeDeclaredFeatures"),
      OwnNodeOnly("InterPodAffinity"),
      OwnNodeOnly("PodTopologySpread"),
      OwnNodeOnly("VolumeZone"),
      OwnNodeOnly("VolumeRestrictions", RandomCluster::kWithDisk),
      OwnNodeOnly("VolumeBinding"),
      OwnNodeOnly("NodeVolumeLimits", RandomCluster::kWithVolume),
      OwnNodeOnly("DynamicResources", RandomCluster::kWithDevice),
      {"InterPodAffinity always abstains", {"InterPodAffinity"}, {"InterPodAffinity"},
       {.abstains = true, .filters_only = true}},
      {"TeamRule does not say that it reads namespaces", {"TeamRule"}, {"TeamRule"},
       {.leaves_objects_out = true}},
      Unmarked<Change::kLabel>(),
      Unmarked<Change::kTaint>(),
      Unmarked<Change::kCordon>(),
      Unmarked<Change::kCapacity>(),
      Unmarked<Change::kImages>(),
      Unmarked<Change::kFeatures>(),
      Unmarked<Change::kReplace>(),
      Unmarked<Change::kArrival>(),
      Unmarked<Change::kDeparture>(),
      Unmarked<Change::kRelabel>({"AppCount"}),
      Unmarked<Change::kNomination>(),
  };
  Fault maxima{"scores are not normalized anew when a maximum goes", {}, {}, {}};
  maxima.twin.keeps_maxima = true;
  faults.push_back(maxima);
  Fault deaf{"a changed namespace is not heard of", {"TeamRule", "ImageLocality"}, {}, {}};
  deaf.twin.misses_objects = true;
  faults.push_back(deaf);
  return faults;
}

// The first difference that the fault makes; "" when nobody notices within `clusters`.
std::string Noticed(const Fault& fault, uint64_t clusters, uint64_t* cluster) {
  const Registry registry = RegistryFor(fault);
  const ProfileConfig profile = ProfileFor(fault);
  for (*cluster = 1; *cluster <= clusters; ++*cluster) {
    TwinOptions options = fault.twin;
    options.seed = *cluster;
    options.fresh_every = 0;  // the check of the engine itself must notice
    const TwinResult result = RunTwins(profile, registry, options);
    if (!result.difference.empty()) return result.difference;
  }
  return {};
}

TEST(PlantedFaultsTest, EachIsNoticed) {
  constexpr uint64_t kClustersMax = 300;
  for (const Fault& fault : Faults()) {
    SCOPED_TRACE(fault.name);
    uint64_t cluster = 0;
    const std::string difference = Noticed(fault, kClustersMax, &cluster);
    EXPECT_NE(difference, "") << "nobody noticed in " << kClustersMax << " clusters";
    fmt::print("{}: cluster {}: {}\n", fault.name, cluster, difference);
    if (fault.bent.empty()) continue;
    const bool named =
        std::any_of(fault.bent.begin(), fault.bent.end(), [&](const std::string& plugin) {
          return difference.starts_with(fmt::format("plugin={} ", plugin));
        });
    EXPECT_TRUE(named) << difference;
    EXPECT_NE(difference.find(" pod=default/"), std::string::npos) << difference;
  }
}

// Without the fault there is nothing to notice: neither the wrapping nor the selection of plugins
// makes a difference by itself.
TEST(PlantedFaultsTest, WithoutThemThereIsNoDifference) {
  for (Fault fault : Faults()) {
    SCOPED_TRACE(fault.name);
    fault.bend = {};
    fault.twin = {.favour = fault.twin.favour};
    uint64_t cluster = 0;
    ASSERT_EQ(Noticed(fault, 10, &cluster), "") << "cluster " << cluster;
  }
}

}  // namespace
}  // namespace berth::framework::testing
