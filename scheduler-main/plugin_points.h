// Upstream's plugins and the extension points each implements: what a configuration file may name,
// also for plugins that are not in this build.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "framework/profile/plugin_config.h"
#include "scheduler-main/config.h"

namespace berth::scheduler {

// One key of `plugins`, its section in the file and its name for the engine; in the order in which
// upstream goes through them when it builds a profile.
struct PluginPoint {
  std::string_view key;
  PluginSetSection PluginsSection::*section;
  framework::ExtensionPoint engine;
};
using framework::ExtensionPoint;
inline constexpr std::array<PluginPoint, framework::kExtensionPointCount> kPluginPoints = {{
    {"preFilter", &PluginsSection::pre_filter, ExtensionPoint::kPreFilter},
    {"filter", &PluginsSection::filter, ExtensionPoint::kFilter},
    {"postFilter", &PluginsSection::post_filter, ExtensionPoint::kPostFilter},
    {"reserve", &PluginsSection::reserve, ExtensionPoint::kReserve},
    {"preScore", &PluginsSection::pre_score, ExtensionPoint::kPreScore},
    {"score", &PluginsSection::score, ExtensionPoint::kScore},
    {"preBind", &PluginsSection::pre_bind, ExtensionPoint::kPreBind},
    {"bind", &PluginsSection::bind, ExtensionPoint::kBind},
    {"postBind", &PluginsSection::post_bind, ExtensionPoint::kPostBind},
    {"permit", &PluginsSection::permit, ExtensionPoint::kPermit},
    {"preEnqueue", &PluginsSection::pre_enqueue, ExtensionPoint::kPreEnqueue},
    {"queueSort", &PluginsSection::queue_sort, ExtensionPoint::kQueueSort},
    {"placementGenerate", &PluginsSection::placement_generate,
     ExtensionPoint::kPlacementGenerate},
    {"placementScore", &PluginsSection::placement_score, ExtensionPoint::kPlacementScore},
}};

struct UpstreamPlugin {
  std::string_view name;
  uint32_t points = 0;  // bits by ExtensionPoint
  bool Implements(ExtensionPoint point) const {
    return (points >> static_cast<uint32_t>(point) & 1) != 0;
  }
};
// Null: not one of upstream's.
const UpstreamPlugin* FindUpstreamPlugin(std::string_view name);

// Plugins upstream has removed: AzureDiskLimits and the like.
bool IsRemovedPlugin(std::string_view name);

framework::Plugins ToEnginePlugins(const PluginsSection& plugins);

}  // namespace berth::scheduler
