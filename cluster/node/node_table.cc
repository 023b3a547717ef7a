#include "cluster/node/node_table.h"

#include <utility>

#include "api/schema/core_v1_node.pb.h"

namespace berth::node {

NodeTable::NodeTable(NodeTemplate nodes, int64_t count) : template_(std::move(nodes)) {
  for (const NodePool& pool : template_.pools) {
    api::core::Node node;
    for (const auto& [name, text] : pool.allocatable) {
      (*node.mutable_status()->mutable_allocatable())[name].set_string(text);
    }
    allocatable_.push_back(api::scheduling::NodeAllocatable(node));
  }
  std::vector<NodeSeat> seats = Seats(template_, count);
  nodes_.resize(seats.size());
  by_name_.reserve(seats.size());
  for (uint32_t i = 0; i < seats.size(); ++i) {
    NodeRecord& node = nodes_[i];
    node.seat = std::move(seats[i]);
    node.index = i;
    by_name_.emplace(node.seat.name, i);
  }
}

NodeRecord* NodeTable::Find(std::string_view name) {
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : &nodes_[it->second];
}

uint32_t TakePodOffset(NodeRecord& node) {
  for (uint32_t tried = kPodOffsetFirst; tried <= kPodOffsetLast; ++tried) {
    const uint32_t offset = node.offset_next;
    node.offset_next = offset == kPodOffsetLast ? kPodOffsetFirst : offset + 1;
    if (node.pod_offsets[offset]) continue;
    node.pod_offsets.set(offset);
    return offset;
  }
  return 0;
}

}  // namespace berth::node
