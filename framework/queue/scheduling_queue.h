// SchedulingQueue: pods that wait for a node, and when each is tried next.
//
//                       Add                          Pop
//   (absent) ---------------------------> ACTIVE -----------------> IN FLIGHT --- Done --> (gone)
//      |  PreEnqueue refuses               ^  ^ ^                      |  |  |
//      |                     Activate,     |  | | BackoffComplete      |  |  | AddUnschedulable:
//      v                     an event, or  |  | +---------- BACKOFF <--+  |  | event seen, still
//   UNSCHEDULABLE (gated or  time out and  |  |  Pop when     ^ an error, |  | event, backing off:
//   rejected) -------------- no backoff ---+  |  nothing is   | or event  |  | BACKOFF; no event
//      ^   \_________________ backing off ____|__active_______+           |  |
//      +------------------------------------- | --------------------------|--+
//                                             +--- event seen, no backoff +
//
// ACTIVE: heap in QueueSort order. BACKOFF: two heaps by expiration: pods rejected by plugins, and
// pods that failed with an error. UNSCHEDULABLE: woken by events that a rejecting plugin's hint
// finds useful, and by a flush after 5 minutes. Every arrow is a method below. Beside these, a pod
// whose binding was refused is HELD BACK (HoldBack) until the engine knows why (Resume: ACTIVE).
// Source: kube-scheduler backend/queue/scheduling_queue.go; queue.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/btree_map.h>
#include <absl/status/status.h>

#include "base/executor.h"
#include "base/strings.h"
#include "framework/cycle/metrics.h"
#include "framework/events.h"
#include "framework/plugin.h"
#include "framework/profile/plugin_metrics.h"
#include "framework/queue/backoff.h"
#include "framework/queue/event_hearers.h"
#include "framework/queue/heap.h"
#include "framework/queue/in_flight.h"
#include "framework/queue/nominator.h"
#include "framework/queue/queue_profile.h"
#include "framework/queued_pod_info.h"

namespace berth::framework {

// A queued pod and its place.
struct QueueEntry final : QueuedPodInfo {
  enum class Place : uint8_t {
    kNone, kActive, kBackoff, kErrorBackoff, kUnschedulable,
    kHeldBack,  // in no queue until Resume: what it waits for is nothing the queue knows
  };
  Place place = Place::kNone;
  const QueueProfile* profile = nullptr;  // of its scheduler name; null: there is none
  size_t heap_index = 0;
  uint64_t parked_order = 0;  // when it came into kUnschedulable
  bool counted_as_gated = false;
  bool gate_is_shut = false;  // until GateMayOpen
};
using QueueEntryPtr = std::unique_ptr<QueueEntry>;

struct QueueOptions {
  absl::Duration initial_backoff = absl::Seconds(1);
  absl::Duration max_backoff = absl::Seconds(10);
  absl::Duration unschedulable_max = absl::Minutes(5);
  // A pod may be tried before its backoff ends when nothing else is waiting.
  bool pop_from_backoff = true;
  // Pods of a group are tried again after backoff, whatever rejected them.
  bool retries_pod_groups = false;
};

// backoff: with those that are held back.
struct QueueCounts {
  int64_t active = 0, backoff = 0, unschedulable = 0, gated = 0;
};

// Threads: none; lives on the executor it is given, which also runs its timers.
class SchedulingQueue {
 public:
  using Profiles = StringMap<QueueProfile>;  // by scheduler name
  // sort: of every profile. on_ready: called when Pop has (again) something to give.
  SchedulingQueue(Executor& executor, const QueueOptions& options, const QueueSortPlugin& sort,
                  Profiles profiles, Nominator& nominator, Metrics& metrics,
                  std::function<void()> on_ready);
  ~SchedulingQueue();

  // A new pod without a node.
  void Add(const PodPtr& pod);
  // A change of a pod without a node; old_pod may be null. One that is in flight only leaves
  // events; one that is unknown is added.
  void Update(const PodPtr& old_pod, const PodPtr& pod);
  // Gone, or assigned.
  void Delete(std::string_view pod_key, std::string_view uid);

  // Whether Pop has something: the active heap, or else a pod in backoff after a rejection.
  bool Ready() const;
  // Null when not Ready. The pod is in flight until Done.
  QueueEntryPtr Pop();
  // The same for one pod, wherever it waits. Null when it is not queued, gated or held back.
  QueueEntryPtr PopOne(std::string_view pod_key, std::string_view uid);
  // A failed attempt. Errors: the pod is in the queue already ("Pod <key> is already present in
  // the active queue"). Ends the attempt (Done) in any case.
  absl::Status AddUnschedulableIfNotPresent(QueueEntryPtr entry);
  // An attempt that came to nothing through no fault of the pod: kept as it is, without rejectors,
  // until Resume makes it active. False when the queue has a pod of that name already.
  bool HoldBack(QueueEntryPtr entry);
  // Nothing when the pod was deleted or activated meanwhile.
  void Resume(std::string_view pod_key, std::string_view uid, std::string_view label);
  void Done(std::string_view uid) { in_flight_.Done(uid); }
  // A popped pod was found to have changed.
  void Renew(QueueEntry& entry, PodPtr pod);

