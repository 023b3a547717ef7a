// What the queue does by itself, as time goes by.
#include <vector>

#include "framework/queue/pod_events.h"
#include "framework/queue/scheduling_queue.h"

namespace berth::framework {
namespace {

constexpr std::string_view kBackoffComplete = "BackoffComplete";
constexpr absl::Duration kUnschedulableFlushPeriod = absl::Seconds(30);

}  // namespace

void SchedulingQueue::FlushBackoff() {
  const absl::Time now = executor_.clock().Now();
  for (auto* heap : {&backoff_heap_, &error_backoff_heap_}) {
    while (QueueEntry* entry = heap->Top()) {
      if (backoff_.IsBackingOff(*entry, now)) break;
      Detach(*entry);
      MoveToActive(*entry, kBackoffComplete, true);
    }
  }
  ReportCounts();
}

void SchedulingQueue::FlushUnschedulable() {
  const absl::Time now = executor_.clock().Now();
  const ClusterEvent& event = UnschedulableTimeoutEvent();
  std::vector<QueueEntry*> late;
  for (const Parking* parked : {&unschedulable_, &shut_}) {
    for (const auto& [order, entry] : *parked) {
      if (now - entry->timestamp > options_.unschedulable_max) late.push_back(entry);
    }
  }
  EventHearers hearers(event);
  for (QueueEntry* entry : late) {
    if (entry->gated() && !hearers.Hears(entry->profile, entry->gating_plugin)) continue;
    entry->was_flushed_from_unschedulable = true;
    Requeue(*entry, Worth(*entry, hearers, nullptr, nullptr), event.custom_label);
  }
  if (!late.empty() && !in_flight_.empty()) in_flight_.AddEvent(event, nullptr, nullptr);
  ReportCounts();
}

// Timers only run while there is something for them to look at.
void SchedulingQueue::ArmTimers() {
  const absl::Time now = executor_.clock().Now();
  if (backoff_timer_ == 0 && (!backoff_heap_.empty() || !error_backoff_heap_.empty())) {
    const absl::Time next = absl::FromUnixSeconds(absl::ToUnixSeconds(now) + 1);
    backoff_timer_ = executor_.PostAt(next, [this, alive = lifetime_.Watch()] {
      if (alive.expired()) return;
      backoff_timer_ = 0;
      FlushBackoff();
    });
  }
  if (unschedulable_timer_ == 0 && parked_count() > 0) {
    const int64_t periods = (now - started_) / kUnschedulableFlushPeriod;
    const absl::Time next = started_ + (periods + 1) * kUnschedulableFlushPeriod;
    unschedulable_timer_ = executor_.PostAt(next, [this, alive = lifetime_.Watch()] {
      if (alive.expired()) return;
      unschedulable_timer_ = 0;
      FlushUnschedulable();
    });
  }
}

void SchedulingQueue::Close() {
  if (closed_) return;
  closed_ = true;
  lifetime_.End();
  if (backoff_timer_ != 0) executor_.Cancel(backoff_timer_);
  if (unschedulable_timer_ != 0) executor_.Cancel(unschedulable_timer_);
  in_flight_.Clear();
}

}  // namespace berth::framework
