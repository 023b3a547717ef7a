// What the plugin keeps for one attempt of one pod.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include "api/scheduling/node_affinity.h"
#include "framework/cycle_state.h"
#include "framework/node_info.h"
#include "plugins/dynamic_resources/allocator.h"
#include "plugins/dynamic_resources/requests.h"

namespace berth::plugins::dynamic_resources {

// One claim of the pod.
struct PodClaim {
  ClaimPtr claim;
  // Where its devices can be reached, when it is allocated; nullopt: anywhere, or not allocated.
  std::optional<std::vector<api::scheduling::SelectorTerm>> nodes;
  bool bound_in_vain = false;  // allocated, but its binding conditions failed or took too long
  // The claim with the allocation that Reserve holds and PreBind writes; else null.
  ClaimPtr pending;
};

// Threads: claims and allocator are written by PreFilter, Reserve and PreBind, one at a time; the
// rest is guarded, since Filter may run concurrently.
class PodState {
 public:
  std::vector<PodClaim> claims;
  std::unique_ptr<const Allocator> allocator;  // null: nothing to allocate

  // Computed once for each node. expired: as Allocator::Allocate.
  const AllocationOutcome& AllocationOn(const framework::NodeInfo& node,
                                        const std::function<bool()>& expired);
  // Null when it was never computed, or there is none.
  const AllocationOutcome* AllocationOn(std::string_view node_name);

  void MarkUnavailable(size_t claim);
  std::set<size_t> Unavailable();

 private:
  absl::Mutex mutex_;
  // Never erased from: pointers stay.
  std::map<std::string, std::unique_ptr<const AllocationOutcome>, std::less<>> outcomes_
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
