// AffinityClasses: InterPodAffinity for the pods of one template. What pods that run do to the
// template is summed up by topology pair, once for each template of theirs; a node's class is its
// values of the topology keys, or what the sums there amount to where a key has a value for nearly
// each node.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/container/inlined_vector.h>

#include "api/scheduling/labels.h"
#include "api/scheduling/pod_affinity.h"
#include "framework/handle.h"
#include "framework/node_classes.h"
#include "framework/pod_info.h"
#include "plugins/topology.h"

namespace berth::plugins::inter_pod_affinity {

class InterPodAffinity;

class AffinityClasses final : public framework::NodeClasses {
 public:
  // plugin: outlives it.
  AffinityClasses(const InterPodAffinity& plugin, const framework::PodInfo& pod);

  void Update(const framework::Snapshot& snapshot, std::span<const framework::NodeIndex> changed,
              bool all, std::vector<framework::NodeIndex>& moved) override;
  framework::NodeClass Of(framework::NodeIndex node) const override { return by_words_.Of(node); }
  bool Feasible(framework::NodeClass node_class) const override;
  void Score(std::span<framework::ClassScore> classes) const override;

 private:
  // What is summed up for one topology pair: pods the template requires, pods it keeps away from,
  // pods that keep it away, and weights.
  struct Sums {
    int64_t required = 0, anti = 0, theirs = 0, weight = 0;
    friend bool operator==(const Sums&, const Sums&) = default;
    void Add(const Sums& other, int64_t sign);
  };
  struct OfKey {
    size_t key = 0;  // place in keys_
    Topology::Value value = Topology::kNone;
    Sums sums;
    friend bool operator==(const OfKey&, const OfKey&) = default;
  };
  struct Effects {
    framework::PodTraitsPtr traits;  // of the pod that runs
    std::vector<OfKey> list;         // without values
  };
  struct Key {
    Topology topology;
    absl::flat_hash_map<Topology::Value, Sums> sums;
  };
  // Of each key: the value where it is coarse; else whether there is one, which sums are positive,
  // and the weight.
  using Words = absl::InlinedVector<int64_t, 4>;

  bool ReadNamespaces();  // true: something is different
  size_t KeyAt(Symbol key);
  const std::vector<OfKey>& EffectsOf(const framework::PodInfo& pod);
  std::vector<OfKey> FindEffects(const framework::PodInfo& pod);
  void FindKeys();
  void Rebuild();
  void Recount(const framework::NodeInfo& node);
  void Apply(const std::vector<OfKey>& parts, int64_t sign);
  Words WordsOf(framework::NodeIndex node) const;
  // Sums of a class for a key; sign only of those of keys that are not coarse. False: no value.
  bool Read(const Words& words, size_t key, Sums* out) const;

  const InterPodAffinity& plugin_;
  const framework::PodTraitsPtr traits_;
  api::scheduling::PodAffinity terms_;             // of the template, namespaces by name
  api::scheduling::LabelSet namespace_labels_;     // of its namespace
  std::vector<size_t> required_keys_, anti_keys_;  // of terms_
  int64_t objects_generation_ = -1;

  const framework::Snapshot* snapshot_ = nullptr;
  std::vector<Key> keys_;
  std::vector<size_t> word_of_;  // of each key: the place of its first word
  bool new_keys_ = false;
  absl::flat_hash_map<const framework::PodTraits*, Effects> effects_;
  std::vector<OfKey> unshared_;                 // scratch
  std::vector<std::vector<OfKey>> parts_;       // by node: what its pods add
  std::vector<OfKey> touched_;                  // scratch
  int64_t required_there_ = 0;                  // anywhere
  framework::NodesByKey<Words> by_words_;
};

}  // namespace berth::plugins::inter_pod_affinity
