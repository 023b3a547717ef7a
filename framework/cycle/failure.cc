#include "framework/cycle/failure.h"

#include <utility>

#include <fmt/core.h>

#include "api/resource_table.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/time_text.h"
#include "base/log.h"

namespace berth::framework {
namespace {

constexpr size_t kNoteMax = 1024;
constexpr std::string_view kCut = " ...";

void AppendJson(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += fmt::format("\\u{:04x}", byte);
    } else {
      out += c;
    }
  }
  out += '"';
}

std::string Quoted(std::string_view text) {
  std::string out;
  AppendJson(text, out);
  return out;
}

const api::core::PodCondition* FindCondition(const api::core::Pod& pod) {
  for (const auto& condition : pod.status().conditions()) {
    if (condition.type() == "PodScheduled") return &condition;
  }
  return nullptr;
}

// The condition as a patch; empty when the pod has it already.
std::string ConditionPatch(const api::core::Pod& pod, std::string_view reason,
                           std::string_view message, absl::Time now) {
  const api::core::PodCondition* old = FindCondition(pod);
  const int64_t generation = pod.metadata().generation();
  if (old != nullptr && old->status() == "False" && old->reason() == reason &&
      old->message() == message && old->observed_generation() == generation) {
    return {};
  }
  int64_t since = absl::ToUnixSeconds(now);
  if (old != nullptr && old->status() == "False") since = old->last_transition_time().seconds();
  char when[api::kTimeTextMax];
  const std::string_view since_text(
      when, static_cast<size_t>(api::WriteTime(since, when) - when));
  std::string patch = fmt::format(
      R"({{"lastProbeTime":null,"lastTransitionTime":"{}","message":{},)", since_text,
      Quoted(message));
  if (generation > 0) patch += fmt::format(R"("observedGeneration":{},)", generation);
  patch += fmt::format(R"("reason":{},"status":"False","type":"PodScheduled"}})", Quoted(reason));
  return patch;
}

// wanted: of the status, a JSON object. With the pod's uid: another pod of its name is not meant.
void SendPatch(EngineCore& core, const PodInfo& pod, std::string_view wanted) {
  std::string patch = fmt::format(R"({{"metadata":{{"uid":{}}},"status":{}}})", Quoted(pod.uid),
                                  wanted);
  core.sink.Patch(api::ResourceOf<api::core::Pod>(), pod.namespace_name, pod.name,
                  std::move(patch), "status", [key = pod.key](absl::Status status) {
                    if (status.ok()) return;
                    BERTH_LOG(kError, "pod status patch failed pod={} err=\"{}\"", key,
                              ToStd(status.message()));
                  });
}

void PatchStatus(EngineCore& core, const PodInfo& pod, std::string_view reason,
                 std::string_view message, const std::optional<NominatingInfo>& nominating) {
  const std::string condition =
      ConditionPatch(pod.object(), reason, message, core.executor.clock().Now());
  const bool nominates = nominating && nominating->mode == NominatingInfo::Mode::kOverride &&
                         nominating->node_name != pod.nominated_node_name;
  if (condition.empty() && !nominates) return;
  std::string patch = "{";
  if (!condition.empty()) patch += fmt::format(R"("conditions":[{}])", condition);
  if (nominates) {
    if (!condition.empty()) patch += ',';
    patch += R"("nominatedNodeName":)";
    patch += nominating->node_name.empty() ? "null" : Quoted(nominating->node_name);
  }
  patch += "}";
  SendPatch(core, pod, patch);
}

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

void PatchNomination(EngineCore& core, const PodInfo& pod, std::string_view node_name) {
  if (pod.nominated_node_name == node_name) return;
  SendPatch(core, pod, fmt::format(R"({{"nominatedNodeName":{}}})", Quoted(node_name)));
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
  PatchStatus(core, *pod, reason, failure.message, failure.nominating);
}

}  // namespace berth::framework
