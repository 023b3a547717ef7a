// Keeps the volumes of a node within what its CSI drivers can attach.
#pragma once

#include <memory>
#include <string_view>

#include <absl/status/statusor.h>

#include "framework/plugin.h"
#include "framework/registry.h"

namespace berth::plugins::node_volume_limits {

// PreFilter: Skip for pods without claims and volumes of old in-tree plugins.
// Filter: UnschedulableAndUnresolvable when a claim of the pod is not there. Unschedulable when
//   the pod's volumes, with those of the pods on the node and of VolumeAttachments to it, are more
//   than the node's CSINode allows of a driver; volumes that are there already count once. A node
//   whose CSINode allows no number passes.
// Upstream's gate VolumeLimitScaling (drivers that must be installed) is off, and not here.
// Events: new CSINodes and higher limits, pods with volumes that end, the pod's claims, volumes
//   that were detached.
// Cost: PreFilter one pass over the VolumeAttachments; Filter two look-ups for each claim of each
//   pod of a node that has limits. Pods with such volumes share no results.
// Threads: the engine's executor: Filter reads objects. Source: kube-scheduler
// nodevolumelimits/csi.go; plugins.md section 14.
class NodeVolumeLimits final : public framework::PreFilterPlugin, public framework::FilterPlugin {
 public:
  static constexpr std::string_view kName = "NodeVolumeLimits";
  static constexpr std::string_view kReason = "node(s) exceed max volume count";
  static absl::StatusOr<std::unique_ptr<framework::Plugin>> Create(
      const framework::PluginArgs& args, framework::Handle& handle);
  explicit NodeVolumeLimits(framework::Handle& handle);

  std::string_view Name() const override { return kName; }
  framework::PreFilterResult PreFilter(framework::CycleState& state, const framework::PodInfo& pod,
                                       const framework::Snapshot& snapshot) override;
  framework::Status Filter(const framework::CycleState& state, const framework::PodInfo& pod,
                           const framework::NodeInfo& node) const override;
  framework::Dependencies DependsOn(const framework::PodInfo& pod) const override;
  bool FiltersEachPod(const framework::PodInfo& pod) const override;
  bool Sign(const framework::PodInfo& pod, framework::SignatureBuilder& out) const override;
  bool SignsTemplates() const override { return true; }
  std::optional<std::vector<framework::ClusterEventWithHint>> EventsToRegister() const override;

 private:
  struct State;
  framework::Handle& handle_;
};

}  // namespace berth::plugins::node_volume_limits
