#include "framework/cache/node_tree.h"

#include <algorithm>

#include "api/schema/core_v1_node.pb.h"

namespace berth::framework {

std::string ZoneKey(const api::core::Node& node) {
  const auto& labels = node.metadata().labels();
  const auto value = [&](const char* beta, const char* stable) -> std::string_view {
    if (auto it = labels.find(beta); it != labels.end()) return it->second;
    if (auto it = labels.find(stable); it != labels.end()) return it->second;
    return {};
  };
  const std::string_view region =
      value("failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region");
  const std::string_view zone =
      value("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone");
  if (region.empty() && zone.empty()) return {};
  std::string key(region);
  key.append(":").append(1, '\0').append(":").append(zone);
  return key;
}

void NodeTree::Add(Symbol name, std::string_view zone_key) {
  auto zone = std::find_if(zones_.begin(), zones_.end(),
                           [&](const Zone& held) { return held.key == zone_key; });
  if (zone == zones_.end()) {
    zones_.push_back({std::string(zone_key), {}});
    zone = std::prev(zones_.end());
  }
  zone->nodes.push_back(name);
  ++size_;
}

bool NodeTree::Remove(Symbol name, std::string_view zone_key) {
  auto zone = std::find_if(zones_.begin(), zones_.end(),
                           [&](const Zone& held) { return held.key == zone_key; });
  if (zone == zones_.end()) return false;
  auto node = std::find(zone->nodes.begin(), zone->nodes.end(), name);
  if (node == zone->nodes.end()) return false;
  zone->nodes.erase(node);
  if (zone->nodes.empty()) zones_.erase(zone);
  --size_;
  return true;
}

std::vector<Symbol> NodeTree::List() const {
  std::vector<Symbol> list;
  list.reserve(size_);
  for (size_t round = 0; list.size() < size_; ++round) {
    for (const Zone& zone : zones_) {
      if (round < zone.nodes.size()) list.push_back(zone.nodes[round]);
    }
  }
  return list;
}

}  // namespace berth::framework
