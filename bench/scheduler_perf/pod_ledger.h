// When each pod of a workload was created, tried and bound, and where; what its conditions told of
// it. Fed by the targets from what they see of the pods; asked by those who wait and by those who
// measure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>

#include "api/fwd.h"
#include "api/object_map.h"
#include "api/scheduling/resources.h"
#include "base/strings.h"

namespace berth::bench {

// When a pod was created (its request was sent) and when its binding was seen.
struct PodTimes {
  absl::Time created, scheduled;
};

// Which pods are meant.
struct PodFilter {
  std::set<std::string> namespaces;           // empty: all
  std::map<std::string, std::string> labels;  // the pod has all of them
};

struct PodCounts {
  int64_t present = 0;    // there now
  int64_t scheduled = 0;  // of them, those with a node
  // Of them, those with a node or a PodScheduled condition: gated ones too.
  int64_t attempted = 0;
  int64_t bindings = 0;   // nodes given since the count began, deleted pods included
};

// What pods were told since the ledger began, deleted pods included; each pod counts once.
struct PodTally {
  int64_t unschedulable = 0;  // that no node takes them, for now
  int64_t gated = 0;          // that they wait for a scheduling gate
  int64_t victims = 0;        // that they go for a pod of a higher priority
};

// One pod from its creation to its end. Moments that did not come are absl::InfiniteFuture().
struct PodStay {
  api::scheduling::Amounts requests;
  std::string node;  // empty: none
  absl::Time created, scheduled = absl::InfiniteFuture(), gone = absl::InfiniteFuture();
  absl::Time refused = absl::InfiniteFuture();  // first told that no node takes it
};

// Threads: any.
class PodLedger {
 public:
  using PodPtr = std::shared_ptr<const api::core::Pod>;

  // Its request is about to be sent, or was due then: the first time that is told of a pod counts.
  void Created(std::string_view namespace_, std::string_view name, absl::Time when);
  // It is there, or changed.
  void Seen(const PodPtr& pod, absl::Time when);
  void Gone(std::string_view namespace_, std::string_view name, absl::Time when);

  // A count kept up to date; the pods that are there are counted when it begins.
  class Counter;
  std::shared_ptr<Counter> Count(PodFilter filter);
  // As they are now.
  PodCounts Counts(const Counter& counter) const;
  PodCounts Counts(const PodFilter& filter) const;
  // Waits until `reached` says so of the counts. False: the timeout came first.
  bool Await(const Counter& counter, const std::function<bool(const PodCounts&)>& reached,
             absl::Duration timeout) const;
  // Of the pods bound since the counter began.
  std::vector<PodTimes> Times(const Counter& counter) const;

  std::vector<PodPtr> Pods(const PodFilter& filter) const;  // by namespace and name
  // node name -> pods bound to it, deleted ones included.
  std::map<std::string, int64_t> PodsPerNode() const;
  PodTally Tally() const;
  // Every pod that was seen, in no order. Cost: a few hundred nanoseconds a pod, under the lock.
  std::vector<PodStay> Stays() const;
  // Forgets the pods; counters and tallies go on.
  void Clear();

 private:
  struct Entry {
    PodPtr pod;  // null: not seen yet
    PodTimes times;
    absl::Time refused = absl::InfiniteFuture();
    bool scheduled = false, attempted = false, gated = false, victim = false;
  };
  template <typename Visit>
  void ForEach(const PodFilter& filter, Visit visit) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void ReadConditions(Entry& entry, absl::Time when) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static PodStay StayOf(const Entry& entry, absl::Time gone);
  void Recount(const Entry& old, const Entry* fresh) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  api::ObjectMap<Entry> pods_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::weak_ptr<Counter>> counters_ ABSL_GUARDED_BY(mutex_);
  StringMap<int64_t> per_node_ ABSL_GUARDED_BY(mutex_);
  std::vector<PodStay> ended_ ABSL_GUARDED_BY(mutex_);  // of pods that are gone
  PodTally tally_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace berth::bench
