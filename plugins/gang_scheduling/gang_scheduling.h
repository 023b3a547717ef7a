// Schedules the pods of a gang all together or not at all.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "framework/plugin.h"
#include "framework/registry.h"

namespace berth::plugins::gang_scheduling {

// PreEnqueue: UnschedulableAndUnresolvable until the pod's PodGroup is there and, of a gang, at
//   least minCount members are.
// Permit: Wait (five minutes) until minCount members have a node, be they bound, assumed or placed
//   by the group's cycle under way; the one that completes the gang lets the waiting ones go on.
//   Without a group's cycle the members without a node are put into the active queue.
// Pods of no group and groups with the basic policy pass.
// Events: another pod of the group, its PodGroup.
// Threads: the engine's executor. Source: kube-scheduler plugin of the same name; plugins.md
// section 21. Alpha upstream: enabled by the gate GangScheduling.
class GangScheduling final : public framework::PreEnqueuePlugin, public framework::PermitPlugin {
 public:
  static constexpr std::string_view kName = "GangScheduling";
  explicit GangScheduling(framework::Handle& handle);

  std::string_view Name() const override { return kName; }
  framework::Status PreEnqueue(const framework::PodInfo& pod) override;
  framework::PermitResult Permit(framework::CycleState& state, const framework::PodInfo& pod,
                                 std::string_view node_name) override;
  std::optional<std::vector<framework::ClusterEventWithHint>> EventsToRegister() const override;

 private:
  framework::Handle& handle_;
};

}  // namespace berth::plugins::gang_scheduling
