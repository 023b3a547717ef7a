// AutoCompactor: forgets a store's old history at intervals. For the store's owner (one API server
// of those that share a store is enough; several do no harm).
#pragma once

#include <deque>
#include <utility>

#include <absl/time/time.h>

#include "base/executor.h"
#include "cluster/store/store.h"

namespace berth::store {

struct AutoCompactOptions {
  absl::Duration history = absl::Minutes(5);  // what is older is forgotten
  Revision revisions_max = 250'000;           // no more than about this many are kept
  absl::Duration check = absl::Seconds(10);   // how often to look
};

// Threads: made, used and destroyed on `executor`, or while it runs nothing. The store outlives it.
// Source of the default: kube-apiserver's --etcd-compaction-interval.
class AutoCompactor {
 public:
  AutoCompactor(Store& store, Executor& executor, AutoCompactOptions options = {});

 private:
  void Check();
  void Seen(Revision current);

  Store& store_;
  Executor& executor_;
  const AutoCompactOptions options_;
  std::deque<std::pair<absl::Time, Revision>> seen_;  // oldest first
  Revision compacted_ = 0;
  Lifetime lifetime_;
  PeriodicTimer timer_;
};

}  // namespace berth::store
