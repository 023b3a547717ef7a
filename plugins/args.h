// Typed arguments of the in-tree plugins, as kubescheduler.config.k8s.io/v1 has them.
//
// Text goes through three steps, each pure: decode (strict, args_codec.h), SetDefaults, Validate.
// A plugin's Create only ever sees a valid struct. Arguments of plugins that do not exist here yet
// are read and completed all the same, since a user's file must pass unchanged.
// Source: kube-scheduler config/v1/types_pluginargs.go, apis/config/v1/defaults.go;
// config.md section 3, plugins.md section 0.2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <absl/time/time.h>

#include "api/fwd.h"

namespace berth::plugins {

struct DefaultPreemptionArgs {
  std::optional<int32_t> min_candidate_nodes_percentage;  // percent of the candidates
  std::optional<int32_t> min_candidate_nodes_absolute;
};

struct InterPodAffinityArgs {
  std::optional<int32_t> hard_pod_affinity_weight;
  bool ignore_preferred_terms_of_existing_pods = false;
};

// core/v1 NodeAffinity in the shape of a configuration file.
struct NodeRequirementArgs {
  std::string key;
  std::string op;
  std::vector<std::string> values;
};
struct NodeTermArgs {
  std::vector<NodeRequirementArgs> match_expressions;
  std::vector<NodeRequirementArgs> match_fields;
};
struct NodeSelectorArgs {
  std::vector<NodeTermArgs> node_selector_terms;
};
struct PreferredNodeTermArgs {
  int32_t weight = 0;
  NodeTermArgs preference;
};
struct AddedAffinityArgs {
  std::optional<NodeSelectorArgs> required;
  std::vector<PreferredNodeTermArgs> preferred;
};
struct NodeAffinityArgs {
  std::optional<AddedAffinityArgs> added_affinity;
};

struct ResourceWeight {
  std::string name;
  int64_t weight = 0;
};
// A point of a broken-linear function: at `utilization` percent, `score` of 0..10.
struct UtilizationPoint {
  int32_t utilization = 0;
  int32_t score = 0;
};
struct RequestedToCapacityRatioArgs {
  std::vector<UtilizationPoint> shape;
};
struct ScoringStrategyArgs {
  std::string type;
  std::vector<ResourceWeight> resources;
  std::optional<RequestedToCapacityRatioArgs> requested_to_capacity_ratio;
};
struct NodeResourcesFitArgs {
  std::vector<std::string> ignored_resources;
  std::vector<std::string> ignored_resource_groups;
  std::optional<ScoringStrategyArgs> scoring_strategy;
};

struct NodeResourcesBalancedAllocationArgs {
  std::vector<ResourceWeight> resources;
};

struct LabelSelectorRequirementArgs {
  std::string key;
  std::string op;
  std::vector<std::string> values;
};
struct LabelSelectorArgs {
  std::vector<std::pair<std::string, std::string>> match_labels;  // by key
  std::vector<LabelSelectorRequirementArgs> match_expressions;
};
struct SpreadConstraintArgs {
  int32_t max_skew = 0;
  std::string topology_key;
  std::string when_unsatisfiable;
  std::optional<LabelSelectorArgs> label_selector;
  std::optional<int32_t> min_domains;
  std::optional<std::string> node_affinity_policy;
  std::optional<std::string> node_taints_policy;
  std::vector<std::string> match_label_keys;
};
struct PodTopologySpreadArgs {
  std::vector<SpreadConstraintArgs> default_constraints;
  std::string defaulting_type;
};

struct VolumeBindingArgs {
  std::optional<int64_t> bind_timeout_seconds;
  std::vector<UtilizationPoint> shape;
};

struct DynamicResourcesArgs {
  std::optional<absl::Duration> filter_timeout;
  std::optional<absl::Duration> binding_timeout;
};

void SetDefaults(DefaultPreemptionArgs& args);
void SetDefaults(InterPodAffinityArgs& args);
void SetDefaults(NodeAffinityArgs& args);
void SetDefaults(NodeResourcesFitArgs& args);
void SetDefaults(NodeResourcesBalancedAllocationArgs& args);
void SetDefaults(PodTopologySpreadArgs& args);
void SetDefaults(VolumeBindingArgs& args);
void SetDefaults(DynamicResourcesArgs& args);

// The compiled form of addedAffinity.
api::core::NodeAffinity ToMessage(const AddedAffinityArgs& args);

}  // namespace berth::plugins
