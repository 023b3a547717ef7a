#include "framework/profile/absent_plugins.h"

#include <algorithm>

#include <fmt/core.h>

#include "api/schema/core_v1_pod.pb.h"

namespace berth::framework {

std::string AbsentPluginUse::Message() const {
  return fmt::format("pod uses {}, and plugin {} is not in this scheduler", field, plugin);
}

std::optional<AbsentPluginUse> FindAbsentPluginUse(const PodInfo& pod,
                                                   std::span<const std::string> absent) {
  if (absent.empty()) return std::nullopt;
  constexpr std::string_view kGangs = "GangScheduling";
  if (pod.object().spec().has_scheduling_group() &&
      std::find(absent.begin(), absent.end(), kGangs) != absent.end()) {
    return AbsentPluginUse{"spec.schedulingGroup", kGangs};
  }
  return std::nullopt;
}

}  // namespace berth::framework
