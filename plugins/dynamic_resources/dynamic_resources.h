// Devices for pods that claim them.
//
// NOT YET: devices are not allocated. A pod with claims is rejected, and says so; everything a pod
// without claims can notice of the plugin is here.
#pragma once

#include <memory>
#include <string_view>

#include <absl/status/statusor.h>

#include "framework/plugin.h"
#include "framework/registry.h"

namespace berth::plugins::dynamic_resources {

// PreFilter: Skip without claims; UnschedulableAndUnresolvable with.
// PostFilter: Unschedulable "no new claims to deallocate".
// Score: 0. Threads: const after construction. Source: kube-scheduler plugin of the same name;
// plugins.md section 20.
class DynamicResources final : public framework::PreFilterPlugin,
                               public framework::FilterPlugin,
                               public framework::PostFilterPlugin,
                               public framework::ScorePlugin {
 public:
  static constexpr std::string_view kName = "DynamicResources";
  static constexpr std::string_view kReasonNotYet =
      "pod uses spec.resourceClaims, and this scheduler does not allocate devices yet";
  static absl::StatusOr<std::unique_ptr<framework::Plugin>> Create(
      const framework::PluginArgs& args, framework::Handle& handle);

  std::string_view Name() const override { return kName; }
  framework::PreFilterResult PreFilter(framework::CycleState& state, const framework::PodInfo& pod,
                                       const framework::Snapshot& snapshot) override;
  framework::Status Filter(const framework::CycleState& state, const framework::PodInfo& pod,
                           const framework::NodeInfo& node) const override;
  void PostFilter(framework::CycleState& state, const framework::PodInfo& pod,
                  const framework::NodeStatusReader& statuses,
                  framework::PostFilterDone done) override;
  framework::PostFilterPlan PlanPostFilter(const framework::CycleState& state,
                                           const framework::PodInfo& pod,
                                           const framework::NodeStatusReader& statuses) override;
  framework::Scored Score(const framework::CycleState& state, const framework::PodInfo& pod,
                          const framework::NodeInfo& node) const override;
  framework::Normalization normalization() const override {
    return framework::Normalization::kDefault;
  }
  framework::Dependencies DependsOn(const framework::PodInfo& pod) const override;
  bool Sign(const framework::PodInfo& pod, framework::SignatureBuilder& out) const override;
  std::optional<std::vector<framework::ClusterEventWithHint>> EventsToRegister() const override;
};

}  // namespace berth::plugins::dynamic_resources
