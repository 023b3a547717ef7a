// Who would have to go from which node, kept for as long as it stays true: in a storm of equal pods
// each looks only at the nodes that changed since the last one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "framework/handle.h"
#include "framework/snapshot.h"
#include "plugins/default_preemption/victims.h"

namespace berth::plugins::default_preemption {

// What was found out about one node.
struct Known {
  Victims victims;
  Cost cost;  // when there are some
};

// Threads: the engine's executor.
class KnownVictims {
 public:
  // What is known of pods of this scope, until the next call; nothing, where its signature is
  // empty.
  void Begin(const framework::Snapshot& snapshot, const framework::NodeScope& scope);
  // Null: nothing is known, or the node has changed. Valid until the next Begin.
  const Known* Find(framework::NodeIndex node) const {
    if (node == own_node_) return of_own_node_ ? &*of_own_node_ : nullptr;
    const auto at = static_cast<size_t>(node);
    return now_->versions[at] == snapshot_->version(node) ? &now_->nodes[at] : nullptr;
  }
  const Known& Keep(framework::NodeIndex node, Victims victims);

  // That nobody's going helps on any of these nodes, and what is said then. Null: not known of the
  // snapshot as it is.
  const std::string* Hopeless(std::span<const framework::NodeIndex> nodes) const;
  void KeepHopeless(std::span<const framework::NodeIndex> nodes, std::string said);

 private:
  static constexpr size_t kSignaturesMax = 8;
  static constexpr size_t kStatusesMax = 32;
  struct OfSignature {
    std::string signature;
    int64_t structure = -1;
    std::vector<int64_t> versions;  // of each node, when it was found out; -1: it was not
    std::vector<Known> nodes;
    std::vector<framework::Status> statuses;  // some of theirs; equal ones are one
    int64_t hopeless_generation = -1;  // of the snapshot; -1: not known
    std::vector<framework::NodeIndex> hopeless_nodes;
    std::string hopeless_said;
  };
  std::list<OfSignature> known_;  // most recently used first
  OfSignature* now_ = nullptr;    // since Begin
  const framework::Snapshot* snapshot_ = nullptr;
  framework::NodeIndex own_node_ = -1;  // not like for its equals
  std::optional<Known> of_own_node_;
};

}  // namespace berth::plugins::default_preemption
