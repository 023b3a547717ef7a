// How Events go away: store leases, one shared by all Events of the same minute.
#pragma once

#include <vector>

#include <absl/time/time.h>

#include "base/executor.h"
#include "cluster/store/store.h"

namespace berth::apiserver {

// Threads: none; everything on the API server's executor.
class EventLeases {
 public:
  // An Event lives for `ttl`, up to a minute longer.
  EventLeases(Executor& executor, store::Store& store, absl::Duration ttl)
      : executor_(executor), store_(store), ttl_(ttl) {}

  // Calls `then` with the lease an Event of now belongs to: at once when there is one.
  void Acquire(store::Completion<store::LeaseId> then);

 private:
  void Granted(absl::Time bucket_end, absl::StatusOr<store::LeaseId> lease);

  Executor& executor_;
  store::Store& store_;
  const absl::Duration ttl_;
  store::LeaseId lease_ = 0;
  absl::Time bucket_end_ = absl::InfinitePast();
  std::vector<store::Completion<store::LeaseId>> waiting_;
  Lifetime alive_;
};

}  // namespace berth::apiserver
