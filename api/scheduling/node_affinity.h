// Node selectors and node affinity, compiled once per pod.
// Source: component-helpers/scheduling/corev1/nodeaffinity, plugins.md sections 0.3 and 6.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "api/fwd.h"
#include "api/scheduling/labels.h"
#include "base/symbol.h"

namespace berth::api::scheduling {

struct Requirement {
  enum class Operator : uint8_t { kIn, kNotIn, kExists, kDoesNotExist, kGt, kLt, kInvalid };
  Symbol key;
  Operator op = Operator::kInvalid;
  std::vector<Symbol> values;
  int64_t operand = 0;  // of Gt and Lt
  bool Matches(const LabelSet& labels) const;
  friend bool operator==(const Requirement&, const Requirement&) = default;
};

// All expressions and fields must hold. One with neither, or that did not parse, matches nothing.
struct SelectorTerm {
  std::vector<Requirement> expressions;
  std::vector<Requirement> fields;  // metadata.name In / NotIn one value
  bool valid = true;
  bool Matches(const LabelSet& labels, Symbol node_name) const;
  friend bool operator==(const SelectorTerm&, const SelectorTerm&) = default;
};
SelectorTerm CompileTerm(const core::NodeSelectorTerm& term);

// spec.nodeSelector AND (OR over the terms of requiredDuringSchedulingIgnoredDuringExecution).
struct RequiredNodeAffinity {
  std::vector<std::pair<Symbol, Symbol>> node_selector;
  std::optional<std::vector<SelectorTerm>> terms;  // nullopt: no required affinity
  bool empty() const { return node_selector.empty() && !terms; }
  bool Matches(const LabelSet& labels, Symbol node_name) const;
  friend bool operator==(const RequiredNodeAffinity&, const RequiredNodeAffinity&) = default;
};
RequiredNodeAffinity CompileRequired(const core::PodSpec& spec);
// The required part alone, for addedAffinity and volumes: null message gives nullopt terms.
std::vector<SelectorTerm> CompileSelector(const core::NodeSelector& selector);

struct PreferredTerm {
  SelectorTerm term;
  int32_t weight = 0;
  friend bool operator==(const PreferredTerm&, const PreferredTerm&) = default;
};
// Terms with weight 0, or with no expressions and no fields, are dropped.
std::vector<PreferredTerm> CompilePreferred(const core::NodeAffinity& affinity);

}  // namespace berth::api::scheduling
