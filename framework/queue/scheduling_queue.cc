#include "framework/queue/scheduling_queue.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "api/schema/core_v1_pod.pb.h"
#include "base/check.h"
#include "base/log.h"
#include "framework/pod_group.h"
#include "base/structured_log.h"
#include "framework/queue/pod_events.h"

namespace berth::framework {
namespace {

constexpr std::string_view kActive = "active";
constexpr std::string_view kBackoffQueue = "backoff";
constexpr std::string_view kUnschedulableQueue = "unschedulable";
constexpr std::string_view kPodAdd = "UnschedulablePodAdd";
constexpr std::string_view kPodUpdate = "UnschedulablePodUpdate";
constexpr std::string_view kScheduleAttemptFailure = "ScheduleAttemptFailure";
constexpr std::string_view kPopFromBackoff = "PopFromBackoffQ";
constexpr std::string_view kMoved = "Pod moved to an internal scheduling queue";

bool IsGateClosed(const QueueEntry& entry) {
  if (entry.profile == nullptr) return false;
  for (PreEnqueuePlugin* plugin : entry.profile->pre_enqueue) {
    if (plugin->Name() == entry.gating_plugin) return !plugin->PreEnqueue(*entry.pod).ok();
  }
  return false;
}

}  // namespace

bool SchedulingQueue::BackoffLess::operator()(QueueEntry& a, QueueEntry& b) const {
  const absl::Time left = backoff->Expiration(a);
  const absl::Time right = backoff->Expiration(b);
  if (left != right || sort == nullptr) return left < right;
  return sort->Less(a, b);
}

SchedulingQueue::SchedulingQueue(Executor& executor, const QueueOptions& options,
                                 const QueueSortPlugin& sort, Profiles profiles,
                                 Nominator& nominator, Metrics& metrics,
                                 std::function<void()> on_ready)
    : executor_(executor),
      options_(options),
      backoff_({.initial = options.initial_backoff,
                .max = options.max_backoff,
                .whole_seconds = options.pop_from_backoff}),
      profiles_(std::move(profiles)),
      nominator_(nominator),
      metrics_(metrics),
      on_ready_(std::move(on_ready)),
      times_(metrics, executor.clock()),
      active_(ActiveLess{&sort}),
      backoff_heap_(BackoffLess{&backoff_, options.pop_from_backoff ? &sort : nullptr}),
      error_backoff_heap_(BackoffLess{&backoff_, nullptr}),
      in_flight_(metrics),
      started_(executor.clock().Now()) {}

SchedulingQueue::~SchedulingQueue() { Close(); }

// --- holding entries ---------------------------------------------------------------------------

void SchedulingQueue::Renew(QueueEntry& entry, PodPtr pod) {
  entry.pod = std::move(pod);
  ReadPod(entry);
}

QueueEntry& SchedulingQueue::Hold(QueueEntryPtr entry) {
  QueueEntryPtr& slot = entries_[entry->pod->key];
  BERTH_CHECK(slot == nullptr);
  slot = std::move(entry);
  return *slot;
}

QueueEntryPtr SchedulingQueue::Release(QueueEntry& entry) {
  Detach(entry);
  auto it = entries_.find(entry.pod->key);
  BERTH_CHECK(it != entries_.end());
  QueueEntryPtr owned = std::move(it->second);
  entries_.erase(it);
  return owned;
}

void SchedulingQueue::Detach(QueueEntry& entry) {
  switch (entry.place) {
    case Place::kNone: break;
    case Place::kHeldBack: --held_back_count_; break;
    case Place::kActive: active_.Remove(&entry); break;
    case Place::kBackoff: backoff_heap_.Remove(&entry); break;
    case Place::kErrorBackoff: error_backoff_heap_.Remove(&entry); break;
    case Place::kUnschedulable:
      Parked(entry).erase(entry.parked_order);
      if (entry.counted_as_gated) --gated_count_;
      entry.counted_as_gated = false;
      break;
  }
  entry.place = Place::kNone;
}

void SchedulingQueue::Attach(QueueEntry& entry, Place place) {
  Detach(entry);
  entry.place = place;
  switch (place) {
    case Place::kNone: break;
    case Place::kHeldBack: ++held_back_count_; break;
    case Place::kActive: active_.Push(&entry); break;
    case Place::kBackoff: backoff_heap_.Push(&entry); break;
    case Place::kErrorBackoff: error_backoff_heap_.Push(&entry); break;
    case Place::kUnschedulable:
      entry.parked_order = next_parked_++;
      Parked(entry).emplace(entry.parked_order, &entry);
      break;
  }
}

// Without pop_from_backoff the way to backoff does not lead through the gates.
void SchedulingQueue::SetShut(QueueEntry& entry, bool shut) {
  shut = shut && options_.pop_from_backoff;
  if (entry.gate_is_shut == shut) return;
  const bool parked = entry.place == Place::kUnschedulable;
  if (parked) Parked(entry).erase(entry.parked_order);
  entry.gate_is_shut = shut;
  if (!parked) return;
  if (!shut) entry.parked_order = next_parked_++;  // deaf_ knows nothing of it
  Parked(entry).emplace(entry.parked_order, &entry);
}

void SchedulingQueue::Reorder(QueueEntry& entry) {
  switch (entry.place) {
    case Place::kActive: return active_.Fix(&entry);
    case Place::kBackoff: return backoff_heap_.Fix(&entry);
    case Place::kErrorBackoff: return error_backoff_heap_.Fix(&entry);
    case Place::kNone:
    case Place::kHeldBack:
    case Place::kUnschedulable: return;
  }
}

const QueueEntry* SchedulingQueue::Find(std::string_view pod_key) const {
  auto it = entries_.find(pod_key);
  return it == entries_.end() ? nullptr : it->second.get();
}

// --- moving one pod ----------------------------------------------------------------------------

void SchedulingQueue::Park(QueueEntry& entry, std::string_view label) {
  if (entry.place != Place::kUnschedulable) Attach(entry, Place::kUnschedulable);
  BERTH_INFO(5,
             entry.gated() ? "Pod moved to an internal scheduling queue, because the pod is gated"
                           : kMoved,
             {"pod", entry.pod->key}, {"event", label}, {"queue", "Unschedulable"});
  gated_count_ += static_cast<int>(entry.gated()) - static_cast<int>(entry.counted_as_gated);
  entry.counted_as_gated = entry.gated();
  if (!label.empty()) metrics_.QueueIncoming(kUnschedulableQueue, label);
}

bool SchedulingQueue::MoveToActive(QueueEntry& entry, std::string_view label, bool from_backoff) {
  if (!(options_.pop_from_backoff && from_backoff)) RunPreEnqueue(entry);
  if (entry.gated()) {
    const bool queued = entry.place == Place::kActive || entry.place == Place::kBackoff ||
                        entry.place == Place::kErrorBackoff;
    if (!queued) Park(entry, {});
    return false;
  }
  if (entry.initial_attempt_timestamp == absl::InfiniteFuture()) {
    entry.initial_attempt_timestamp = executor_.clock().Now();
  }
  Attach(entry, Place::kActive);
  BERTH_INFO(5, kMoved, {"pod", entry.pod->key}, {"event", label}, {"queue", "Active"});
  metrics_.QueueIncoming(kActive, label);
  if (label == kPodAdd || label == kPodUpdate) nominator_.Add(entry.pod, nullptr);
  return true;
}

bool SchedulingQueue::RetriedAnyway(const QueueEntry& entry) const {
  return options_.retries_pod_groups && !PodGroupOf(*entry.pod).empty();
}

bool SchedulingQueue::MoveToBackoff(QueueEntry& entry, std::string_view label) {
  if (options_.pop_from_backoff) {
    RunPreEnqueue(entry);
    if (entry.gated()) {
      if (entry.place != Place::kBackoff && entry.place != Place::kErrorBackoff) Park(entry, {});
      return false;
    }
  }
  // A pod of a group is not tried before its time: what it waits for may not have changed, and an
  // idle scheduler would do nothing else.
  const bool may_be_early = entry.has_rejectors() && !RetriedAnyway(entry);
  Attach(entry, may_be_early ? Place::kBackoff : Place::kErrorBackoff);
  BERTH_INFO(5, kMoved, {"pod", entry.pod->key}, {"event", label}, {"queue", "Backoff"});
  metrics_.QueueIncoming(kBackoffQueue, label);
  return true;
}

void SchedulingQueue::Requeue(QueueEntry& entry, Strategy strategy, std::string_view label) {
  if (strategy == Strategy::kSkip) return Park(entry, label);
  if (strategy == Strategy::kAfterBackoff &&
      backoff_.IsBackingOff(entry, executor_.clock().Now())) {
    MoveToBackoff(entry, label);
    return;
  }
  MoveToActive(entry, label);
}

// --- the public side ---------------------------------------------------------------------------

void SchedulingQueue::Add(const PodPtr& pod) {
  if (closed_) return;
  auto it = entries_.find(pod->key);
  QueueEntry* entry = nullptr;
  if (it != entries_.end()) {  // a pod of the same name: the new one takes over
    entry = it->second.get();
    entry->pod = pod;
    entry->timestamp = executor_.clock().Now();
    Detach(*entry);
  } else {
    auto made = std::make_unique<QueueEntry>();
    made->pod = pod;
    made->timestamp = executor_.clock().Now();
    entry = &Hold(std::move(made));
  }
  ReadPod(*entry);
  MoveToActive(*entry, kPodAdd);
  ReportCounts();
}

void SchedulingQueue::Update(const PodPtr& old_pod, const PodPtr& pod) {
  if (closed_) return;
  const PodInfo& before = old_pod ? *old_pod : *pod;
  if (in_flight_.Has(pod->uid)) {
    for (const ClusterEvent& event : PodChangeEvents(kUnschedulablePodResource, before, *pod)) {
      in_flight_.AddEvent(event, before.shared_object(), pod->shared_object());
    }
    return;
  }
  auto it = entries_.find(pod->key);
  if (it == entries_.end()) {
    auto made = std::make_unique<QueueEntry>();
    made->pod = pod;
    made->timestamp = executor_.clock().Now();
    QueueEntry& entry = Hold(std::move(made));
    ReadPod(entry);
    MoveToActive(entry, kPodUpdate);
    return ReportCounts();
  }
  QueueEntry& entry = *it->second;
  entry.pod = pod;
  nominator_.Update(old_pod.get(), pod);
  ReadPod(entry);
  if (entry.place != Place::kUnschedulable) {
    Reorder(entry);
    return ReportCounts();
  }
  for (const ClusterEvent& event : PodChangeEvents(kUnschedulablePodResource, before, *pod)) {
    EventHearers hearers(event);
    const Strategy strategy =
        Worth(entry, hearers, before.shared_object(), pod->shared_object());
    Requeue(entry, strategy, event.Label());
    if (entry.place == Place::kActive) break;
    if (options_.pop_from_backoff && entry.place != Place::kUnschedulable) break;
  }
  ReportCounts();
}

void SchedulingQueue::Delete(std::string_view pod_key, std::string_view uid) {
  nominator_.Delete(uid);
  auto it = entries_.find(pod_key);
  if (it == entries_.end()) return;
  QueueEntry& entry = *it->second;
  CountRejectors(entry, -1);
  Release(entry);
  ReportCounts();
}

void SchedulingQueue::ForEach(const std::function<void(const QueueEntry&)>& visit) const {
  for (const auto& [key, entry] : entries_) visit(*entry);
}

bool SchedulingQueue::Ready() const {
  if (closed_) return false;
  return !active_.empty() || (options_.pop_from_backoff && !backoff_heap_.empty());
}

QueueEntryPtr SchedulingQueue::Pop() {
  while (Ready()) {
    QueueEntry* first = active_.Top();
    if (first == nullptr) {
      first = backoff_heap_.Top();
      metrics_.QueueIncoming(kActive, kPopFromBackoff);
    }
    if (QueueEntryPtr entry = Take(*first)) return entry;
  }
  return nullptr;
}

QueueEntryPtr SchedulingQueue::Take(QueueEntry& queued) {
  QueueEntryPtr entry = Release(queued);
  ++entry->attempts;
  if (entry->initial_attempt_timestamp == absl::InfiniteFuture()) {
    entry->initial_attempt_timestamp = executor_.clock().Now();
  }
  if (!in_flight_.AddPod(entry->pod)) {
    BERTH_LOG(kError, "pod popped twice, dropping one pod={}", entry->pod->key);
    return nullptr;
  }
  CountRejectors(*entry, -1);
  ReportCounts();
  return entry;
}

QueueEntryPtr SchedulingQueue::PopOne(std::string_view pod_key, std::string_view uid) {
  const auto it = entries_.find(pod_key);
  if (closed_ || it == entries_.end()) return nullptr;
  QueueEntry& entry = *it->second;
  if (entry.pod->uid != uid || entry.place == Place::kHeldBack) return nullptr;
  if (entry.place != Place::kActive && !MoveToActive(entry, ForceActivateEvent().Label())) {
    ReportCounts();
    return nullptr;
  }
  return Take(entry);
}

absl::Status SchedulingQueue::AddUnschedulableIfNotPresent(QueueEntryPtr entry) {
  const std::string uid = entry->pod->uid;
  if (const QueueEntry* held = Find(entry->pod->key); held != nullptr) {
    const std::string_view where = held->place == Place::kUnschedulable ? "unschedulable queue"
                                   : held->place == Place::kActive      ? "the active queue"
                                                                        : "the backoff queue";
    const std::string text =
        fmt::format("Pod {} is already present in {}", entry->pod->key, where);
    Done(uid);
    return absl::AlreadyExistsError(ToAbsl(text));
  }
  QueueEntry& held = Hold(std::move(entry));
  if (held.has_rejectors()) {
    ++held.unschedulable_count;
    held.consecutive_errors_count = 0;
  } else {
    ++held.consecutive_errors_count;
  }
  held.timestamp = executor_.clock().Now();
  held.backoff_expiration = absl::InfinitePast();
  held.was_flushed_from_unschedulable = false;
  CountRejectors(held, 1);
  if (RetriedAnyway(held)) {
    MoveToBackoff(held, kScheduleAttemptFailure);  // to the next second, at least
  } else {
    Requeue(held, WorthSince(held), kScheduleAttemptFailure);
  }
  Done(uid);
  ReportCounts();
  return absl::OkStatus();
}

bool SchedulingQueue::HoldBack(QueueEntryPtr entry) {
  if (closed_ || Find(entry->pod->key) != nullptr) return false;
  entry->unschedulable_plugins.clear();  // of an earlier attempt, and no longer counted
  entry->pending_plugins.clear();
  Attach(Hold(std::move(entry)), Place::kHeldBack);
  ReportCounts();
  return true;
}

void SchedulingQueue::Resume(std::string_view pod_key, std::string_view uid,
                             std::string_view label) {
  auto it = entries_.find(pod_key);
  if (closed_ || it == entries_.end()) return;
  QueueEntry& entry = *it->second;
  if (entry.place != Place::kHeldBack || entry.pod->uid != uid) return;
  MoveToActive(entry, label);
  ReportCounts();
}

// Of the waiting pods, those that the event may help, in the order of parking.
std::vector<QueueEntry*> SchedulingQueue::Listeners(EventHearers& hearers) {
  std::vector<QueueEntry*> listeners;
  uint64_t& deaf_before = deaf_.Before(hearers.event());
  for (auto it = unschedulable_.lower_bound(deaf_before); it != unschedulable_.end(); ++it) {
    if (!hearers.IsDeaf(it->second->profile, *it->second)) {
      listeners.push_back(it->second);
    } else if (listeners.empty()) {
      deaf_before = it->first + 1;
    }
  }
  return listeners;
}

void SchedulingQueue::MoveAllToActiveOrBackoff(const ClusterEvent& event,
                                               const EventObject& old_object,
                                               const EventObject& new_object,
                                               const Candidate& candidate) {
  if (closed_ || !AnyoneCares(event)) return;
  EventHearers hearers(event);
  std::string label;
  for (QueueEntry* entry : Listeners(hearers)) {
    if (candidate && !candidate(*entry->pod)) continue;
    if (entry->gated()) {
      if (!hearers.Hears(entry->profile, entry->gating_plugin)) continue;
      // Whatever the hints would say, it stays where it is: they need not be asked. (Without
      // pop_from_backoff the way to backoff does not lead through the gates.)
      if (options_.pop_from_backoff && IsGateClosed(*entry)) continue;
    }
    const Strategy strategy = Worth(*entry, hearers, old_object, new_object);
    if (strategy == Strategy::kSkip) continue;
    if (label.empty()) label = event.Label();
    Requeue(*entry, strategy, label);
  }
  if (!in_flight_.empty()) in_flight_.AddEvent(event, old_object, new_object);
  ReportCounts();
}

void SchedulingQueue::Activate(std::span<const std::string> pod_keys) {
  if (closed_) return;
  const std::string label = ForceActivateEvent().Label();
  for (const std::string& key : pod_keys) {
    auto it = entries_.find(key);
    if (it != entries_.end()) {
      if (it->second->place != Place::kActive) MoveToActive(*it->second, label);
    } else if (PodPtr pod = in_flight_.FindByKey(key)) {
      in_flight_.AddEvent(ForceActivateEvent(), nullptr, pod->shared_object());
    }
  }
  ReportCounts();
}

void SchedulingQueue::GateMayOpen(std::string_view pod_key) {
  auto it = entries_.find(pod_key);
  if (it != entries_.end()) SetShut(*it->second, false);
}

// --- counting ----------------------------------------------------------------------------------

void SchedulingQueue::CountRejectors(const QueueEntry& entry, int delta) {
  for (const std::string& plugin : entry.unschedulable_plugins) {
    metrics_.UnschedulablePods(plugin, entry.pod->scheduler_name, delta);
  }
  for (const std::string& plugin : entry.pending_plugins) {
    if (entry.unschedulable_plugins.contains(plugin)) continue;
    metrics_.UnschedulablePods(plugin, entry.pod->scheduler_name, delta);
  }
}

QueueCounts SchedulingQueue::counts() const {
  QueueCounts counts;
  counts.active = static_cast<int64_t>(active_.size());
  counts.backoff = static_cast<int64_t>(backoff_heap_.size() + error_backoff_heap_.size()) +
                   held_back_count_;
  counts.unschedulable = parked_count() - gated_count_;
  counts.gated = gated_count_;
  return counts;
}

std::string SchedulingQueue::Summary() const {
  return fmt::format("activeQ:{}; backoffQ:{}; unschedulablePods:{}", active_.size(),
                     counts().backoff, parked_count());
}

// At the end of every change: the gauges, the timers, and word that there is work.
void SchedulingQueue::ReportCounts() {
  if (closed_) return;
  ArmTimers();
  const QueueCounts now = counts();
  const auto report = [&](std::string_view queue, int64_t count, int64_t before) {
    if (count != before) metrics_.PendingPods(queue, count);
  };
  report(kActive, now.active, reported_.active);
  report(kBackoffQueue, now.backoff, reported_.backoff);
  report(kUnschedulableQueue, now.unschedulable, reported_.unschedulable);
  report("gated", now.gated, reported_.gated);
  reported_ = now;
  if (on_ready_ && Ready()) on_ready_();
}

}  // namespace berth::framework
