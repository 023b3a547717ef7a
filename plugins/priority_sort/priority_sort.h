// Orders the active queue: higher priority first, then the pod that has waited longer.
#pragma once

#include <memory>
#include <string_view>

#include <absl/status/statusor.h>

#include "framework/plugin.h"
#include "framework/registry.h"

namespace berth::plugins::priority_sort {

// QueueSort: priority (null counts as 0) descending, then QueuedPodInfo::timestamp ascending.
// Cost: two comparisons. Threads: const. Source: kube-scheduler plugin of the same name.
class PrioritySort final : public framework::QueueSortPlugin {
 public:
  static constexpr std::string_view kName = "PrioritySort";
  static absl::StatusOr<std::unique_ptr<framework::Plugin>> Create(
      const framework::PluginArgs& args, framework::Handle& handle);

  std::string_view Name() const override { return kName; }
  bool Less(const framework::QueuedPodInfo& a, const framework::QueuedPodInfo& b) const override;
};

}  // namespace berth::plugins::priority_sort
