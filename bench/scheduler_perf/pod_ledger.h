// When each pod of a workload was created, tried and bound, and where. Fed by the targets from what
// they see of the pods; asked by those who wait and by those who measure.
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

// Threads: any.
class PodLedger {
 public:
  using PodPtr = std::shared_ptr<const api::core::Pod>;

  // Its request is about to be sent.
  void Created(std::string_view namespace_, std::string_view name, absl::Time when);
  // It is there, or changed.
  void Seen(const PodPtr& pod, absl::Time when);
  void Gone(std::string_view namespace_, std::string_view name);

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
  // Forgets the pods; counters go on.
  void Clear();

 private:
  struct Entry {
    PodPtr pod;  // null: not seen yet
    PodTimes times;
    bool scheduled = false, attempted = false;
  };
  using Pods_ = std::map<std::string, Entry, std::less<>>;
  template <typename Visit>
  void ForEach(const PodFilter& filter, Visit visit) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void Recount(const Entry& old, const Entry* fresh) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  std::map<std::string, Pods_, std::less<>> namespaces_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::weak_ptr<Counter>> counters_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int64_t, std::less<>> per_node_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace berth::bench
