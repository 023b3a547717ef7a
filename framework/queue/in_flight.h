// InFlight: pods that were popped and are being tried, and the cluster events seen meanwhile, so
// that a pod that comes back unschedulable does not miss what happened during its attempt.
// Source: kube-scheduler backend/queue/active_queue.go; queue.md section 8.
#pragma once

#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <string_view>

#include "base/strings.h"
#include "framework/cycle/metrics.h"
#include "framework/events.h"
#include "framework/pod_info.h"

namespace berth::framework {

struct SeenEvent {
  int64_t position = 0;
  ClusterEvent event;
  EventObject old_object, new_object;
};

// Threads: none. One sequence of positions holds popped pods and events alike.
class InFlight {
 public:
  explicit InFlight(Metrics& metrics) : metrics_(metrics) {}

  // False when the uid is in flight already.
  bool AddPod(const PodPtr& pod);
  bool Has(std::string_view uid) const { return pods_.contains(uid); }
  PodPtr FindByKey(std::string_view key) const;  // null when none
  bool empty() const { return pods_.empty(); }
  size_t pod_count() const { return pods_.size(); }
  size_t event_count() const { return events_.size(); }

  void AddEvent(const ClusterEvent& event, EventObject old_object, EventObject new_object);
  // Calls visit(SeenEvent) for events after the pod was popped, in order, until it returns false.
  template <typename Visit>
  void ForEventsSince(std::string_view uid, const Visit& visit) const {
    auto it = pods_.find(uid);
    if (it == pods_.end()) return;
    for (const SeenEvent& event : events_) {
      if (event.position > it->second.position && !visit(event)) return;
    }
  }
  // Forgets the pod, then the events no pod in flight has yet to look at. Idempotent.
  void Done(std::string_view uid);
  void Clear();

 private:
  struct Popped {
    int64_t position = 0;
    PodPtr pod;
  };
  Metrics& metrics_;
  StringMap<Popped> pods_;  // by uid
  std::set<int64_t> positions_;  // of the pods
  std::deque<SeenEvent> events_;
  int64_t next_position_ = 1;
};

}  // namespace berth::framework
