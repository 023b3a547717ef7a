#include "framework/cycle/failure.h"

#include <utility>

#include "api/resource_table.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/log.h"
#include "framework/cycle/pod_status.h"

namespace berth::framework {
namespace {

constexpr size_t kNoteMax = 1024;
constexpr std::string_view kCut = " ...";

enum class Fate { kStillWaiting, kGoneOrBound, kReplaced };

// What became of a pod during its attempt; brings the entry up to date when it still waits.
Fate LookUp(EngineCore& core, QueueEntry& entry) {
  const PodInfo& pod = *entry.pod;
  const ObjectPtr object =
      core.source.Get(api::ResourceOf<api::core::Pod>(), pod.namespace_name, pod.name);
  const auto* cached = static_cast<const api::core::Pod*>(object.get());
  if (cached == nullptr || !cached->spec().node_name().empty()) return Fate::kGoneOrBound;
  if (cached->metadata().uid() != pod.uid) return Fate::kReplaced;
  if (cached != &pod.object()) {
    core.queue->Renew(entry,
                      PodInfo::Make(std::static_pointer_cast<const api::core::Pod>(object)));
  }
  return Fate::kStillWaiting;
}

}  // namespace

NominatingInfo ClearNomination() { return {NominatingInfo::Mode::kOverride, ""}; }

std::string TruncatedNote(std::string_view message) {
  if (message.size() <= kNoteMax) return std::string(message);
  return std::string(message.substr(0, kNoteMax - kCut.size())).append(kCut);
}

void RetryNow(EngineCore& core, QueueEntryPtr entry) {
  if (LookUp(core, *entry) != Fate::kStillWaiting) return core.queue->Done(entry->pod->uid);
  core.queue->ReturnToActive(std::move(entry), "BindConflict");
}

void HandleFailure(EngineCore& core, QueueEntryPtr entry, const Failure& failure) {
  const bool rejected = failure.status.IsRejected();
  const std::string_view reason = rejected ? "Unschedulable" : "SchedulerError";
  const std::string profile = entry->pod->scheduler_name;
  ++(rejected ? core.counts.unschedulable : core.counts.errors);
  core.metrics.ScheduleAttempt(
      profile, rejected ? AttemptResult::kUnschedulable : AttemptResult::kError,
      core.executor.clock().Now() - failure.attempt_began);
  if (!rejected) {
    BERTH_LOG(kError, "scheduling failed pod={} err=\"{}\"", entry->pod->key, failure.message);
  }
  entry->unschedulable_plugins.clear();
  entry->pending_plugins.clear();
  if (failure.diagnosis != nullptr) {
    entry->unschedulable_plugins = failure.diagnosis->unschedulable_plugins;
    entry->pending_plugins = failure.diagnosis->pending_plugins;
  }
  const Fate fate = LookUp(core, *entry);
  const PodPtr pod = entry->pod;
  if (fate == Fate::kStillWaiting) {
    const absl::Status added = core.queue->AddUnschedulableIfNotPresent(std::move(entry));
    if (!added.ok()) {
      BERTH_LOG(kError, "requeue failed pod={} err=\"{}\"", pod->key, ToStd(added.message()));
    }
  } else {
    core.queue->Done(pod->uid);
    if (fate == Fate::kReplaced) return;
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
