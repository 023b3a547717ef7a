// Keeps a pod away from disks that others hold: disks that only one may mount, and claims that
// only one pod may use.
#pragma once

#include <memory>
#include <string_view>

#include <absl/status/statusor.h>

#include "framework/plugin.h"
#include "framework/registry.h"

namespace berth::plugins::volume_restrictions {

// PreFilter: UnschedulableAndUnresolvable when a claim that the pod names is not there. Counts the
//   pod's ReadWriteOncePod claims that some pod uses already. Skip when there is none and the pod
//   has none of the disks that Filter compares.
// Filter: Unschedulable on nodes where a pod has the same disk (gcePersistentDisk,
//   awsElasticBlockStore, iscsi, rbd; read-only ones agree), and on all nodes while a
//   ReadWriteOncePod claim is in use: evicting its user may help.
// Events: pods that end, new nodes, new claims.
// Cost: PreFilter walks all pods, for pods with a ReadWriteOncePod claim only; Filter is
//   O(disks * volumes on the node). Pods with such volumes share no results.
// Threads: const after construction; objects are read on the engine's executor.
// Source: kube-scheduler plugin of the same name; plugins.md section 13.
class VolumeRestrictions final : public framework::PreFilterPlugin,
                                 public framework::FilterPlugin {
 public:
  static constexpr std::string_view kName = "VolumeRestrictions";
  static constexpr std::string_view kReasonDisk = "node(s) had no available disk";
  static constexpr std::string_view kReasonClaim =
      "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already "
      "in-use by another pod";
  static absl::StatusOr<std::unique_ptr<framework::Plugin>> Create(
      const framework::PluginArgs& args, framework::Handle& handle);
  explicit VolumeRestrictions(framework::Handle& handle);

  std::string_view Name() const override { return kName; }
  framework::PreFilterResult PreFilter(framework::CycleState& state, const framework::PodInfo& pod,
                                       const framework::Snapshot& snapshot) override;
  bool HasExtensions() const override { return true; }
  framework::Status AddPod(framework::CycleState& state, const framework::PodInfo& to_schedule,
                           const framework::PodInfo& added,
                           const framework::NodeInfo& node) override;
  framework::Status RemovePod(framework::CycleState& state, const framework::PodInfo& to_schedule,
                              const framework::PodInfo& removed,
                              const framework::NodeInfo& node) override;
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

}  // namespace berth::plugins::volume_restrictions
