// Node templates: what the nodes of a simulated cluster look like, from a YAML file or built in.
//
//   pools:
//   - name: big                     # nodes are big-0001, big-0002, ...; default "node"
//     count: 100                    # see NodeNames about --count
//     capacity: {cpu: 32, memory: 64Gi, pods: 110, ephemeral-storage: 100Gi}   # the defaults
//     allocatable: {cpu: 31500m}    # what differs from capacity
//     labels: {rack: "rack-{i}"}    # {i} is the node's number in its pool, from 1
//     zones: [zone-1, zone-2]       # round-robin over topology.kubernetes.io/zone
//     region: region-1
//     taints: [{key: dedicated, value: ml, effect: NoSchedule}]
//     images: [{name: "nginx:1.25", sizeBytes: 70000000}]
//     unschedulable: false
//
// Decoding is strict: unknown fields, wrong types and bad values are errors, all told at once.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "api/fwd.h"

namespace berth::node {

struct NodePool {
  struct Taint {
    std::string key, value, effect;
  };
  struct Image {
    std::string name;
    int64_t size_bytes = 0;
  };
  std::string name = "node";
  int64_t count = 0;                            // 0: not said
  std::map<std::string, std::string> capacity;  // quantities, canonical text
  std::map<std::string, std::string> allocatable;  // whole: capacity with what differs
  std::map<std::string, std::string> labels;
  std::vector<std::string> zones;
  std::string region;
  std::vector<Taint> taints;
  std::vector<Image> images;
  bool unschedulable = false;
};

struct NodeTemplate {
  std::vector<NodePool> pools;

  // One pool "node": 32 CPUs, 64 GiB, 110 pods, three zones of one region, no taints or images.
  static NodeTemplate BuiltIn();
  // InvalidArgument lists every error: `pools[0].capacity.cpu: Invalid value: "x": ...`, one a
  // line after `<what>: N errors`.
  static absl::StatusOr<NodeTemplate> Parse(std::string_view yaml, std::string_view what);
};

// The share of each pool of `count` nodes. count 0: what the pools say (a pool that says nothing
// has one). Otherwise pools that say nothing share what the others leave; when all of them say
// something their counts are proportions, rounded by largest remainder.
std::vector<int64_t> PoolCounts(const NodeTemplate& nodes, int64_t count);

// The most nodes one process plays; also what the address plan holds.
inline constexpr int64_t kNodesMax = 50'000;

// The nodes of a template in order, each with its pool and its number in it (from 1).
struct NodeSeat {
  std::string name;      // "big-0001"; five digits from 10,000 on
  uint32_t pool = 0;
  uint32_t number = 0;   // in the pool, from 1
};
std::vector<NodeSeat> Seats(const NodeTemplate& nodes, int64_t count);

// The addresses of node `index` (of the process, from 0): 172.16.0.0/12 for nodes, one /24 of
// 10.0.0.0/8 for the pods of each.
std::string HostIp(uint32_t index);
std::string PodCidr(uint32_t index);
// offset: from kPodOffsetFirst to kPodOffsetLast.
std::string PodIp(uint32_t index, uint32_t offset);
inline constexpr uint32_t kPodOffsetFirst = 2;
inline constexpr uint32_t kPodOffsetLast = 254;
// The offset of an address of that node; 0 when it is not one.
uint32_t PodOffset(uint32_t index, std::string_view ip);

// The Node object as its kubelet registers it: metadata, spec, and a status that says Ready.
api::core::Node MakeNode(const NodePool& pool, const NodeSeat& seat, uint32_t index,
                         absl::Time now);
// The status alone, on top of the one the node has: conditions that others own stay, and
// lastTransitionTime of those that hold. lastHeartbeatTime becomes `now`.
void SetNodeStatus(const NodePool& pool, const NodeSeat& seat, uint32_t index, absl::Time now,
                   api::core::Node& node);
// True when `node`'s status says already what SetNodeStatus would, but for the heartbeat times.
bool NodeStatusHolds(const NodePool& pool, const NodeSeat& seat, uint32_t index,
                     const api::core::Node& node);

}  // namespace berth::node
