#include "framework/queue/in_flight.h"

#include <utility>

namespace berth::framework {
namespace {
constexpr std::string_view kPodPopped = "PodPopped";
}  // namespace

bool InFlight::AddPod(const PodPtr& pod) {
  auto [it, added] = pods_.try_emplace(pod->uid);
  if (!added) return false;
  it->second = {next_position_++, pod};
  positions_.insert(positions_.end(), it->second.position);
  metrics_.InFlightEvents(kPodPopped, 1);
  return true;
}

PodPtr InFlight::FindByKey(std::string_view key) const {
  PodPtr found;
  for (const auto& [uid, popped] : pods_) {
    if (popped.pod->key == key) found = popped.pod;
  }
  return found;
}

void InFlight::AddEvent(const ClusterEvent& event, EventObject old_object,
                        EventObject new_object) {
  events_.push_back({next_position_++, event, std::move(old_object), std::move(new_object)});
  metrics_.InFlightEvents(event.Label(), 1);
}

void InFlight::Done(std::string_view uid) {
  auto it = pods_.find(uid);
  if (it == pods_.end()) return;
  positions_.erase(it->second.position);
  pods_.erase(it);
  metrics_.InFlightEvents(kPodPopped, -1);
  while (!events_.empty() &&
         (positions_.empty() || events_.front().position < *positions_.begin())) {
    metrics_.InFlightEvents(events_.front().event.Label(), -1);
    events_.pop_front();
  }
}

void InFlight::Clear() {
  while (!pods_.empty()) Done(std::string(pods_.begin()->first));
}

}  // namespace berth::framework
