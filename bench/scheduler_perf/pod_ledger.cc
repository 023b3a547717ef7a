#include "bench/scheduler_perf/pod_ledger.h"

namespace berth::bench {
namespace {

// A map entry by string_view key, made when absent; allocates only then.
template <typename Map>
typename Map::mapped_type& Entry(Map& map, std::string_view key) {
  auto it = map.find(key);
  if (it == map.end()) it = map.emplace(std::string(key), typename Map::mapped_type{}).first;
  return it->second;
}

}  // namespace

void PodLedger::Created(std::string_view namespace_, std::string_view name, absl::Time when) {
  absl::MutexLock lock(&mutex_);
  PodTimes& times = Entry(Entry(namespaces_, namespace_).pods, name);
  times.created = when;
}

void PodLedger::Scheduled(std::string_view namespace_, std::string_view name,
                          std::string_view node, absl::Time when) {
  absl::MutexLock lock(&mutex_);
  Namespace& space = Entry(namespaces_, namespace_);
  PodTimes& times = Entry(space.pods, name);
  if (times.scheduled != absl::Time()) return;
  times.scheduled = when;
  if (times.created == absl::Time()) times.created = when;
  ++space.scheduled;
  ++Entry(per_node_, node);
}

int64_t PodLedger::Scheduled(std::string_view namespace_) const {
  absl::MutexLock lock(&mutex_);
  const auto it = namespaces_.find(namespace_);
  return it == namespaces_.end() ? 0 : it->second.scheduled;
}

bool PodLedger::Await(std::string_view namespace_, int64_t count, absl::Duration timeout) const {
  absl::MutexLock lock(&mutex_);
  auto reached = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto it = namespaces_.find(namespace_);
    return count == 0 || (it != namespaces_.end() && it->second.scheduled >= count);
  };
  return mutex_.AwaitWithTimeout(absl::Condition(&reached), timeout);
}

std::vector<PodTimes> PodLedger::Times(std::string_view namespace_) const {
  absl::MutexLock lock(&mutex_);
  std::vector<PodTimes> out;
  const auto it = namespaces_.find(namespace_);
  if (it == namespaces_.end()) return out;
  for (const auto& [name, times] : it->second.pods) {
    if (times.scheduled != absl::Time()) out.push_back(times);
  }
  return out;
}

std::map<std::string, int64_t> PodLedger::PodsPerNode() const {
  absl::MutexLock lock(&mutex_);
  return {per_node_.begin(), per_node_.end()};
}

void PodLedger::Clear() {
  absl::MutexLock lock(&mutex_);
  namespaces_.clear();
  per_node_.clear();
}

}  // namespace berth::bench
