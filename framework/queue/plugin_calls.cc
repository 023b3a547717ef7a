// What the queue asks plugins: signatures, gates, hints.
#include <algorithm>
#include <utility>

#include "api/schema/core_v1_pod.pb.h"
#include "base/structured_log.h"
#include "framework/profile/point_timer.h"
#include "framework/queue/scheduling_queue.h"

namespace berth::framework {
namespace {

constexpr uint32_t kPluginTimesOneIn = 10;

}  // namespace

PluginTimes* SchedulingQueue::Sampled(uint32_t& calls) {
  if (calls++ % kPluginTimesOneIn != 0) return nullptr;
  times_.Begin(true);
  return times_.wanted() ? &times_ : nullptr;
}

void SchedulingQueue::ReadPod(QueueEntry& entry) {
  const auto it = profiles_.find(entry.pod->scheduler_name);
  entry.profile = it == profiles_.end() ? nullptr : &it->second;
  if (entry.profile == nullptr || !entry.profile->sign) return;
  PointTimer timer(metrics_, executor_.clock(), "Sign", entry.pod->scheduler_name);
  entry.signature = entry.profile->sign(*entry.pod, Sampled(sign_calls_));
  if (entry.signature.empty()) timer.Ended(Code::kUnschedulable);
}

Code SchedulingQueue::GatedBy(PreEnqueuePlugin& plugin, QueueEntry& entry, PluginTimes* times) {
  const absl::Time began = times != nullptr ? times->Now() : absl::Time();
  const Status status = plugin.PreEnqueue(*entry.pod);
  if (times != nullptr) times->Took(plugin.Name(), "PreEnqueue", status.code(), began);
  if (status.ok()) return Code::kSuccess;
  if (status.code() == Code::kError) {
    BERTH_FAILURE(status.Message(), "Unexpected error running PreEnqueue plugin",
                  {"pod", entry.pod->key}, {"plugin", plugin.Name()});
  }
  if (!entry.rejected_by(plugin.Name())) {
    metrics_.UnschedulablePods(plugin.Name(), entry.pod->scheduler_name, 1);
  }
  if (!entry.unschedulable_plugins.contains(plugin.Name())) {
    entry.unschedulable_plugins.emplace(plugin.Name());
    if (entry.place == Place::kUnschedulable) deaf_.Forget();
  }
  if (entry.gating_plugin != plugin.Name()) entry.gating_plugin = plugin.Name();
  SetShut(entry, plugin.SaysWhenGatesMayOpen());
  return status.code();
}

void SchedulingQueue::RunPreEnqueue(QueueEntry& entry) {
  if (entry.profile == nullptr) return;
  PointSpan span(metrics_, executor_.clock(), "PreEnqueue", entry.pod->scheduler_name);
  span.End(AskPreEnqueue(entry, Sampled(pre_enqueue_calls_)));
}

// The plugin that gates the pod now is asked first: mostly it still does.
Code SchedulingQueue::AskPreEnqueue(QueueEntry& entry, PluginTimes* times) {
  const auto& plugins = entry.profile->pre_enqueue;
  for (PreEnqueuePlugin* plugin : plugins) {
    if (!entry.gated()) break;
    if (plugin->Name() != entry.gating_plugin) continue;
    const Code code = GatedBy(*plugin, entry, times);
    if (code != Code::kSuccess) return code;
  }
  for (PreEnqueuePlugin* plugin : plugins) {
    if (plugin->Name() == entry.gating_plugin) continue;
    const Code code = GatedBy(*plugin, entry, times);
    if (code != Code::kSuccess) return code;
  }
  entry.gating_plugin.clear();
  SetShut(entry, false);
  return Code::kSuccess;
}

// --- is an event worth another try? ------------------------------------------------------------

QueueingHint SchedulingQueue::Ask(const RegisteredHint& registered, const QueueEntry& entry,
                                  const ClusterEvent& event, const EventObject& old_object,
                                  const EventObject& new_object) {
  if (!registered.hint) return QueueingHint::kQueue;
  const bool timed = metrics_.WantsDurations();
  const absl::Time begin = timed ? executor_.clock().Now() : absl::Time();
  auto answer = registered.hint(*entry.pod, old_object.get(), new_object.get());
  std::string_view name = "Error";
  if (answer.ok()) name = *answer == QueueingHint::kQueue ? "Queue" : "QueueSkip";
  if (timed) {
    metrics_.QueueingHint(registered.plugin, event.Label(), name,
                          executor_.clock().Now() - begin);
  }
  if (answer.ok()) return *answer;
  BERTH_FAILURE(ToStd(answer.status().message()),
                "QueueingHintFn returns error", {"event", event.Label()},
                {"plugin", registered.plugin}, {"pod", entry.pod->key});
  return QueueingHint::kQueue;
}

SchedulingQueue::Strategy SchedulingQueue::Worth(const QueueEntry& entry, EventHearers& hearers,
                                                 const EventObject& old_object,
                                                 const EventObject& new_object) {
  if (!entry.has_rejectors()) return Strategy::kAfterBackoff;
  const ClusterEvent& event = hearers.event();
  if (event.IsWildcard()) {
    const auto* pod = dynamic_cast<const api::core::Pod*>(new_object.get());
    if (pod != nullptr && pod->metadata().uid() != entry.pod->uid) return Strategy::kSkip;
    return Strategy::kAfterBackoff;
  }
  if (entry.profile == nullptr) return Strategy::kAfterBackoff;
  Strategy best = Strategy::kSkip;
  for (const RegisteredHint* hint : hearers.HintsFor(*entry.profile, entry)) {
    if (Ask(*hint, entry, event, old_object, new_object) == QueueingHint::kSkip) continue;
    if (entry.pending_plugins.contains(hint->plugin)) return Strategy::kImmediately;
    if (entry.pending_plugins.empty()) return Strategy::kAfterBackoff;
    best = Strategy::kAfterBackoff;
  }
  return best;
}

// Over the events seen while the pod was tried.
SchedulingQueue::Strategy SchedulingQueue::WorthSince(const QueueEntry& entry) {
  if (!entry.has_rejectors()) return Strategy::kAfterBackoff;
  Strategy best = Strategy::kSkip;
  in_flight_.ForEventsSince(entry.pod->uid, [&](const SeenEvent& seen) {
    EventHearers hearers(seen.event);
    const Strategy found = Worth(entry, hearers, seen.old_object, seen.new_object);
    best = std::max(best, found);
    if (found == Strategy::kSkip) return true;
    return found != Strategy::kImmediately && !entry.pending_plugins.empty();
  });
  return best;
}

bool SchedulingQueue::AnyoneCares(const ClusterEvent& event) const {
  if (event.IsWildcard()) return true;
  for (const auto& [name, profile] : profiles_) {
    for (const RegisteredEvent& registered : profile.events) {
      if (registered.event.Matches(event)) return true;
    }
  }
  return false;
}

}  // namespace berth::framework
