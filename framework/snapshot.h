// Snapshot: the cluster as one scheduling cycle sees it. It does not change during the cycle.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "framework/columns.h"
#include "framework/node_info.h"

namespace berth::framework {

class Snapshot {
 public:
  virtual ~Snapshot() = default;
  // In zone-interleaved order (framework.md section 3.5); nodes()[i]->index == i.
  virtual std::span<const NodeInfo* const> nodes() const = 0;
  virtual const NodeInfo* Find(std::string_view name) const = 0;
  virtual std::span<const NodeInfo* const> nodes_with_affinity() const = 0;
  virtual std::span<const NodeInfo* const> nodes_with_required_anti_affinity() const = 0;
  // The same nodes as plain arrays, same order.
  virtual const NodeColumns& columns() const = 0;
  // Grows with every change of the snapshot, and with every change of the set or order of nodes.
  virtual int64_t generation() const = 0;
  virtual int64_t structure_generation() const = 0;
  // One of each node: it changes with everything about the node that its results may depend on,
  // nominations included. Of two states with equal versions and structure_generation() the node is
  // the same.
  virtual std::span<const int64_t> versions() const = 0;
  int64_t version(NodeIndex node) const { return versions()[static_cast<size_t>(node)]; }
};

}  // namespace berth::framework
