// What the plugin keeps for one attempt of one pod.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include "api/scheduling/node_affinity.h"
#include "framework/cycle_state.h"
#include "framework/node_info.h"
#include "framework/status.h"
#include "plugins/dynamic_resources/allocator.h"
#include "plugins/dynamic_resources/extended_resources.h"
#include "plugins/dynamic_resources/inventory.h"
#include "plugins/dynamic_resources/requests.h"
#include "plugins/dynamic_resources/verdicts.h"

namespace berth::plugins::dynamic_resources {

// One claim of the pod.
struct PodClaim {
  ClaimPtr claim;
  // Where its devices can be reached, when it is allocated; nullopt: anywhere, or not allocated.
  std::optional<std::vector<api::scheduling::SelectorTerm>> nodes;
  bool bound_in_vain = false;  // allocated, but its binding conditions failed or took too long
  bool extended = false;       // stands for the pod's extended resources
  // The claim with the allocation that Reserve holds and PreBind writes; else null.
  ClaimPtr pending;
};

// What is to be allocated on a node.
struct Plan {
  Prepared prepared;
  std::shared_ptr<Verdicts> verdicts;
  // Says which container gets what, when the last of the claims stands for extended resources.
  std::optional<api::core::PodExtendedResourceClaimStatus> extended;
};
std::shared_ptr<Plan> MakePlan(const std::vector<ClaimPtr>& claims, Inventory& inventory);

// What the extended resources of the pod ask for on a node.
struct NodeNeeds {
  framework::Status status;  // why the pod cannot be there
  ResourceClasses resources;  // that have to come from devices there
};
// wanted: extended resources that the pod requests.
NodeNeeds NeedsOn(const framework::NodeInfo& node,
                  const std::vector<std::pair<Symbol, int64_t>>& wanted,
                  const DeviceClasses& classes);

// Threads: what is not guarded is written by PreFilter, Reserve and PreBind, one at a time; Filter
// may run concurrently.
class PodState {
 public:
  std::vector<PodClaim> claims;             // the one for extended resources last
  std::shared_ptr<const Plan> plan;         // of the claims that the pod names; null: none to do
  // Extended resources that some class stands for, and others; empty: there is none of the first.
  std::vector<std::pair<Symbol, int64_t>> wanted;
  std::shared_ptr<const Plan> reserved;     // by Reserve, for PreBind

  // Null: the pod has no such claim.
  PodClaim* ExtendedClaim();
  bool OnlyExtended() const { return claims.size() == 1 && claims.front().extended; }

  // With the resources that have to come from devices. Made once for each set of them.
  std::shared_ptr<const Plan> PlanFor(const api::core::Pod& pod, const ResourceClasses& resources,
                                      Inventory& inventory);

  // What was found out on a node, where it is not kept for other pods, or took long.
  std::shared_ptr<const AllocationOutcome> Outcome(std::string_view node_name);
  void Keep(std::string_view node_name, std::shared_ptr<const AllocationOutcome> outcome);

  void MarkUnavailable(size_t claim);
  std::set<size_t> Unavailable();

 private:
  absl::Mutex mutex_;
  std::map<std::vector<uint32_t>, std::shared_ptr<const Plan>> plans_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<const AllocationOutcome>, std::less<>> outcomes_
      ABSL_GUARDED_BY(mutex_);
  std::set<size_t> unavailable_ ABSL_GUARDED_BY(mutex_);
};

// Clones share it: what Filter finds does not depend on the pods of a node.
struct StateHolder final : framework::StateData {
  explicit StateHolder(std::shared_ptr<PodState> held) : state(std::move(held)) {}
  std::unique_ptr<framework::StateData> Clone() const override {
    return std::make_unique<StateHolder>(state);
  }
  const std::shared_ptr<PodState> state;
};

}  // namespace berth::plugins::dynamic_resources
