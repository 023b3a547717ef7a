#include "framework/cycle/failure.h"

#include <utility>

#include "api/resource_table.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/structured_log.h"
#include "framework/cycle/pod_status.h"

namespace berth::framework {
namespace {

constexpr size_t kNoteMax = 1024;
constexpr std::string_view kCut = " ...";

// Whether the pod still waits for a node after its attempt; brings the entry up to date then.
// What the source does not show is gone, or over.
bool StillWaits(EngineCore& core, QueueEntry& entry) {
  const PodInfo& pod = *entry.pod;
  const ObjectPtr object =
      core.source.Get(api::ResourceOf<api::core::Pod>(), pod.namespace_name, pod.name);
  const auto* cached = static_cast<const api::core::Pod*>(object.get());
  if (cached == nullptr) {
    BERTH_INFO(0, "Pod doesn't exist in informer cache", {"pod", pod.key});
    return false;
  }
  if (cached->metadata().uid() != pod.uid) return false;
  if (!cached->spec().node_name().empty()) {
    BERTH_INFO(0, "Pod has been assigned to node. Abort adding it back to queue.",
               {"pod", pod.key}, {"node", cached->spec().node_name()});
    return false;
  }
  if (cached != &pod.object()) {
    core.queue->Renew(entry,
                      PodInfo::Make(std::static_pointer_cast<const api::core::Pod>(object)));
  }
  return true;
}

void LogFailure(const PodInfo& pod, const Failure& failure) {
  if (failure.diagnosis != nullptr && failure.diagnosis->all_nodes > 0) {
    BERTH_INFO(2, "Unable to schedule pod; no fit; waiting", {"pod", pod.key},
               {"err", failure.message});
  } else if (failure.message == kNoNodesAvailable) {
    BERTH_INFO(2, "Unable to schedule pod; no nodes are registered to the cluster; waiting",
               {"pod", pod.key});
  } else {
    BERTH_FAILURE(failure.message, "Error scheduling pod; retrying", {"logger", "UnhandledError"},
                  {"pod", pod.key});
  }
}

}  // namespace

NominatingInfo ClearNomination() { return {NominatingInfo::Mode::kOverride, ""}; }

std::string TruncatedNote(std::string_view message) {
  if (message.size() <= kNoteMax) return std::string(message);
  return std::string(message.substr(0, kNoteMax - kCut.size())).append(kCut);
}

void HoldForRetry(EngineCore& core, QueueEntryPtr entry) {
  if (StillWaits(core, *entry)) core.queue->HoldBack(std::move(entry));
}

void HandleFailure(EngineCore& core, QueueEntryPtr entry, const Failure& failure) {
  const bool rejected = failure.status.IsRejected();
  const std::string_view reason = rejected ? "Unschedulable" : "SchedulerError";
  const std::string profile = entry->pod->scheduler_name;
  ++(rejected ? core.counts.unschedulable : core.counts.errors);
  core.metrics.ScheduleAttempt(
      profile, rejected ? AttemptResult::kUnschedulable : AttemptResult::kError,
      core.executor.clock().Now() - failure.attempt_began);
  LogFailure(*entry->pod, failure);
  entry->unschedulable_plugins.clear();
  entry->pending_plugins.clear();
  if (failure.diagnosis != nullptr) {
    entry->unschedulable_plugins = failure.diagnosis->unschedulable_plugins;
    entry->pending_plugins = failure.diagnosis->pending_plugins;
  }
  // A pod that is gone, or has its node after all (the answer to its binding was lost), has not
  // failed: nothing is said of it. (Upstream says it, and the kubelet corrects the condition.)
  if (!StillWaits(core, *entry)) return core.queue->Done(entry->pod->uid);
  const PodPtr pod = entry->pod;
  const absl::Status added = core.queue->AddUnschedulableIfNotPresent(std::move(entry));
  if (!added.ok()) {
    BERTH_FAILURE(ToStd(added.message()), "Error occurred", {"logger", "UnhandledError"},
                  {"pod", pod->key});
  }
  if (failure.nominating) core.nominator.Add(pod, &*failure.nominating);
  core.sink.Event({.regarding = pod->shared_object(),
                   .related = nullptr,
                   .type = "Warning",
                   .reason = "FailedScheduling",
                   .action = "Scheduling",
                   .note = TruncatedNote(failure.message),
                   .reporting_controller = profile});
  PatchFailure(core, pod, reason, failure.message, failure.nominating);
}

}  // namespace berth::framework
