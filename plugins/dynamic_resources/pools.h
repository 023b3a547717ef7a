// Resource pools as one node sees them: which slices count, and whether the pool can be used.
// Source: dynamic-resource-allocation/structured, GatherPools.
#pragma once

#include <cstdint>
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
  std::shared_ptr<const PoolUse> use;
  // Not all slices of the newest generation are there yet: no device may be used.
  bool incomplete = false;
  // Why the pool contradicts itself; empty when it does not.
  std::string problem;
  std::vector<Candidate> devices;    // of slices by name, as listed
  std::vector<Candidate> elsewhere;  // of slices for other nodes only; they share the counters
  Counters counters;

  std::string ToText() const { return driver + "/" + name; }
  // Null: nobody has it, or nobody has a share of it.
  const DeviceUse* UseOf(const Candidate& candidate) const {
    return use->Find(candidate.id.device);
  }
  const Capacities* SharesOf(const Candidate& candidate) const {
    const DeviceUse* found = UseOf(candidate);
    return found == nullptr || found->shares == 0 ? nullptr : &found->held;
  }
  // Whether claims hold shares of it that consume capacity.
  bool IsConsumed(const Candidate& candidate) const {
    const Capacities* held = SharesOf(candidate);
    return held != nullptr && !held->empty();
  }
};

// A device of a slice for the node, whatever the state of its pool.
struct ListedDevice {
  const api::dra::Device* device = nullptr;
  const api::dra::ResourceSlice* slice = nullptr;
  std::shared_ptr<const PoolUse> use;
};

// What a node has of the slices. Refers to `slices`.
struct Gathered {
  // Pools with a slice for the node, by driver and name; those with devices that have binding
  // conditions after all others.
  std::vector<Pool> pools;
  std::vector<ListedDevice> listed;
  std::vector<SlicePtr> slices;  // kept alive
};

// Everything pools are made of. Threads: one writer; const calls while nobody writes.
class Slices {
 public:
  // Adds, or replaces the one of its name.
  void Put(SlicePtr slice);
  void Remove(std::string_view name);

  Gathered Gather(const framework::NodeInfo& node, DevicesInUse& in_use) const;
  // Grows when what Gather gives for a node of that name may have changed, the node being the same.
  int64_t GenerationFor(std::string_view node_name) const;
  // Gather looks at more of a node than its name.
  bool LookAtLabels() const { return !others_.empty(); }

 private:
  using PoolKey = std::pair<std::string, std::string>;
  using List = std::vector<SlicePtr>;
  List ForNode(const framework::NodeInfo& node) const;
  List& ListOf(const api::dra::ResourceSlice& slice);
  void Touch(const api::dra::ResourceSlice& slice);

  std::map<std::string, SlicePtr, std::less<>> slices_;  // by name
  StringMap<List> of_node_;                              // those that name a node
  List others_;
  std::map<PoolKey, List> of_pool_;
  int64_t generation_ = 0;              // of all nodes
  StringMap<int64_t> node_generation_;  // of one, on top of it
};

// Whether a slice or device with that node selection is for the node.
bool NodeMatches(const framework::NodeInfo& node, std::string_view node_name, bool all_nodes,
                 const api::core::NodeSelector* selector);

}  // namespace berth::plugins::dynamic_resources
