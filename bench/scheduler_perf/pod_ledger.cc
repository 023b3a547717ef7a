#include "bench/scheduler_perf/pod_ledger.h"

#include <algorithm>
#include <utility>

#include "api/schema/core_v1_pod.pb.h"

namespace berth::bench {
namespace {

bool HasLabels(const PodFilter& filter, const api::core::Pod& pod) {
  const auto& labels = pod.metadata().labels();
  return std::all_of(filter.labels.begin(), filter.labels.end(), [&](const auto& wanted) {
    const auto it = labels.find(wanted.first);
    return it != labels.end() && it->second == wanted.second;
  });
}

bool Matches(const PodFilter& filter, const api::core::Pod& pod) {
  if (!filter.namespaces.empty() && !filter.namespaces.contains(pod.metadata().namespace_())) {
    return false;
  }
  return HasLabels(filter, pod);
}

}  // namespace

// Guarded by the ledger's mutex.
class PodLedger::Counter {
 public:
  explicit Counter(PodFilter filter_in) : filter(std::move(filter_in)) {}
  const PodFilter filter;
  PodCounts counts;
  std::vector<PodTimes> times;  // of bindings
};

template <typename Visit>
void PodLedger::ForEach(const PodFilter& filter, Visit visit) const {
  const auto visit_matching = [&](const api::ObjectKey&, const Entry& entry) {
    if (entry.pod != nullptr && HasLabels(filter, *entry.pod)) visit(entry);
  };
  if (filter.namespaces.empty()) return pods_.ForEach({}, visit_matching);
  for (const std::string& space : filter.namespaces) pods_.ForEach(space, visit_matching);
}

void PodLedger::Created(std::string_view namespace_, std::string_view name, absl::Time when) {
  absl::MutexLock lock(&mutex_);
  PodTimes& times = pods_.Get(namespace_, name).times;
  if (times.created == absl::Time()) times.created = when;
}

// What the conditions of the entry's pod say; what is news is tallied.
void PodLedger::ReadConditions(Entry& entry, absl::Time when) {
  for (const auto& condition : entry.pod->status().conditions()) {
    if (condition.type() == "PodScheduled") {
      entry.attempted = true;
      const bool gated = condition.reason() == "SchedulingGated";
      if (gated && !entry.gated) ++tally_.gated;
      entry.gated = entry.gated || gated;
      const bool refused = condition.reason() == "Unschedulable";
      if (!refused || entry.refused != absl::InfiniteFuture()) continue;
      entry.refused = when;
      ++tally_.unschedulable;
    } else if (condition.type() == "DisruptionTarget" && !entry.victim) {
      entry.victim = condition.reason() == "PreemptionByScheduler";
      tally_.victims += entry.victim ? 1 : 0;
    }
  }
}

// old: as it was counted; fresh: as it is, null when it is gone.
void PodLedger::Recount(const Entry& old, const Entry* fresh) {
  bool stale = false;
  for (const std::weak_ptr<Counter>& weak : counters_) {
    const std::shared_ptr<Counter> counter = weak.lock();
    stale = stale || counter == nullptr;
    if (counter == nullptr) continue;
    PodCounts& counts = counter->counts;
    const bool was_counted = old.pod != nullptr && Matches(counter->filter, *old.pod);
    if (was_counted) {
      --counts.present;
      counts.scheduled -= old.scheduled ? 1 : 0;
      counts.attempted -= old.attempted ? 1 : 0;
    }
    if (fresh == nullptr || !Matches(counter->filter, *fresh->pod)) continue;
    ++counts.present;
    counts.scheduled += fresh->scheduled ? 1 : 0;
    counts.attempted += fresh->attempted ? 1 : 0;
    if (!fresh->scheduled || old.scheduled) continue;
    ++counts.bindings;
    counter->times.push_back(fresh->times);
  }
  if (stale) std::erase_if(counters_, [](const auto& counter) { return counter.expired(); });
}

void PodLedger::Seen(const PodPtr& pod, absl::Time when) {
  absl::MutexLock lock(&mutex_);
  Entry& entry = pods_.Get(pod->metadata().namespace_(), pod->metadata().name());
  const Entry old = entry;
  entry.pod = pod;
  entry.scheduled = !pod->spec().node_name().empty();
  entry.attempted = entry.scheduled;
  ReadConditions(entry, when);
  if (entry.times.created == absl::Time()) entry.times.created = when;
  if (entry.scheduled && !old.scheduled) {
    entry.times.scheduled = when;
    ++per_node_[pod->spec().node_name()];
  }
  Recount(old, &entry);
}

void PodLedger::Gone(std::string_view namespace_, std::string_view name, absl::Time when) {
  absl::MutexLock lock(&mutex_);
  const Entry* entry = pods_.Find(namespace_, name);
  if (entry == nullptr) return;
  Recount(*entry, nullptr);
  if (entry->pod != nullptr) ended_.push_back(StayOf(*entry, when));
  pods_.Erase(namespace_, name);
}

std::shared_ptr<PodLedger::Counter> PodLedger::Count(PodFilter filter) {
  auto counter = std::make_shared<Counter>(std::move(filter));
  absl::MutexLock lock(&mutex_);
  ForEach(counter->filter, [&](const Entry& entry) {
    ++counter->counts.present;
    counter->counts.scheduled += entry.scheduled ? 1 : 0;
    counter->counts.attempted += entry.attempted ? 1 : 0;
  });
  counters_.push_back(counter);
  return counter;
}

PodCounts PodLedger::Counts(const Counter& counter) const {
  absl::MutexLock lock(&mutex_);
  return counter.counts;
}

PodCounts PodLedger::Counts(const PodFilter& filter) const {
  PodCounts out;
  absl::MutexLock lock(&mutex_);
  ForEach(filter, [&](const Entry& entry) {
    ++out.present;
    out.scheduled += entry.scheduled ? 1 : 0;
    out.attempted += entry.attempted ? 1 : 0;
  });
  return out;
}

bool PodLedger::Await(const Counter& counter,
                      const std::function<bool(const PodCounts&)>& reached,
                      absl::Duration timeout) const {
  absl::MutexLock lock(&mutex_);
  auto done = [&] { return reached(counter.counts); };
  return mutex_.AwaitWithTimeout(absl::Condition(&done), timeout);
}

std::vector<PodTimes> PodLedger::Times(const Counter& counter) const {
  absl::MutexLock lock(&mutex_);
  return counter.times;
}

std::vector<PodLedger::PodPtr> PodLedger::Pods(const PodFilter& filter) const {
  std::vector<PodPtr> out;
  absl::MutexLock lock(&mutex_);
  ForEach(filter, [&](const Entry& entry) { out.push_back(entry.pod); });
  return out;
}

std::map<std::string, int64_t> PodLedger::PodsPerNode() const {
  absl::MutexLock lock(&mutex_);
  return {per_node_.begin(), per_node_.end()};
}

PodTally PodLedger::Tally() const {
  absl::MutexLock lock(&mutex_);
  return tally_;
}

PodStay PodLedger::StayOf(const Entry& entry, absl::Time gone) {
  PodStay stay;
  stay.requests = api::scheduling::PodRequests(*entry.pod);
  stay.node = entry.pod->spec().node_name();
  stay.created = entry.times.created;
  if (entry.scheduled) stay.scheduled = entry.times.scheduled;
  stay.gone = gone;
  stay.refused = entry.refused;
  return stay;
}

std::vector<PodStay> PodLedger::Stays() const {
  absl::MutexLock lock(&mutex_);
  std::vector<PodStay> out = ended_;
  ForEach({}, [&](const Entry& entry) { out.push_back(StayOf(entry, absl::InfiniteFuture())); });
  return out;
}

void PodLedger::Clear() {
  absl::MutexLock lock(&mutex_);
  pods_ = {};
  per_node_.clear();
  ended_.clear();
}

}  // namespace berth::bench
