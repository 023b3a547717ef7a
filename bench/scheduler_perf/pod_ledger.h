// When each pod of a workload was created and bound, and where. Shared by the targets.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>

#include "base/strings.h"
#include "bench/scheduler_perf/target.h"

namespace berth::bench {

// Threads: any.
class PodLedger {
 public:
  void Created(std::string_view namespace_, std::string_view name, absl::Time when);
  // The first call for a pod counts. Pods nobody created here count as well, without a latency.
  void Scheduled(std::string_view namespace_, std::string_view name, std::string_view node,
                 absl::Time when);
  int64_t Scheduled(std::string_view namespace_) const;
  // True when `count` pods of the namespace are scheduled within the timeout.
  bool Await(std::string_view namespace_, int64_t count, absl::Duration timeout) const;
  std::vector<PodTimes> Times(std::string_view namespace_) const;
  std::map<std::string, int64_t> PodsPerNode() const;
  void Clear();

 private:
  struct Namespace {
    StringMap<PodTimes> pods;
    int64_t scheduled = 0;
  };
  mutable absl::Mutex mutex_;
  StringMap<Namespace> namespaces_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int64_t, std::less<>> per_node_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace berth::bench
