#include "cluster/apiserver/event_leases.h"

#include <utility>

namespace berth::apiserver {
namespace {

constexpr absl::Duration kBucket = absl::Minutes(1);

}  // namespace

void EventLeases::Acquire(store::Completion<store::LeaseId> then) {
  const absl::Time now = executor_.clock().Now();
  if (lease_ != 0 && now < bucket_end_) return then(lease_);
  waiting_.push_back(std::move(then));
  if (waiting_.size() > 1) return;  // a grant is under way
  const absl::Time bucket_end = now + kBucket;
  store_.GrantLease(ttl_ + kBucket,
                    OnExecutor(executor_, [this, alive = alive_.Watch(), bucket_end](
                                              absl::StatusOr<store::LeaseId> lease) {
                      if (!alive.expired()) Granted(bucket_end, std::move(lease));
                    }));
}

void EventLeases::Granted(absl::Time bucket_end, absl::StatusOr<store::LeaseId> lease) {
  if (lease.ok()) {
    lease_ = *lease;
    bucket_end_ = bucket_end;
  }
  for (auto& then : std::exchange(waiting_, {})) then(lease);
}

}  // namespace berth::apiserver
