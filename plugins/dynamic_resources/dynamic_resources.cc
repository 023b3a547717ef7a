#include "plugins/dynamic_resources/dynamic_resources.h"

#include "api/schema/core_v1_pod.pb.h"
#include "framework/pod_info.h"

namespace berth::plugins::dynamic_resources {
namespace {

constexpr framework::StateKey kState{"DynamicResources"};

// That PreFilter was here: an earlier plugin's rejection leaves it out.
struct Seen final : framework::StateData {
  std::unique_ptr<framework::StateData> Clone() const override { return std::make_unique<Seen>(); }
};

bool HasClaims(const framework::PodInfo& pod) {
  return pod.object().spec().resource_claims_size() > 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<framework::Plugin>> DynamicResources::Create(
    const framework::PluginArgs&, framework::Handle&) {
  return std::make_unique<DynamicResources>();
}

framework::PreFilterResult DynamicResources::PreFilter(framework::CycleState& state,
                                                       const framework::PodInfo& pod,
                                                       const framework::Snapshot&) {
  state.Write(kState, std::make_unique<Seen>());
  if (!HasClaims(pod)) return {framework::Skip(), {}};
  return {framework::Unresolvable(kReasonNotYet), {}};
}

framework::Status DynamicResources::Filter(const framework::CycleState&, const framework::PodInfo&,
                                           const framework::NodeInfo&) const {
  return framework::Success();
}

void DynamicResources::PostFilter(framework::CycleState& state, const framework::PodInfo& pod,
                                  const framework::NodeStatusReader& statuses,
                                  framework::PostFilterDone done) {
  done({PlanPostFilter(state, pod, statuses).status, std::nullopt});
}

framework::PostFilterPlan DynamicResources::PlanPostFilter(const framework::CycleState& state,
                                                           const framework::PodInfo& pod,
                                                           const framework::NodeStatusReader&) {
  framework::PostFilterPlan plan;
  if (state.Read<Seen>(kState) == nullptr) {
    plan.status = framework::Error("not found");
    return plan;
  }
  plan.status = framework::Unschedulable(HasClaims(pod) ? "still not schedulable"
                                                        : "no new claims to deallocate");
  return plan;
}

framework::Scored DynamicResources::Score(const framework::CycleState&, const framework::PodInfo&,
                                          const framework::NodeInfo&) const {
  return {};
}

framework::Dependencies DynamicResources::DependsOn(const framework::PodInfo&) const {
  return {.filter = framework::Scope::kNode,
          .score = framework::Scope::kNode,
          .node_fields = 0,
          .domains = {},
          .objects = {}};
}

bool DynamicResources::Sign(const framework::PodInfo& pod, framework::SignatureBuilder&) const {
  return !HasClaims(pod);
}

std::optional<std::vector<framework::ClusterEventWithHint>> DynamicResources::EventsToRegister()
    const {
  return std::vector<framework::ClusterEventWithHint>();
}

}  // namespace berth::plugins::dynamic_resources
