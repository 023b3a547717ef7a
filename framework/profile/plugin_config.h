// Which plugins a profile runs, as plain values: what a KubeSchedulerConfiguration says, read and
// validated by whoever read the file. Source: config.md sections 1 and 2.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/pod_group.h"

namespace berth::framework {

enum class ExtensionPoint : uint8_t {
  kPreEnqueue,
  kQueueSort,
  kPreFilter,
  kFilter,
  kPostFilter,
  kPreScore,
  kScore,
  kReserve,
  kPermit,
  kPreBind,
  kBind,
  kPostBind,
  kPlacementGenerate,
  kPlacementScore,
};
inline constexpr size_t kExtensionPointCount = 14;
// "PreFilter": in messages with "Plugin" behind it, and in metrics.
std::string_view ExtensionPointName(ExtensionPoint point);

struct PluginRef {
  std::string name;
  int32_t weight = 0;         // of Score and PlacementScore; 0: 1
  bool from_default = false;  // nobody asked for it by name: skipped when this build lacks it
};
struct PluginSet {
  std::vector<PluginRef> enabled;
  std::vector<std::string> disabled;  // "*": all
};
struct Plugins {
  PluginSet multi_point;
  std::array<PluginSet, kExtensionPointCount> points;
  PluginSet& at(ExtensionPoint point) { return points[static_cast<size_t>(point)]; }
  const PluginSet& at(ExtensionPoint point) const { return points[static_cast<size_t>(point)]; }
};

struct PluginConfigEntry {
  std::string name;
  std::string args_json;  // "" or "{}": defaults
};

struct ProfileConfig {
  std::string scheduler_name = "default-scheduler";
  Plugins plugins;  // after MergeWithDefaults
  std::vector<PluginConfigEntry> plugin_config;
  std::optional<int32_t> percentage_of_nodes_to_score;  // overrides the global one
};

// Upstream's default MultiPoint list, in order, with weights.
Plugins DefaultPlugins(const PodGroupFeatures& groups = {});
// mergePluginSet for every key: the user's weight at a default's position, disabled ones left out,
// others behind.
// groups: their plugins are defaults too, behind the others.
Plugins MergeWithDefaults(const Plugins& custom, const PodGroupFeatures& groups = {});

}  // namespace berth::framework
