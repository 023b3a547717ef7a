// LeaseTable: which leases there are and when each ends. Keys that hang on them: MvccIndex.
#pragma once

#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/status/status.h>
#include <absl/time/time.h>

#include "cluster/store/store.h"

namespace berth::store {

// Threads: none; the owner locks.
class LeaseTable {
 public:
  // Ids are a counter: never used twice, the same in every run.
  LeaseId NewId() { return next_id_++; }
  LeaseId next_id() const { return next_id_; }
  void SetNextId(LeaseId id) { next_id_ = std::max(next_id_, id); }

  void Add(LeaseId lease, int64_t ttl_seconds, absl::Time now);
  // NotFound: "requested lease not found".
  absl::Status Renew(LeaseId lease, absl::Time now);
  // Being revoked: no key joins it, no renewal saves it. NotFound when unknown.
  absl::Status BeginRevoke(LeaseId lease);
  void Remove(LeaseId lease);

  // There and not being revoked.
  bool Holds(LeaseId lease) const;
  bool Expired(LeaseId lease, absl::Time now) const;
  std::vector<LeaseId> AllExpired(absl::Time now) const;
  // When the next lease ends; InfiniteFuture when none does.
  absl::Time NextExpiry() const;

 private:
  struct Lease {
    int64_t ttl_seconds;
    absl::Time expires;
    bool revoking = false;
  };
  LeaseId next_id_ = 1;
  absl::flat_hash_map<LeaseId, Lease> leases_;
  std::set<std::pair<absl::Time, LeaseId>> by_expiry_;  // those not being revoked
};

}  // namespace berth::store
