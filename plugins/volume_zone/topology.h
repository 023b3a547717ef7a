// What a volume's labels say of its zone and region.
#pragma once

#include <vector>

#include "api/fwd.h"
#include "api/scheduling/labels.h"
#include "base/symbol.h"

namespace berth::plugins::volume_zone {

// A node must have one of the values.
struct Topology {
  Symbol key;     // as the volume has it
  Symbol ga_key;  // what a node that lacks `key` may have instead
  std::vector<Symbol> values;  // by text
  bool Allows(const api::scheduling::LabelSet& node) const;
  friend bool operator==(const Topology&, const Topology&) = default;
};

// One for each zone or region label whose value makes sense; others are ignored, as upstream.
std::vector<Topology> TopologiesOf(const api::core::PersistentVolume& volume);
// A node that has no such label is in no zone, and may have any volume.
bool HasTopology(const api::scheduling::LabelSet& node);

}  // namespace berth::plugins::volume_zone
