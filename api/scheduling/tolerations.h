// Taints and tolerations, compiled, and what tolerates what.
// Source: component-helpers/scheduling/corev1/helpers.go, plugins.md section 0.3.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "api/fwd.h"
#include "base/symbol.h"

namespace berth::api::scheduling {

enum class TaintEffect : uint8_t { kNone, kNoSchedule, kPreferNoSchedule, kNoExecute, kOther };

struct CompiledTaint {
  Symbol key, value;
  TaintEffect effect = TaintEffect::kNone;
  friend bool operator==(const CompiledTaint&, const CompiledTaint&) = default;
};
struct CompiledToleration {
  enum class Operator : uint8_t { kEqual, kExists, kOther };
  Symbol key, value;
  Operator op = Operator::kEqual;
  TaintEffect effect = TaintEffect::kNone;  // kNone: every effect
  // Effect empty or equal; key empty or equal; Exists, or values equal.
  bool Tolerates(const CompiledTaint& taint) const;
  friend bool operator==(const CompiledToleration&, const CompiledToleration&) = default;
};

CompiledTaint CompileTaint(const core::Taint& taint);
CompiledToleration CompileToleration(const core::Toleration& toleration);

bool Tolerated(std::span<const CompiledToleration> tolerations, const CompiledTaint& taint);
// The first taint with an effect in {NoSchedule, NoExecute} that nothing tolerates; null if none.
const CompiledTaint* FindUntolerated(std::span<const CompiledToleration> tolerations,
                                     std::span<const CompiledTaint> taints);

}  // namespace berth::api::scheduling
