// Keeps pods off nodes whose kubelet does not declare the features they need.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "api/fwd.h"
#include "framework/plugin.h"
#include "framework/registry.h"

namespace berth::plugins::node_declared_features {

// PreFilter: Skip when the pod needs no feature that nodes declare.
// Filter: UnschedulableAndUnresolvable unless status.declaredFeatures has all it needs.
// Events: a node joins or declares other features; the pod itself comes to need others.
// Threads: const after construction. Source: kube-scheduler plugin of the same name,
// component-helpers/nodedeclaredfeatures; plugins.md section 19.
class NodeDeclaredFeatures final : public framework::PreFilterPlugin,
                                   public framework::FilterPlugin {
 public:
  static constexpr std::string_view kName = "NodeDeclaredFeatures";
  static constexpr std::string_view kReason = "node(s) didn't match Pod's required features";
  static absl::StatusOr<std::unique_ptr<framework::Plugin>> Create(
      const framework::PluginArgs& args, framework::Handle& handle);

  std::string_view Name() const override { return kName; }
  framework::PreFilterResult PreFilter(framework::CycleState& state, const framework::PodInfo& pod,
                                       const framework::Snapshot& snapshot) override;
  framework::Status Filter(const framework::CycleState& state, const framework::PodInfo& pod,
                           const framework::NodeInfo& node) const override;
  framework::Dependencies DependsOn(const framework::PodInfo& pod) const override;
  bool Sign(const framework::PodInfo& pod, framework::SignatureBuilder& out) const override;
  bool SignsTemplates() const override { return true; }
  std::optional<std::vector<framework::ClusterEventWithHint>> EventsToRegister() const override;
};

// The features a pod needs, by what its spec uses; sorted. 1.36 infers two.
std::vector<std::string_view> RequiredFeatures(const api::core::PodSpec& spec);

}  // namespace berth::plugins::node_declared_features
