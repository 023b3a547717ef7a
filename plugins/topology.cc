#include "plugins/topology.h"

#include <algorithm>

namespace berth::plugins {

using framework::NodeIndex;
using framework::NodeInfo;

Topology::Topology(Symbol key, const framework::Snapshot& snapshot) : key_(key) {
  constexpr size_t kFewValues = 8, kManyNodes = 16;
  const auto nodes = snapshot.nodes();
  values_.reserve(nodes.size());
  for (const NodeInfo* node : nodes) {
    values_.push_back(Read(key_, *node));
    nodes_[values_.back()].push_back(node->index);
  }
  coarse_ = nodes_.size() <= std::max(kFewValues, nodes.size() / kManyNodes);
}

Topology::Value Topology::Read(Symbol key, const NodeInfo& node) {
  Symbol value;
  return node.labels().Get(key, &value) ? value.id() + 1 : kNone;
}

std::span<const NodeIndex> Topology::NodesOf(Value value) const {
  const auto it = nodes_.find(value);
  return it == nodes_.end() ? std::span<const NodeIndex>() : it->second;
}

bool Topology::Renew(const NodeInfo& node) {
  Value& held = values_[static_cast<size_t>(node.index)];
  const Value value = Read(key_, node);
  if (value == held) return false;
  auto& left = nodes_[held];
  std::erase(left, node.index);
  if (left.empty()) nodes_.erase(held);
  nodes_[value].push_back(node.index);
  held = value;
  return true;
}

}  // namespace berth::plugins
