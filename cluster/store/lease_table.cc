#include "cluster/store/lease_table.h"

#include <algorithm>

namespace berth::store {
namespace {
absl::Status NoLease() { return absl::NotFoundError("requested lease not found"); }
}  // namespace

void LeaseTable::Add(LeaseId lease, int64_t ttl_seconds, absl::Time now) {
  const absl::Time expires = now + absl::Seconds(ttl_seconds);
  leases_[lease] = {.ttl_seconds = ttl_seconds, .expires = expires};
  by_expiry_.emplace(expires, lease);
  SetNextId(lease + 1);
}

absl::Status LeaseTable::Renew(LeaseId lease, absl::Time now) {
  auto it = leases_.find(lease);
  if (it == leases_.end() || it->second.revoking) return NoLease();
  by_expiry_.erase({it->second.expires, lease});
  it->second.expires = now + absl::Seconds(it->second.ttl_seconds);
  by_expiry_.emplace(it->second.expires, lease);
  return absl::OkStatus();
}

absl::Status LeaseTable::BeginRevoke(LeaseId lease) {
  auto it = leases_.find(lease);
  if (it == leases_.end() || it->second.revoking) return NoLease();
  it->second.revoking = true;
  by_expiry_.erase({it->second.expires, lease});
  return absl::OkStatus();
}

void LeaseTable::Remove(LeaseId lease) {
  auto it = leases_.find(lease);
  if (it == leases_.end()) return;
  by_expiry_.erase({it->second.expires, lease});
  leases_.erase(it);
}

bool LeaseTable::Holds(LeaseId lease) const {
  auto it = leases_.find(lease);
  return it != leases_.end() && !it->second.revoking;
}

bool LeaseTable::Expired(LeaseId lease, absl::Time now) const {
  auto it = leases_.find(lease);
  return it != leases_.end() && !it->second.revoking && it->second.expires <= now;
}

std::vector<LeaseId> LeaseTable::AllExpired(absl::Time now) const {
  std::vector<LeaseId> expired;
  for (const auto& [when, lease] : by_expiry_) {
    if (when > now) break;
    expired.push_back(lease);
  }
  return expired;
}

absl::Time LeaseTable::NextExpiry() const {
  return by_expiry_.empty() ? absl::InfiniteFuture() : by_expiry_.begin()->first;
}

}  // namespace berth::store
