// Devices for pods that claim them, or that request extended resources which device classes stand
// for: finds devices on a node, holds them, and writes into the claims what was found.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/executor.h"
#include "framework/plugin.h"
#include "framework/registry.h"
#include "plugins/args.h"
#include "plugins/dynamic_resources/claim_writer.h"
#include "plugins/dynamic_resources/claims.h"
#include "plugins/dynamic_resources/inventory.h"
#include "plugins/dynamic_resources/state.h"

namespace berth::plugins::dynamic_resources {

// PreEnqueue, PreFilter: UnschedulableAndUnresolvable until all claims of the pod are there and
//   can be used. Skip without claims.
// Filter: UnschedulableAndUnresolvable where the claims cannot all be allocated, or allocated ones
//   not be reached. Error when a claim, class or selector is broken, or finding out took longer
//   than filterTimeout.
// PostFilter: gives up the allocation of a claim that is in the way, if no other pod has it.
//   Unschedulable always, so that preemption is tried next.
// Score: for each request with a list of alternatives, 8 less the place of the one taken.
// Reserve, PreBind: an allocation is held in memory, then written with the reservation.
// Extended resources: on a node that does not offer one by itself devices of its class are
//   allocated, to a claim that is made for the pod when it is bound. A claim left by an attempt
//   that failed is deleted by PostFilter. UnschedulableAndUnresolvable where neither the node nor
//   a class has the resource.
// Events: nodes, claims, classes and slices; the pod's status naming generated claims.
// Cost: Filter searches (allocator.h) where the node's devices have changed since a pod asked for
// the same, and reads a number elsewhere. Pods without claims cost nothing.
// Threads: Filter and Score may run concurrently.
// Source: kube-scheduler plugin of the same name; plugins.md section 20.
class DynamicResources final : public framework::PreEnqueuePlugin,
                               public framework::PreFilterPlugin,
                               public framework::FilterPlugin,
                               public framework::PostFilterPlugin,
                               public framework::ScorePlugin,
                               public framework::ReservePlugin,
                               public framework::PreBindPlugin {
 public:
  static constexpr std::string_view kName = "DynamicResources";
  static constexpr std::string_view kReasonCannotAllocate = "cannot allocate all claims";
  static constexpr std::string_view kReasonNotAvailable =
      "resourceclaim not available on the node";
  static constexpr std::string_view kReasonInUse = "resourceclaim in use";
  static constexpr std::string_view kReasonStale = "cannot schedule extended resource claim";
  // args: validated.
  DynamicResources(const DynamicResourcesArgs& args, framework::Handle& handle);

  std::string_view Name() const override { return kName; }
  framework::Status PreEnqueue(const framework::PodInfo& pod) override;
  bool SaysWhenGatesMayOpen() const override { return true; }
  framework::PreFilterResult PreFilter(framework::CycleState& state, const framework::PodInfo& pod,
                                       const framework::Snapshot& snapshot) override;
  framework::Status Filter(const framework::CycleState& state, const framework::PodInfo& pod,
                           const framework::NodeInfo& node) const override;
  void PostFilter(framework::CycleState& state, const framework::PodInfo& pod,
                  const framework::NodeStatusReader& statuses,
                  framework::PostFilterDone done) override;
  framework::PostFilterPlan PlanPostFilter(const framework::CycleState& state,
                                           const framework::PodInfo& pod,
                                           const framework::NodeStatusReader& statuses) override;
  framework::Scored Score(const framework::CycleState& state, const framework::PodInfo& pod,
                          const framework::NodeInfo& node) const override;
  framework::Normalization normalization() const override {
    return framework::Normalization::kDefault;
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
  void CancelPreBind(const framework::PodInfo& pod) override { writer_.Cancel(pod.uid); }
  framework::Dependencies DependsOn(const framework::PodInfo& pod) const override;
  bool FiltersEachPod(const framework::PodInfo& pod) const override;
  bool Sign(const framework::PodInfo& pod, framework::SignatureBuilder& out) const override;
  bool SignsTemplates() const override { return true; }
  std::optional<std::vector<framework::ClusterEventWithHint>> EventsToRegister() const override;

 private:
  framework::Status Accept(const framework::PodInfo& pod, const ClaimPtr& claim, bool extended,
                           std::vector<PodClaim>& out) const;
  framework::Status CheckClasses(const api::dra::ResourceClaim& claim) const;
  bool WantsFromClasses(const framework::PodInfo& pod) const;
  // What to allocate on the node.
  struct Task {
    framework::Status status;
    std::shared_ptr<const Plan> plan;  // null: nothing
    bool done = false;                 // nor is anything else to be looked at
  };
  Task TaskOn(PodState& held, const framework::PodInfo& pod,
              const framework::NodeInfo& node) const;
  AllocationOutcome Search(const Plan& plan, const framework::NodeInfo& node,
                           const NodeView& view) const;
  framework::Status Find(PodState& held, const Plan& plan, const framework::NodeInfo& node) const;
  void Release(const ClaimPtr& claim, framework::PostFilterDone done);
  void Hold(PodState& held, const std::vector<api::dra::AllocationResult>& results);
  std::string NewUuid();

  framework::Handle& handle_;
  const absl::Duration filter_timeout_, binding_timeout_;
  const std::shared_ptr<Inventory> inventory_;
  ClaimStore& store_;  // the inventory's
  ClaimWriter writer_;
  ClaimGates gates_;
  Lifetime alive_;
};

}  // namespace berth::plugins::dynamic_resources
