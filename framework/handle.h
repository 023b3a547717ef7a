// Handle: what the engine offers a plugin, given once at Create. It outlives the plugin.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <absl/functional/any_invocable.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "base/executor.h"
#include "base/random.h"
#include "framework/device_features.h"
#include "framework/fwd.h"
#include "framework/node_info.h"
#include "framework/pod_group.h"
#include "framework/pod_info.h"
#include "framework/status.h"

namespace berth::api {
struct Resource;
}

namespace berth::framework {

// A pod that Permit made wait. Only the first signal counts.
class WaitingPod {
 public:
  virtual ~WaitingPod() = default;
  virtual const PodInfo& pod() const = 0;
  virtual std::vector<std::string> PendingPlugins() const = 0;
  virtual void Allow(std::string_view plugin) = 0;
  virtual void Reject(std::string_view plugin, std::string_view message) = 0;
  virtual void Preempt(std::string_view plugin, std::string_view message) = 0;
};

// Pods with equal signatures get equal verdicts of all Filter plugins on a node while
// Snapshot::version of the node stays, but not on `own_node`: the pod is nominated to it, which
// counts for its equals and not for itself. An empty signature: nothing can be said of this pod
// now.
struct NodeScope {
  std::string signature;
  NodeIndex own_node = -1;  // -1: the pod is nominated to none
};

// Something that the plugins of one engine have in common, in whatever profile they are.
class SharedPart {
 public:
  virtual ~SharedPart() = default;
};

// Threads: used on the engine's executor.
class Handle {
 public:
  virtual ~Handle() = default;

  virtual std::string_view profile() const = 0;  // the schedulerName
  virtual Executor& executor() = 0;
  virtual Random& random() = 0;
  virtual ObjectSource& objects() = 0;
  virtual ObjectSink& sink() = 0;
  // Another resource that objects() is to hold, though no event of it is registered. While plugins
  // are made; kept results that read it (Dependencies.objects) are dropped when any of it changes.
  virtual void Watch(const api::Resource& resource) = 0;

  virtual Metrics& metrics() = 0;
  // The shared part of that name, kept as long as the engine; null until somebody sets it.
  virtual std::shared_ptr<SharedPart>& Shared(std::string_view name) = 0;

  // Of the cycle under way.
  virtual const Snapshot& snapshot() const = 0;

  // What the plugin remembers by itself has changed (assumed volumes, pending claims): results
  // kept for one node, for the nodes with a label value, or for all, are dropped.
  virtual void Invalidate(std::string_view plugin, std::string_view node_name) = 0;
  virtual void InvalidateDomain(std::string_view plugin, std::string_view topology_key,
                                std::string_view value) = 0;
  virtual void InvalidateAll(std::string_view plugin) = 0;

  // Puts pods ("namespace/name") back into the active queue, at once. Within a cycle,
  // framework/pods_to_activate.h waits for its good end.
  virtual void Activate(std::span<const std::string> pod_keys) = 0;

  virtual void ForEachWaitingPod(const std::function<void(WaitingPod&)>& visit) = 0;
  virtual WaitingPod* FindWaitingPod(std::string_view uid) = 0;
  // Rejects with plugin "" and message "removed"; false when it does not wait.
  virtual bool RejectWaitingPod(std::string_view uid) = 0;

  // A pod that is on a node, or assumed there, as the engine has heard of it last; null when it is
  // gone, or over.
  virtual PodPtr FindPod(std::string_view uid) const = 0;

  // Hears of each pod that FindPod finds no longer, or finds terminating from now on, before the
  // queue hears of it. While plugins are made.
  virtual void OnPodEnding(std::function<void(const PodInfo&)> listener) = 0;
  // See PreEnqueuePlugin::SaysWhenGatesMayOpen. pod_key: "namespace/name".
  virtual void GateMayOpen(std::string_view pod_key) = 0;

  // Pods nominated to a node, in the order of nomination.
  virtual std::vector<PodPtr> NominatedPods(std::string_view node_name) const = 0;

  // Whether some extender has a say in whom to evict for the pod.
  virtual bool ExtendersPreempt(const PodInfo& pod) const = 0;
  // Shows these extenders, one after the other, where a pod of this PostFilter could be
  // placed and who would go; done: what is left, or why they failed. It may be called inside the
  // call. While an extender takes long others are scheduled: afterwards the snapshot may have
  // changed.
  virtual void AskExtendersToPreempt(
      const PodPtr& pod, std::vector<PreemptionCandidate> candidates,
      absl::AnyInvocable<void(absl::StatusOr<std::vector<PreemptionCandidate>>)> done) = 0;

  // The pods of a group, how many they are (cheap); and what of pod groups is switched on.
  virtual PodGroupMembers MembersOf(std::string_view namespace_,
                                    std::string_view group) const = 0;
  virtual PodGroupCounts CountMembers(std::string_view namespace_,
                                      std::string_view group) const = 0;
  virtual const PodGroupFeatures& pod_group_features() const = 0;
  virtual const DeviceFeatures& device_features() const = 0;  // the same of devices

  // Takes that from a pod, here and in its status.
  virtual void ClearNomination(const PodPtr& pod) = 0;

  // For plugins that keep what they found: see NodeScope.
  virtual NodeScope NodeScopeOf(const PodInfo& pod) const = 0;
  // Grows with every change of any other resource that is watched or of which an event is
  // registered.
  virtual int64_t objects_generation() const = 0;

  // All Filter plugins of the profile on a node as given, nominated pods of equal or higher
  // priority counted (framework.md section 2.3); and PreFilter's AddPod / RemovePod.
  virtual Status RunFiltersWithNominatedPods(CycleState& state, const PodInfo& pod,
                                             const NodeInfo& node) = 0;
  virtual Status RunAddPod(CycleState& state, const PodInfo& to_schedule, const PodInfo& added,
                           const NodeInfo& node) = 0;
  virtual Status RunRemovePod(CycleState& state, const PodInfo& to_schedule,
                              const PodInfo& removed, const NodeInfo& node) = 0;
};

}  // namespace berth::framework
