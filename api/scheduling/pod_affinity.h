// Affinity between pods, compiled once per pod.
// Source: kube-scheduler framework/types.go (AffinityTerm); plugins.md section 12.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "api/fwd.h"
#include "api/scheduling/label_selector.h"
#include "api/scheduling/labels.h"
#include "base/symbol.h"

namespace berth::api::scheduling {

// Pods with these labels in these namespaces. Both ways of naming namespaces count: by name, and
// by what their Namespace objects are labelled.
struct PodAffinityTerm {
  Symbol topology_key;
  std::vector<Symbol> namespaces;
  CompiledSelector namespace_selector;  // absent: nothing
  CompiledSelector selector;            // absent: nothing

  // namespace_labels: of the pod's namespace; empty when they are not to count.
  bool Matches(Symbol pod_namespace, const LabelSet& pod_labels,
               const LabelSet& namespace_labels) const;
};

// All terms match by namespace name alone; none of an empty list.
bool MatchesAll(std::span<const PodAffinityTerm> terms, Symbol pod_namespace,
                const LabelSet& pod_labels);

struct WeightedPodAffinityTerm {
  PodAffinityTerm term;
  int32_t weight = 0;
};

struct PodAffinity {
  std::vector<PodAffinityTerm> required, required_anti;
  std::vector<WeightedPodAffinityTerm> preferred, preferred_anti;
  // Why terms could not be compiled, with upstream's text; the terms of that list are left out.
  std::string problem;
};

// Null when the pod has no terms.
std::shared_ptr<const PodAffinity> CompilePodAffinity(const core::Affinity& affinity,
                                                      Symbol pod_namespace);

}  // namespace berth::api::scheduling
