// Label selectors compiled for matching against LabelSets.
// Source: apimachinery/pkg/labels/selector.go, pkg/apis/meta/v1/helpers.go.
#pragma once

#include <vector>

#include <absl/status/statusor.h>

#include "api/fwd.h"
#include "api/scheduling/labels.h"
#include "api/scheduling/node_affinity.h"

namespace berth::api::scheduling {

// All requirements must hold; none: it matches everything.
struct CompiledSelector {
  bool nothing = false;  // whatever the requirements: an absent selector
  std::vector<Requirement> requirements;

  static CompiledSelector Nothing() { return {.nothing = true, .requirements = {}}; }
  bool MatchesEverything() const { return !nothing && requirements.empty(); }
  bool Matches(const LabelSet& labels) const;
  // One more label that must have this value.
  void Require(Symbol key, Symbol value);
  friend bool operator==(const CompiledSelector&, const CompiledSelector&) = default;
};

// InvalidArgument with upstream's text.
absl::StatusOr<CompiledSelector> CompileSelector(const meta::LabelSelector& selector);

}  // namespace berth::api::scheduling
