// Places a pod where its volumes are, or where they can be made, and binds them before the pod is.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/executor.h"
#include "framework/plugin.h"
#include "framework/registry.h"
#include "plugins/args.h"
#include "plugins/volume_binding/assumed_objects.h"
#include "plugins/volume_binding/pod_claims.h"
#include "plugins/volume_binding/volume_binder.h"

namespace berth::plugins::volume_binding {

// PreFilter: UnschedulableAndUnresolvable when a claim is missing, lost, going away, another pod's,
//   or still unbound though its class binds at once. Error when its class does not say when it
//   binds. Skip for pods without claims.
// Filter: UnschedulableAndUnresolvable with the reasons of kConflictReasons, in their order: the
//   volume of a bound claim is not for the node or does not exist; an unbound claim finds no volume
//   there and none can be made, or there is no room for it.
// Score: none; upstream scores with its gate StorageCapacityScoring, which is off.
// Reserve: decides on volumes for the unbound claims on the node; other pods see the decision at
//   once. Unreserve takes it back.
// PreBind: writes the decision and waits until all claims are bound, bindTimeoutSeconds at most.
// Events: classes and their topologies, the pod's claims, volumes, nodes and their labels, CSINodes
//   and what they moved to drivers, drivers that report no capacity any more, more capacity.
// Pods with claims share no results, so what Reserve decides invalidates none.
// Cost: PreFilter one pass over all volumes, when a claim is unbound; Filter O(volumes that would
//   do), a look-up of the CSINode when a volume is of an old in-tree plugin.
// Threads: the engine's executor. Source: kube-scheduler plugin of the same name; plugins.md
// section 15.
class VolumeBinding final : public framework::PreFilterPlugin,
                            public framework::FilterPlugin,
                            public framework::PreScorePlugin,
                            public framework::ScorePlugin,
                            public framework::ReservePlugin,
                            public framework::PreBindPlugin {
 public:
  static constexpr std::string_view kName = "VolumeBinding";
  static constexpr std::string_view kReasonImmediate =
      "pod has unbound immediate PersistentVolumeClaims";
  // args: validated.
  VolumeBinding(const VolumeBindingArgs& args, framework::Handle& handle);

  std::string_view Name() const override { return kName; }
  framework::PreFilterResult PreFilter(framework::CycleState& state, const framework::PodInfo& pod,
                                       const framework::Snapshot& snapshot) override;
  framework::Status Filter(const framework::CycleState& state, const framework::PodInfo& pod,
                           const framework::NodeInfo& node) const override;
  framework::Status PreScore(framework::CycleState&, const framework::PodInfo&,
                             std::span<const framework::NodeInfo* const>) override {
    return framework::Skip();
  }
  framework::Scored Score(const framework::CycleState&, const framework::PodInfo&,
                          const framework::NodeInfo&) const override {
    return {};
  }
  framework::Status Reserve(framework::CycleState& state, const framework::PodInfo& pod,
                            std::string_view node_name) override;
  void Unreserve(framework::CycleState& state, const framework::PodInfo& pod,
                 std::string_view node_name) override;
  framework::PreBindPreFlightResult PreBindPreFlight(framework::CycleState& state,
                                                     const framework::PodInfo& pod,
                                                     std::string_view node_name) override;
  void PreBind(framework::CycleState& state, const framework::PodInfo& pod,
               std::string_view node_name, framework::StatusDone done) override;
  void CancelPreBind(const framework::PodInfo& pod) override;
  framework::Dependencies DependsOn(const framework::PodInfo& pod) const override;
  bool FiltersEachPod(const framework::PodInfo& pod) const override;
  bool Sign(const framework::PodInfo& pod, framework::SignatureBuilder& out) const override;
  bool SignsTemplates() const override { return true; }
  std::optional<std::vector<framework::ClusterEventWithHint>> EventsToRegister() const override;

 private:
  struct State;
  Finding FindOn(const PodClaims& claims, const framework::NodeInfo& node) const;
  // Counts an error of a stage: predicate, assume, bind. Returns the status.
  framework::Status StageFailed(std::string_view operation, framework::Status status) const;
  absl::Status Assume(State& state, PodVolumes found, std::string_view node_name);
  void ForgetAssumed(State& state);

  framework::Handle& handle_;
  AssumedObjects assumed_volumes_, assumed_claims_;
  VolumeBinder binder_;
  Lifetime alive_;
};

}  // namespace berth::plugins::volume_binding
