// SpreadClasses: PodTopologySpread for the pods of one template with constraints, its own or the
// default ones.
// Matching pods are counted by value of each constraint's key; a node's class is its values, or
// what is counted there where a key has a value for nearly each node.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/container/inlined_vector.h>

#include "framework/node_classes.h"
#include "framework/pod_info.h"
#include "plugins/pod_topology_spread/constraints.h"
#include "plugins/topology.h"

namespace berth::plugins::pod_topology_spread {

class SpreadClasses final : public framework::NodeClasses {
 public:
  // require_all: nodes without all keys of `soft` score nothing.
  SpreadClasses(const framework::PodInfo& pod, Constraints hard, Constraints soft,
                bool require_all);

  void Update(const framework::Snapshot& snapshot, std::span<const framework::NodeIndex> changed,
              bool all, std::vector<framework::NodeIndex>& moved) override;
  framework::NodeClass Of(framework::NodeIndex node) const override { return by_words_.Of(node); }
  bool Feasible(framework::NodeClass node_class) const override;
  void Score(std::span<framework::ClassScore> classes) const override;

 private:
  using Value = Topology::Value;
  using Words = absl::InlinedVector<int64_t, 4>;
  struct Domain {
    int64_t nodes = 0;  // that count
    int64_t pods = 0;   // that match, on them
  };
  // A constraint, and what is counted for it.
  struct Counted {
    Constraint constraint;
    size_t key = 0;               // place in keys_
    bool own = false;             // the selector picks the template itself
    bool by_node = false;         // soft, and by host name: the node's own pods count
    size_t count_word = kNoWord;  // where its classes say what is counted
    absl::flat_hash_map<Value, Domain> domains;
    std::map<int64_t, int64_t> domains_with;  // pods -> how many domains have so many
  };
  struct Key {
    Topology topology;
    bool by_value = false;
    size_t word = 0;  // of the value, or of whether there is one
  };
  // What one node adds to one constraint.
  struct Part {
    Value value = Topology::kNone;
    bool counts = false;
    int64_t pods = 0;
    friend bool operator==(const Part&, const Part&) = default;
  };
  using Parts = absl::InlinedVector<Part, 2>;  // by constraint, the hard ones first
  static constexpr size_t kNoWord = ~size_t{0};

  void Rebuild();
  void FindKeys();
  Parts PartsOf(const framework::NodeInfo& node) const;
  void Recount(const framework::NodeInfo& node);
  void Apply(const Parts& parts, int64_t sign);
  Words WordsOf(framework::NodeIndex node) const;
  bool HasAll(const framework::NodeInfo& node, bool soft) const;
  // kNone: a node of the class lacks the key. Without by_value, any other number.
  Value ValueOf(const Words& words, const Counted& counted) const;
  int64_t PodsThere(const Words& words, const Counted& counted) const;
  bool Ignored(const Words& words) const;
  std::vector<double> Weights(std::span<const framework::ClassScore> classes) const;

  const framework::PodInfo pod_;
  const framework::Snapshot* snapshot_ = nullptr;
  std::vector<Counted> counted_;  // hard_count_ of them hard, then the soft ones
  const size_t hard_count_;
  const bool require_all_;
  std::vector<Key> keys_;
  std::vector<Parts> parts_;  // by node
  std::vector<std::pair<size_t, Value>> touched_;  // scratch: key, value
  framework::NodesByKey<Words> by_words_;
};

}  // namespace berth::plugins::pod_topology_spread
