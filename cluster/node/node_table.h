// The nodes one process plays, compact: about 700 bytes a node besides what the informer keeps.
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/scheduling/resources.h"
#include "base/strings.h"
#include "cluster/node/admission.h"
#include "cluster/node/template.h"

namespace berth::node {

struct NodeRecord {
  NodeSeat seat;
  uint32_t index = 0;
  NodeFacts facts;          // of the object in the API; of the template until it is there
  NodeLoad load;
  std::string uid;          // of the object; empty until it is there
  bool registered = false;
  bool status_queued = false;
  bool lease_queued = false;
  std::string lease_version;  // resourceVersion of our Lease; empty: not known
  std::string lease_uid;
  std::bitset<256> pod_offsets;  // addresses in use
  uint32_t offset_next = kPodOffsetFirst;
};

// Threads: none, one owner.
class NodeTable {
 public:
  NodeTable(NodeTemplate nodes, int64_t count);

  std::vector<NodeRecord>& nodes() { return nodes_; }
  const std::vector<NodeRecord>& nodes() const { return nodes_; }
  NodeRecord* Find(std::string_view name);
  const NodePool& PoolOf(const NodeRecord& node) const { return template_.pools[node.seat.pool]; }
  const api::scheduling::Allocatable& AllocatableOf(const NodeRecord& node) const {
    return allocatable_[node.seat.pool];
  }

 private:
  NodeTemplate template_;
  std::vector<api::scheduling::Allocatable> allocatable_;  // by pool
  std::vector<NodeRecord> nodes_;
  StringMap<uint32_t> by_name_;
};

// A free pod address of the node, or 0 when all are taken. The address that was given back longest
// ago comes last.
uint32_t TakePodOffset(NodeRecord& node);

}  // namespace berth::node
