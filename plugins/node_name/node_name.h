// Keeps a pod that names its node off every other node.
#pragma once

#include <memory>
#include <string_view>

#include <absl/status/statusor.h>

#include "framework/plugin.h"
#include "framework/registry.h"

namespace berth::plugins::node_name {

// Filter: spec.nodeName set and not this node's yields UnschedulableAndUnresolvable.
// Events: a node joins. Cost: one comparison. Threads: const.
// Source: kube-scheduler plugin of the same name.
class NodeName final : public framework::FilterPlugin {
 public:
  static constexpr std::string_view kName = "NodeName";
  static constexpr std::string_view kReason = "node(s) didn't match the requested node name";
  static absl::StatusOr<std::unique_ptr<framework::Plugin>> Create(
      const framework::PluginArgs& args, framework::Handle& handle);

  std::string_view Name() const override { return kName; }
  framework::Status Filter(const framework::CycleState& state, const framework::PodInfo& pod,
                           const framework::NodeInfo& node) const override;
  bool FilterBatch(const framework::CycleState& state, const framework::PodInfo& pod,
                   const framework::NodeColumns& columns,
                   std::span<const framework::NodeIndex> nodes,
                   std::span<uint8_t> out) const override;
  framework::Dependencies DependsOn(const framework::PodInfo& pod) const override;
  bool Sign(const framework::PodInfo& pod, framework::SignatureBuilder& out) const override;
  bool SignsTemplates() const override { return true; }
  std::optional<std::vector<framework::ClusterEventWithHint>> EventsToRegister() const override;
};

}  // namespace berth::plugins::node_name
