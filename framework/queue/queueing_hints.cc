// The part of SchedulingQueue that asks plugins whether an event is worth another try.
#include <algorithm>

#include "api/schema/core_v1_pod.pb.h"
#include "base/log.h"
#include "framework/queue/scheduling_queue.h"

namespace berth::framework {

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
  BERTH_LOG(kError, "queueing hint failed plugin={} pod={} event={} err=\"{}\"",
            registered.plugin, entry.pod->key, event.Label(), ToStd(answer.status().message()));
  return QueueingHint::kQueue;
}

SchedulingQueue::Strategy SchedulingQueue::Worth(const QueueEntry& entry,
                                                 const ClusterEvent& event,
                                                 const EventObject& old_object,
                                                 const EventObject& new_object) {
  if (!entry.has_rejectors()) return Strategy::kAfterBackoff;
  if (event.IsWildcard()) {
    const auto* pod = dynamic_cast<const api::core::Pod*>(new_object.get());
    if (pod != nullptr && pod->metadata().uid() != entry.pod->uid) return Strategy::kSkip;
    return Strategy::kAfterBackoff;
  }
  const QueueProfile* profile = ProfileOf(*entry.pod);
  if (profile == nullptr) return Strategy::kAfterBackoff;
  Strategy best = Strategy::kSkip;
  for (const RegisteredEvent& registered : profile->events) {
    if (!registered.event.Matches(event)) continue;
    for (const RegisteredHint& hint : registered.hints) {
      if (!entry.IsRejectedBy(hint.plugin)) continue;
      if (Ask(hint, entry, event, old_object, new_object) == QueueingHint::kSkip) continue;
      if (entry.pending_plugins.contains(hint.plugin)) return Strategy::kImmediately;
      if (entry.pending_plugins.empty()) return Strategy::kAfterBackoff;
      best = Strategy::kAfterBackoff;
    }
  }
  return best;
}

// Over the events seen while the pod was tried.
SchedulingQueue::Strategy SchedulingQueue::WorthSince(const QueueEntry& entry) {
  if (!entry.has_rejectors()) return Strategy::kAfterBackoff;
  Strategy best = Strategy::kSkip;
  in_flight_.ForEventsSince(entry.pod->uid, [&](const SeenEvent& seen) {
    const Strategy found = Worth(entry, seen.event, seen.old_object, seen.new_object);
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
