#include "plugins/default_preemption/known_victims.h"

#include <algorithm>
#include <utility>

namespace berth::plugins::default_preemption {

void KnownVictims::Begin(const framework::Snapshot& snapshot, const std::string& signature) {
  snapshot_ = &snapshot;
  auto it = std::find_if(known_.begin(), known_.end(),
                         [&](const OfSignature& each) { return each.signature == signature; });
  if (it == known_.end()) {
    if (known_.size() == kSignaturesMax) known_.pop_back();
    known_.emplace_front().signature = signature;
  } else {
    known_.splice(known_.begin(), known_, it);
  }
  OfSignature& held = known_.front();
  if (held.structure == snapshot.structure_generation()) return;
  held.structure = snapshot.structure_generation();
  held.nodes.assign(snapshot.nodes().size(), {});
}

KnownVictims::VictimsPtr KnownVictims::Find(const framework::NodeInfo& node) const {
  const OfNode& held = known_.front().nodes[static_cast<size_t>(node.index)];
  return held.version == snapshot_->version(node.index) ? held.victims : nullptr;
}

void KnownVictims::Keep(const framework::NodeInfo& node, VictimsPtr victims) {
  known_.front().nodes[static_cast<size_t>(node.index)] = {snapshot_->version(node.index),
                                                           std::move(victims)};
}

}  // namespace berth::plugins::default_preemption
