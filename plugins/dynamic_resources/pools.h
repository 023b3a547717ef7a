// Resource pools as one node sees them: which slices count, and whether the pool can be used.
// Source: dynamic-resource-allocation/structured, GatherPools.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/fwd.h"
#include "api/quantity.h"
#include "api/schema/resource_v1.pb.h"
#include "base/strings.h"
#include "framework/node_info.h"
#include "plugins/dynamic_resources/devices.h"

namespace berth::plugins::dynamic_resources {

using SlicePtr = std::shared_ptr<const api::dra::ResourceSlice>;
using Counters = std::map<std::pair<std::string, std::string>, api::Quantity>;  // set, counter

// A device that a node may use. Refers to its slice.
struct Candidate {
  DeviceId id;
  const api::dra::Device* device = nullptr;
  const api::dra::ResourceSlice* slice = nullptr;
  size_t index = 0;  // among all of the node's
};

struct Pool {
  std::string driver, name;
  // Not all slices of the newest generation are there yet: no device may be used.
  bool incomplete = false;
  // Why the pool contradicts itself; empty when it does not.
  std::string problem;
  std::vector<Candidate> devices;    // of slices by name, as listed
  std::vector<Candidate> elsewhere;  // of slices for other nodes only; they share the counters
  Counters counters;
  std::string ToText() const { return driver + "/" + name; }
};

// Everything pools are made of. Threads: const after construction.
class Slices {
 public:
  // Ordered by name. They must live as long as what Gather gives.
  explicit Slices(std::vector<SlicePtr> slices);

  // Pools with a slice for the node, by driver and name; those with devices that have binding
  // conditions after all others.
  std::vector<Pool> Gather(const framework::NodeInfo& node) const;

 private:
  using PoolKey = std::pair<std::string, std::string>;
  using List = std::vector<const api::dra::ResourceSlice*>;
  List ForNode(const framework::NodeInfo& node) const;

  std::vector<SlicePtr> slices_;
  StringMap<List> of_node_;         // those that name a node
  List others_;
  std::map<PoolKey, List> of_pool_;
};

// Whether a slice or device with that node selection is for the node.
bool NodeMatches(const framework::NodeInfo& node, std::string_view node_name, bool all_nodes,
                 const api::core::NodeSelector* selector);

}  // namespace berth::plugins::dynamic_resources
