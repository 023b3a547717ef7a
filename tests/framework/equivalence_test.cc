// Shared evaluations and the plain path are one scheduler: in thousands of random clusters, with
// every plugin, after every single change.
#include <cstdlib>
#include <set>
#include <string>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "plugins/registry.h"
#include "tests/framework/fake_plugins.h"
#include "tests/framework/twin_engines.h"

namespace berth::framework::testing {
namespace {

Registry EveryPlugin() {
  Registry registry = FakeRegistry();
  for (PluginEntry& entry : plugins::InTreePlugins()) {
    EXPECT_TRUE(registry.Register(std::move(entry)).ok());
  }
  return registry;
}

// The defaults; or other arguments, and plugins that nobody knows beside them.
ProfileConfig ProfileFor(uint64_t seed) {
  ProfileConfig profile;
  if (seed % 3 == 1) {
    profile.plugin_config = {
        {"NodeResourcesFit", R"({"scoringStrategy": {"type": "MostAllocated",
            "resources": [{"name": "cpu", "weight": 3}, {"name": "memory", "weight": 1}]}})"},
        {"PodTopologySpread", R"({"defaultingType": "List", "defaultConstraints": [
            {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone",
             "whenUnsatisfiable": "ScheduleAnyway"}]})"}};
  }
  if (seed % 3 == 2) {
    profile.plugins.multi_point.enabled = {{"FakeNaive", 1}, {"FakeReverseRank", 2}};
  }
  profile.plugins = MergeWithDefaults(profile.plugins);
  return profile;
}

TEST(EquivalenceTest, SharedAndPlainAgreeAfterEveryChange) {
  const Registry registry = EveryPlugin();
  const uint64_t clusters = std::getenv("BERTH_FULL") != nullptr ? 30'000 : 2'000;
  TwinResult all;
  for (uint64_t seed = 1; seed <= clusters; ++seed) {
    TwinOptions options;
    options.seed = seed;
    options.tie_break = static_cast<TieBreak>(seed / 3 % 3);
    const TwinResult one = RunTwins(ProfileFor(seed), registry, options);
    ASSERT_EQ(one.difference, "") << "seed " << seed << ", step " << one.steps << " ("
                                  << ChangeName(one.after) << ")";
    all.steps += one.steps;
    all.questions += one.questions;
    all.shared += one.shared;
    all.checked += one.checked;
    all.bound += one.bound;
    all.heard.insert(one.heard.begin(), one.heard.end());
  }
  fmt::print("{} clusters, {} changes, {} questions of which {} shared, {} checks, {} bindings\n",
             clusters, all.steps, all.questions, all.shared, all.checked, all.bound);
  EXPECT_GT(all.shared, all.questions / 4) << "the shared path was hardly taken";
  EXPECT_GT(all.checked, all.shared);
  EXPECT_GT(all.bound, static_cast<int64_t>(clusters) / 4);
  for (const char* plugin :
       {"NodeUnschedulable", "NodeName", "TaintToleration", "NodeAffinity", "NodePorts",
        "NodeResourcesFit", "VolumeRestrictions", "NodeVolumeLimits", "VolumeBinding",
        "VolumeZone", "PodTopologySpread", "InterPodAffinity", "DynamicResources",
        "NodeDeclaredFeatures", "NodeResourcesBalancedAllocation", "ImageLocality", "FakeNaive",
        "FakeReverseRank"}) {
    EXPECT_TRUE(all.heard.contains(plugin)) << plugin << " had nothing to say in any cluster";
  }
}

}  // namespace
}  // namespace berth::framework::testing
