// ScoreBoard: nodes by total score, so that the best one at or after a cursor is found without
// looking at the others: one bit set per score, each a bucket. Nodes may be in groups, each of
// which has buckets of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <absl/container/btree_map.h>

#include "framework/node_info.h"

namespace berth::framework {

// Threads: none. Cost: Set and Remove O(log distinct scores); FirstFrom and Nth O(nodes / 64).
class ScoreBoard {
 public:
  using Group = int32_t;

  void Reset(size_t node_count);  // without nodes; each is of the group it was of, or of group 0
  // Puts a node in, or moves it.
  void Set(NodeIndex node, int64_t total);
  void Remove(NodeIndex node);  // ignored when it is not in
  // From now on the node is of that group.
  void SetGroup(NodeIndex node, Group group);

  bool Has(NodeIndex node) const { return present_[static_cast<size_t>(node)] != 0; }
  int64_t total(NodeIndex node) const { return totals_[static_cast<size_t>(node)]; }

  // Of one group, which need not have been heard of.
  size_t count(Group group = 0) const {
    return static_cast<size_t>(group) < groups_.size() ? At(group).count : 0;
  }
  bool empty(Group group = 0) const { return count(group) == 0; }
  // Of a group that is not empty: the best score, and how many nodes have it.
  int64_t best(Group group = 0) const { return At(group).buckets.begin()->first; }
  size_t best_count(Group group = 0) const { return At(group).buckets.begin()->second.count; }
  // Its first best node at or after `start`, cyclic.
  NodeIndex FirstFrom(NodeIndex start, Group group = 0) const;
  // Its n-th best node in index order.
  NodeIndex Nth(size_t n, Group group = 0) const;
  // Its nodes, the best ones first, among equals from `start` on, cyclic; until visit says false.
  template <typename Visit>
  void ForEachFrom(NodeIndex start, Visit visit, Group group = 0) const;
  int64_t bytes() const;

 private:
  using Bits = std::vector<uint64_t>;
  struct Bucket {
    size_t count = 0;
    Bits bits;
  };
  struct Members {
    size_t count = 0;
    absl::btree_map<int64_t, Bucket, std::greater<>> buckets;  // best first
  };
  static NodeIndex NextBit(const Bits& bits, size_t from);  // -1: none
  const Members& At(Group group) const { return groups_[static_cast<size_t>(group)]; }

  size_t words_ = 0;
  std::vector<int64_t> totals_;
  std::vector<uint8_t> present_;
  std::vector<Group> group_of_;
  std::vector<Members> groups_;
  size_t buckets_ = 0;       // of all groups
  std::vector<Bits> spare_;  // all zero
};

template <typename Visit>
void ScoreBoard::ForEachFrom(NodeIndex start, Visit visit, Group group) const {
  if (empty(group)) return;
  for (const auto& [total, bucket] : At(group).buckets) {
    const auto from = static_cast<size_t>(start);
    for (NodeIndex node = NextBit(bucket.bits, from); node >= 0;
         node = NextBit(bucket.bits, static_cast<size_t>(node) + 1)) {
      if (!visit(node)) return;
    }
    for (NodeIndex node = NextBit(bucket.bits, 0); node >= 0 && node < start;
         node = NextBit(bucket.bits, static_cast<size_t>(node) + 1)) {
      if (!visit(node)) return;
    }
  }
}

}  // namespace berth::framework
