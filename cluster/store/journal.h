// What an operation changes, told to whoever must make it durable.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "cluster/store/store.h"

namespace berth::store {

// One write as it stands in a key's history.
struct Version {
  Revision mod = 0;
  Revision create = 0;  // 0 in a tombstone
  int64_t version = 0;  // 0 in a tombstone
  LeaseId lease = 0;
  Bytes value = nullptr;  // null: a tombstone
  uint32_t sub = 0;     // position among the writes of its revision

  bool tombstone() const { return value == nullptr; }
};

// Called in the order in which the changes happen. (mod, sub) names one record for good: it is
// recorded once and dropped at most once.
class Journal {
 public:
  virtual ~Journal() = default;
  virtual void Recorded(std::string_view key, const Version& version) = 0;
  virtual void Dropped(Revision mod, uint32_t sub) = 0;
  virtual void Compacted(Revision revision) = 0;
  virtual void LeaseGranted(LeaseId lease, int64_t ttl_seconds) = 0;
  virtual void LeaseEnded(LeaseId lease) = 0;
};

}  // namespace berth::store
