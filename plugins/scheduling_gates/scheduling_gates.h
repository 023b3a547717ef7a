// Keeps pods with spec.schedulingGates out of the queue.
#pragma once

#include <memory>
#include <string_view>

#include <absl/status/statusor.h>

#include "framework/plugin.h"
#include "framework/registry.h"

namespace berth::plugins::scheduling_gates {

// PreEnqueue: any gate yields UnschedulableAndUnresolvable
//   "waiting for scheduling gates: [a b]", in the order of the spec.
// Events: the pod's own gates went away.
// Threads: const. Source: kube-scheduler plugin of the same name.
class SchedulingGates final : public framework::PreEnqueuePlugin {
 public:
  static constexpr std::string_view kName = "SchedulingGates";
  static absl::StatusOr<std::unique_ptr<framework::Plugin>> Create(
      const framework::PluginArgs& args, framework::Handle& handle);

  std::string_view Name() const override { return kName; }
  framework::Status PreEnqueue(const framework::PodInfo& pod) override;
  std::optional<std::vector<framework::ClusterEventWithHint>> EventsToRegister() const override;
};

}  // namespace berth::plugins::scheduling_gates
