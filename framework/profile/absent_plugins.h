// A pod that uses a field of a plugin this scheduler does not have is never scheduled as if the
// field were not there: it stays Pending and its event says why. A profile that disables such a
// plugin on purpose follows upstream: the field is ignored. One such plugin is left.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "framework/pod_info.h"

namespace berth::framework {

struct AbsentPluginUse {
  std::string_view field;   // "spec.schedulingGroup"
  std::string_view plugin;  // "GangScheduling"
  // "pod uses <field>, and plugin <plugin> is not in this scheduler"
  std::string Message() const;
};
// The first such use; absent: Profile::absent().
std::optional<AbsentPluginUse> FindAbsentPluginUse(const PodInfo& pod,
                                                   std::span<const std::string> absent);

}  // namespace berth::framework
