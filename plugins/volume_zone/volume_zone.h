// Keeps a pod in the zones and regions its volumes are labelled with.
#pragma once

#include <memory>
#include <string_view>

#include <absl/status/statusor.h>

#include "framework/plugin.h"
#include "framework/registry.h"

namespace berth::plugins::volume_zone {

// PreFilter: of the volumes bound to claims that the pod names, reads the zone and region labels
//   (old and new keys; several values are joined by "__"). UnschedulableAndUnresolvable when a
//   claim, its volume or its class is not there, or when it should have a volume and has none.
//   Skip when no volume has such a label.
// Filter: UnschedulableAndUnresolvable on nodes with a zone or region label that is not among a
//   volume's; nodes without any such label pass.
// Events: classes that wait for the first consumer, nodes and their labels, the pod's claims,
//   volumes and their labels.
// Cost: PreFilter two look-ups a claim; Filter O(labels of the volumes). Pods that name claims
//   share no results.
// Threads: const after construction; objects are read on the engine's executor.
// Source: kube-scheduler plugin of the same name; plugins.md section 16.
class VolumeZone final : public framework::PreFilterPlugin, public framework::FilterPlugin {
 public:
  static constexpr std::string_view kName = "VolumeZone";
  static constexpr std::string_view kReason = "node(s) had no available volume zone";
  static absl::StatusOr<std::unique_ptr<framework::Plugin>> Create(
      const framework::PluginArgs& args, framework::Handle& handle);
  explicit VolumeZone(framework::Handle& handle);

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

}  // namespace berth::plugins::volume_zone
