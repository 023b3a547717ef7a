#include "plugins/args.h"

#include "api/schema/core_v1_affinity.pb.h"

namespace berth::plugins {
namespace {

std::vector<ResourceWeight> DefaultResources() { return {{"cpu", 1}, {"memory", 1}}; }

void DefaultWeights(std::vector<ResourceWeight>& resources) {
  if (resources.empty()) resources = DefaultResources();
  for (ResourceWeight& resource : resources) {
    if (resource.weight == 0) resource.weight = 1;
  }
}

void Copy(const NodeRequirementArgs& from, api::core::NodeSelectorRequirement& to) {
  to.set_key(from.key);
  to.set_operator_(from.op);
  for (const std::string& value : from.values) to.add_values(value);
}

void Copy(const NodeTermArgs& from, api::core::NodeSelectorTerm& to) {
  for (const auto& requirement : from.match_expressions) {
    Copy(requirement, *to.add_match_expressions());
  }
  for (const auto& requirement : from.match_fields) Copy(requirement, *to.add_match_fields());
}

}  // namespace

void SetDefaults(DefaultPreemptionArgs& args) {
  if (!args.min_candidate_nodes_percentage) args.min_candidate_nodes_percentage = 10;
  if (!args.min_candidate_nodes_absolute) args.min_candidate_nodes_absolute = 100;
}

void SetDefaults(InterPodAffinityArgs& args) {
  if (!args.hard_pod_affinity_weight) args.hard_pod_affinity_weight = 1;
}

void SetDefaults(NodeAffinityArgs&) {}

void SetDefaults(NodeResourcesFitArgs& args) {
  if (!args.scoring_strategy) {
    args.scoring_strategy.emplace();
    args.scoring_strategy->type = "LeastAllocated";
  }
  DefaultWeights(args.scoring_strategy->resources);
}

void SetDefaults(NodeResourcesBalancedAllocationArgs& args) { DefaultWeights(args.resources); }

void SetDefaults(PodTopologySpreadArgs& args) {
  if (args.defaulting_type.empty()) args.defaulting_type = "System";
}

void SetDefaults(VolumeBindingArgs& args) {
  if (!args.bind_timeout_seconds) args.bind_timeout_seconds = 600;
}

void SetDefaults(DynamicResourcesArgs& args) {
  if (!args.filter_timeout) args.filter_timeout = absl::Seconds(10);
  if (!args.binding_timeout) args.binding_timeout = absl::Seconds(600);
}

api::core::NodeAffinity ToMessage(const AddedAffinityArgs& args) {
  api::core::NodeAffinity out;
  if (args.required) {
    auto& required = *out.mutable_required_during_scheduling_ignored_during_execution();
    for (const NodeTermArgs& term : args.required->node_selector_terms) {
      Copy(term, *required.add_node_selector_terms());
    }
  }
  for (const PreferredNodeTermArgs& preferred : args.preferred) {
    auto& term = *out.add_preferred_during_scheduling_ignored_during_execution();
    term.set_weight(preferred.weight);
    Copy(preferred.preference, *term.mutable_preference());
  }
  return out;
}

}  // namespace berth::plugins
