// Topology: the nodes of a snapshot by the value of one label, kept up to date node by node.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "base/symbol.h"
#include "framework/snapshot.h"

namespace berth::plugins {

// Threads: none.
class Topology {
 public:
  using Value = uint32_t;  // of a label; kNone: the node has no such label
  static constexpr Value kNone = 0;

  Topology(Symbol key, const framework::Snapshot& snapshot);

  Symbol key() const { return key_; }
  Value ValueOf(framework::NodeIndex node) const { return values_[static_cast<size_t>(node)]; }
  std::span<const framework::NodeIndex> NodesOf(Value value) const;
  // The node may have another value now. False: it has not.
  bool Renew(const framework::NodeInfo& node);
  // Few values, of many nodes each: it pays to look at values and not at nodes. Does not change.
  bool coarse() const { return coarse_; }

 private:
  static Value Read(Symbol key, const framework::NodeInfo& node);

  const Symbol key_;
  bool coarse_ = false;
  std::vector<Value> values_;  // by node
  absl::flat_hash_map<Value, std::vector<framework::NodeIndex>> nodes_;
};

}  // namespace berth::plugins
