// Sums by topology pair: a label key and its value.
#pragma once

#include <cstdint>

#include <absl/container/flat_hash_map.h>

#include "base/symbol.h"

namespace berth::plugins::inter_pod_affinity {

// Threads: none.
class TopologyCounts {
 public:
  bool empty() const { return counts_.empty(); }
  int64_t Get(Symbol key, Symbol value) const {
    auto it = counts_.find(Pair(key, value));
    return it == counts_.end() ? 0 : it->second;
  }
  // A pair whose sum comes to 0 is no longer there.
  void Add(Symbol key, Symbol value, int64_t amount) {
    auto it = counts_.try_emplace(Pair(key, value), 0).first;
    it->second += amount;
    if (it->second == 0) counts_.erase(it);
  }

 private:
  static uint64_t Pair(Symbol key, Symbol value) {
    return static_cast<uint64_t>(key.id()) << 32 | value.id();
  }
  absl::flat_hash_map<uint64_t, int64_t> counts_;
};

}  // namespace berth::plugins::inter_pod_affinity
