// Who would have to go from which node, kept for as long as it stays true: in a storm of equal pods
// each looks only at the nodes that changed since the last one.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "framework/handle.h"
#include "framework/snapshot.h"
#include "plugins/default_preemption/victims.h"

namespace berth::plugins::default_preemption {

// Threads: the engine's executor.
class KnownVictims {
 public:
  using VictimsPtr = std::shared_ptr<const Victims>;

  // What is known of pods with this signature (Handle::NodeScopedSignature); until the next call.
  void Begin(const framework::Snapshot& snapshot, const std::string& signature);
  // Null: nothing, or the node has changed.
  VictimsPtr Find(const framework::NodeInfo& node) const;
  void Keep(const framework::NodeInfo& node, VictimsPtr victims);

 private:
  static constexpr size_t kSignaturesMax = 8;
  struct OfNode {
    int64_t version = -1;
    VictimsPtr victims;
  };
  struct OfSignature {
    std::string signature;
    int64_t structure = -1;
    std::vector<OfNode> nodes;
  };
  std::list<OfSignature> known_;  // most recently used first
  const framework::Snapshot* snapshot_ = nullptr;
};

}  // namespace berth::plugins::default_preemption
