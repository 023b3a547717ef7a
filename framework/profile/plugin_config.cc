#include "framework/profile/plugin_config.h"

#include <algorithm>

#include "base/check.h"
#include "base/strings.h"

namespace berth::framework {
namespace {

struct DefaultPlugin {
  std::string_view name;
  int32_t weight;
};
constexpr DefaultPlugin kDefaults[] = {
    {"SchedulingGates", 0},
    {"PrioritySort", 0},
    {"NodeUnschedulable", 0},
    {"NodeName", 0},
    {"TaintToleration", 3},
    {"NodeAffinity", 2},
    {"NodePorts", 0},
    {"NodeResourcesFit", 1},
    {"VolumeRestrictions", 0},
    {"NodeVolumeLimits", 0},
    {"VolumeBinding", 0},
    {"VolumeZone", 0},
    {"PodTopologySpread", 2},
    {"InterPodAffinity", 2},
    {"DynamicResources", 2},
    {"DefaultPreemption", 0},
    {"NodeResourcesBalancedAllocation", 1},
    {"ImageLocality", 1},
    {"DefaultBinder", 0},
    {"NodeDeclaredFeatures", 0},
};

bool Contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

PluginSet MergeSet(const PluginSet& defaults, const PluginSet& custom) {
  PluginSet merged;
  merged.disabled = custom.disabled;
  merged.disabled.insert(merged.disabled.end(), defaults.disabled.begin(),
                         defaults.disabled.end());
  std::vector<bool> used(custom.enabled.size(), false);
  if (!Contains(merged.disabled, "*")) {
    for (const PluginRef& plugin : defaults.enabled) {
      if (Contains(merged.disabled, plugin.name)) continue;
      auto override = std::find_if(custom.enabled.begin(), custom.enabled.end(),
                                   [&](const PluginRef& c) { return c.name == plugin.name; });
      if (override == custom.enabled.end()) {
        merged.enabled.push_back(plugin);
        continue;
      }
      used[static_cast<size_t>(override - custom.enabled.begin())] = true;
      merged.enabled.push_back(*override);
    }
  }
  for (size_t i = 0; i < custom.enabled.size(); ++i) {
    if (!used[i]) merged.enabled.push_back(custom.enabled[i]);
  }
  return merged;
}

}  // namespace

std::string_view ExtensionPointName(ExtensionPoint point) {
  switch (point) {
    case ExtensionPoint::kPreEnqueue: return "PreEnqueue";
    case ExtensionPoint::kQueueSort: return "QueueSort";
    case ExtensionPoint::kPreFilter: return "PreFilter";
    case ExtensionPoint::kFilter: return "Filter";
    case ExtensionPoint::kPostFilter: return "PostFilter";
    case ExtensionPoint::kPreScore: return "PreScore";
    case ExtensionPoint::kScore: return "Score";
    case ExtensionPoint::kReserve: return "Reserve";
    case ExtensionPoint::kPermit: return "Permit";
    case ExtensionPoint::kPreBind: return "PreBind";
    case ExtensionPoint::kBind: return "Bind";
    case ExtensionPoint::kPostBind: return "PostBind";
    case ExtensionPoint::kPlacementGenerate: return "PlacementGenerate";
    case ExtensionPoint::kPlacementScore: return "PlacementScore";
  }
  BERTH_CHECK(false);
}

Plugins DefaultPlugins(const PodGroupFeatures& groups) {
  Plugins plugins;
  const auto add = [&](const DefaultPlugin& plugin) {
    plugins.multi_point.enabled.push_back(
        {.name = std::string(plugin.name), .weight = plugin.weight, .from_default = true});
  };
  for (const DefaultPlugin& plugin : kDefaults) add(plugin);
  if (groups.gang_scheduling) add({"GangScheduling", 0});
  if (groups.topology_aware) {
    add({"TopologyPlacementGenerator", 0});
    add({"PodGroupPodsCount", 1});
  }
  return plugins;
}

Plugins MergeWithDefaults(const Plugins& custom, const PodGroupFeatures& groups) {
  const Plugins defaults = DefaultPlugins(groups);
  Plugins merged;
  merged.multi_point = MergeSet(defaults.multi_point, custom.multi_point);
  for (size_t i = 0; i < kExtensionPointCount; ++i) {
    merged.points[i] = MergeSet(defaults.points[i], custom.points[i]);
  }
  return merged;
}

}  // namespace berth::framework
