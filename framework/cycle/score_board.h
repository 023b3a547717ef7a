// ScoreBoard: nodes by total score, so that the best one at or after a cursor is found without
// looking at the others: one bit set per score, each a bucket.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <absl/container/btree_map.h>

#include "framework/node_info.h"

namespace berth::framework {

// Threads: none. Cost: Set and Remove O(log distinct scores); First and Nth O(nodes / 64).
class ScoreBoard {
 public:
  void Reset(size_t node_count);
  // Puts a node in, or moves it.
  void Set(NodeIndex node, int64_t total);
  void Remove(NodeIndex node);  // ignored when it is not in
  bool empty() const { return buckets_.empty(); }
  int64_t best() const { return buckets_.begin()->first; }
  // How many nodes have the best score.
  size_t best_count() const { return buckets_.begin()->second.count; }
  // The first best node at or after `start`, cyclic. The board must not be empty.
  NodeIndex FirstFrom(NodeIndex start) const;
  // The n-th best node in index order.
  NodeIndex Nth(size_t n) const;
  bool Has(NodeIndex node) const { return present_[static_cast<size_t>(node)] != 0; }
  int64_t total(NodeIndex node) const { return totals_[static_cast<size_t>(node)]; }
  int64_t bytes() const;

 private:
  using Bits = std::vector<uint64_t>;
  struct Bucket {
    size_t count = 0;
    Bits bits;
  };
  static NodeIndex NextBit(const Bits& bits, size_t from);  // -1: none

  size_t words_ = 0;
  std::vector<int64_t> totals_;
  std::vector<uint8_t> present_;
  absl::btree_map<int64_t, Bucket, std::greater<>> buckets_;  // best first
  std::vector<Bits> spare_;  // all zero
};

}  // namespace berth::framework