  // What happened, to all waiting pods. candidate: null for all.
  using Candidate = std::function<bool(const PodInfo&)>;
  void MoveAllToActiveOrBackoff(const ClusterEvent& event, const EventObject& old_object,
                                const EventObject& new_object, const Candidate& candidate = {});
  // Puts waiting pods ("namespace/name") into the active heap, as plugins ask.
  void Activate(std::span<const std::string> pod_keys);
  // The plugin that gates that pod, if it is gated, may let it pass now.
  void GateMayOpen(std::string_view pod_key);
  // Whether any plugin of any profile registered for it.
  bool AnyoneCares(const ClusterEvent& event) const;

  // Pods with backoff behind them become active; pods that waited too long are tried again. Called
  // by timers, at whole seconds and each 30 s while there is something to look at.
  void FlushBackoff();
  void FlushUnschedulable();
  // Nothing is given out any more.
  void Close();

  QueueCounts counts() const;
  const InFlight& in_flight() const { return in_flight_; }
  // Null when it is not queued (or in flight).
  const QueueEntry* Find(std::string_view pod_key) const;
  void ForEach(const std::function<void(const QueueEntry&)>& visit) const;  // in no order
  // "activeQ:<n>; backoffQ:<n>; unschedulablePods:<n>"
  std::string Summary() const;

 private:
  using Place = QueueEntry::Place;
  enum class Strategy : uint8_t { kSkip, kAfterBackoff, kImmediately };
  struct ActiveLess {
    const QueueSortPlugin* sort;
    bool operator()(const QueueEntry& a, const QueueEntry& b) const { return sort->Less(a, b); }
  };
  struct BackoffLess {
    const Backoff* backoff;
    const QueueSortPlugin* sort;  // for equal expirations; may be null
    bool operator()(QueueEntry& a, QueueEntry& b) const;
  };

  void ReadPod(QueueEntry& entry);  // which is new, or has changed
  // Before calls of plugins: where their times go, once in ten; else null. calls: how many were.
  PluginTimes* Sampled(uint32_t& calls);
  QueueEntry& Hold(QueueEntryPtr entry);
  QueueEntryPtr Release(QueueEntry& entry);
  QueueEntryPtr Take(QueueEntry& entry);  // into flight; null: it is already
  void Detach(QueueEntry& entry);  // from its place; stays held
  void Attach(QueueEntry& entry, Place place);
  void Reorder(QueueEntry& entry);  // its pod changed
  using Parking = absl::btree_map<uint64_t, QueueEntry*>;
  Parking& Parked(const QueueEntry& entry) {
    return entry.gate_is_shut ? shut_ : unschedulable_;
  }
  int64_t parked_count() const { return std::ssize(unschedulable_) + std::ssize(shut_); }
  void SetShut(QueueEntry& entry, bool shut);  // its gate
  bool MoveToActive(QueueEntry& entry, std::string_view label, bool from_backoff = false);
  bool RetriedAnyway(const QueueEntry& entry) const;  // whatever rejected it
  bool MoveToBackoff(QueueEntry& entry, std::string_view label);
  void Park(QueueEntry& entry, std::string_view label);
  void Requeue(QueueEntry& entry, Strategy strategy, std::string_view label);
  void RunPreEnqueue(QueueEntry& entry);
  Code AskPreEnqueue(QueueEntry& entry, PluginTimes* times);
  // Success: it does not gate the pod.
  Code GatedBy(PreEnqueuePlugin& plugin, QueueEntry& entry, PluginTimes* times);
  Strategy Worth(const QueueEntry& entry, EventHearers& hearers, const EventObject& old_object,
                 const EventObject& new_object);
  Strategy WorthSince(const QueueEntry& entry);
  std::vector<QueueEntry*> Listeners(EventHearers& hearers);
  QueueingHint Ask(const RegisteredHint& registered, const QueueEntry& entry,
                   const ClusterEvent& event, const EventObject& old_object,
                   const EventObject& new_object);
  void CountRejectors(const QueueEntry& entry, int delta);
  void ReportCounts();
  void ArmTimers();

  Executor& executor_;
  const QueueOptions options_;
  const Backoff backoff_;
  const Profiles profiles_;
  Nominator& nominator_;
  Metrics& metrics_;
  std::function<void()> on_ready_;
  PluginTimes times_;
  uint32_t sign_calls_ = 0, pre_enqueue_calls_ = 0;

  StringMap<QueueEntryPtr> entries_;  // everything queued, by "namespace/name"
  IndexedHeap<QueueEntry, ActiveLess> active_;
  IndexedHeap<QueueEntry, BackoffLess> backoff_heap_, error_backoff_heap_;
  // kUnschedulable, in the order of parking. In shut_ are those whose gate is shut: events do not
  // reach them.
  Parking unschedulable_, shut_;
  uint64_t next_parked_ = 1;
  DeafPods deaf_;  // of unschedulable_
  int64_t gated_count_ = 0;
  int64_t held_back_count_ = 0;
  InFlight in_flight_;
  QueueCounts reported_;
  bool closed_ = false;
  TimerId backoff_timer_ = 0, unschedulable_timer_ = 0;
  absl::Time started_;
  Lifetime lifetime_;
};

}  // namespace berth::framework
