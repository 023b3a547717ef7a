// The fields of every args struct, as kubescheduler.config.k8s.io/v1 names them.
#pragma once

#include "plugins/args.h"
#include "plugins/args_codec.h"

namespace berth::plugins {

template <typename V>
void VisitFields(V& visit, DefaultPreemptionArgs& args) {
  visit("minCandidateNodesPercentage", args.min_candidate_nodes_percentage, Emit::kOmitEmpty);
  visit("minCandidateNodesAbsolute", args.min_candidate_nodes_absolute, Emit::kOmitEmpty);
}

template <typename V>
void VisitFields(V& visit, InterPodAffinityArgs& args) {
  visit("hardPodAffinityWeight", args.hard_pod_affinity_weight, Emit::kOmitEmpty);
  visit("ignorePreferredTermsOfExistingPods", args.ignore_preferred_terms_of_existing_pods,
        Emit::kAlways);
}

template <typename V>
void VisitFields(V& visit, NodeRequirementArgs& args) {
  visit("key", args.key, Emit::kAlways);
  visit("operator", args.op, Emit::kAlways);
  visit("values", args.values, Emit::kOmitEmpty);
}
template <typename V>
void VisitFields(V& visit, NodeTermArgs& args) {
  visit("matchExpressions", args.match_expressions, Emit::kOmitEmpty);
  visit("matchFields", args.match_fields, Emit::kOmitEmpty);
}
template <typename V>
void VisitFields(V& visit, NodeSelectorArgs& args) {
  visit("nodeSelectorTerms", args.node_selector_terms, Emit::kAlways);
}
template <typename V>
void VisitFields(V& visit, PreferredNodeTermArgs& args) {
  visit("weight", args.weight, Emit::kAlways);
  visit("preference", args.preference, Emit::kAlways);
}
template <typename V>
void VisitFields(V& visit, AddedAffinityArgs& args) {
  visit("requiredDuringSchedulingIgnoredDuringExecution", args.required, Emit::kOmitEmpty);
  visit("preferredDuringSchedulingIgnoredDuringExecution", args.preferred, Emit::kOmitEmpty);
}
template <typename V>
void VisitFields(V& visit, NodeAffinityArgs& args) {
  visit("addedAffinity", args.added_affinity, Emit::kOmitEmpty);
}

template <typename V>
void VisitFields(V& visit, ResourceWeight& args) {
  visit("name", args.name, Emit::kAlways);
  visit("weight", args.weight, Emit::kOmitEmpty);
}
template <typename V>
void VisitFields(V& visit, UtilizationPoint& args) {
  visit("utilization", args.utilization, Emit::kAlways);
  visit("score", args.score, Emit::kAlways);
}
template <typename V>
void VisitFields(V& visit, RequestedToCapacityRatioArgs& args) {
  visit("shape", args.shape, Emit::kOmitEmpty);
}
template <typename V>
void VisitFields(V& visit, ScoringStrategyArgs& args) {
  visit("type", args.type, Emit::kOmitEmpty);
  visit("resources", args.resources, Emit::kOmitEmpty);
  visit("requestedToCapacityRatio", args.requested_to_capacity_ratio, Emit::kOmitEmpty);
}
template <typename V>
void VisitFields(V& visit, NodeResourcesFitArgs& args) {
  visit("ignoredResources", args.ignored_resources, Emit::kOmitEmpty);
  visit("ignoredResourceGroups", args.ignored_resource_groups, Emit::kOmitEmpty);
  visit("scoringStrategy", args.scoring_strategy, Emit::kOmitEmpty);
}

template <typename V>
void VisitFields(V& visit, NodeResourcesBalancedAllocationArgs& args) {
  visit("resources", args.resources, Emit::kOmitEmpty);
}

template <typename V>
void VisitFields(V& visit, LabelSelectorRequirementArgs& args) {
  visit("key", args.key, Emit::kAlways);
  visit("operator", args.op, Emit::kAlways);
  visit("values", args.values, Emit::kOmitEmpty);
}
template <typename V>
void VisitFields(V& visit, LabelSelectorArgs& args) {
  visit("matchLabels", args.match_labels, Emit::kOmitEmpty);
  visit("matchExpressions", args.match_expressions, Emit::kOmitEmpty);
}
template <typename V>
void VisitFields(V& visit, SpreadConstraintArgs& args) {
  visit("maxSkew", args.max_skew, Emit::kAlways);
  visit("topologyKey", args.topology_key, Emit::kAlways);
  visit("whenUnsatisfiable", args.when_unsatisfiable, Emit::kAlways);
  visit("labelSelector", args.label_selector, Emit::kOmitEmpty);
  visit("minDomains", args.min_domains, Emit::kOmitEmpty);
  visit("nodeAffinityPolicy", args.node_affinity_policy, Emit::kOmitEmpty);
  visit("nodeTaintsPolicy", args.node_taints_policy, Emit::kOmitEmpty);
  visit("matchLabelKeys", args.match_label_keys, Emit::kOmitEmpty);
}
template <typename V>
void VisitFields(V& visit, PodTopologySpreadArgs& args) {
  visit("defaultConstraints", args.default_constraints, Emit::kOmitEmpty);
  visit("defaultingType", args.defaulting_type, Emit::kOmitEmpty);
}

template <typename V>
void VisitFields(V& visit, VolumeBindingArgs& args) {
  visit("bindTimeoutSeconds", args.bind_timeout_seconds, Emit::kOmitEmpty);
  visit("shape", args.shape, Emit::kOmitEmpty);
}

template <typename V>
void VisitFields(V& visit, DynamicResourcesArgs& args) {
  visit("filterTimeout", args.filter_timeout, Emit::kOmitEmpty);
  visit("bindingTimeout", args.binding_timeout, Emit::kOmitEmpty);
}

}  // namespace berth::plugins
