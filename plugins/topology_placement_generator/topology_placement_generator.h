// Proposes one placement for each value of a topology key, for groups that want to stay together.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "framework/plugin.h"

namespace berth::plugins::topology_placement_generator {

// PlacementGenerate: with the group's schedulingConstraints.topology[0].key, the nodes of each
//   value of that label, in the order of the values; nodes without it are in none. Once members
//   have nodes, only the value of these; an Error when they have several, or none. Without a
//   constraint the parent itself.
// Threads: the engine's executor. Source: kube-scheduler plugin of the same name; plugins.md
// section 22. Alpha upstream: enabled by the gate TopologyAwareWorkloadScheduling.
class TopologyPlacementGenerator final : public framework::PlacementGeneratePlugin {
 public:
  static constexpr std::string_view kName = "TopologyPlacementGenerator";
  explicit TopologyPlacementGenerator(framework::Handle& handle);

  std::string_view Name() const override { return kName; }
  framework::Status GeneratePlacements(framework::CycleState& state,
                                       std::span<const framework::PodPtr> group,
                                       const framework::Placement& parent,
                                       std::vector<framework::Placement>& out) override;

 private:
  framework::Handle& handle_;
};

}  // namespace berth::plugins::topology_placement_generator
