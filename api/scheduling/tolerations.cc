#include "api/scheduling/tolerations.h"

#include <string_view>

#include "api/schema/core_v1_selectors.pb.h"

namespace berth::api::scheduling {
namespace {

TaintEffect Effect(std::string_view text) {
  if (text.empty()) return TaintEffect::kNone;
  if (text == "NoSchedule") return TaintEffect::kNoSchedule;
  if (text == "PreferNoSchedule") return TaintEffect::kPreferNoSchedule;
  if (text == "NoExecute") return TaintEffect::kNoExecute;
  return TaintEffect::kOther;
}

CompiledToleration::Operator Operator(std::string_view text) {
  if (text.empty() || text == "Equal") return CompiledToleration::Operator::kEqual;
  if (text == "Exists") return CompiledToleration::Operator::kExists;
  return CompiledToleration::Operator::kOther;
}

}  // namespace

bool CompiledToleration::Tolerates(const CompiledTaint& taint) const {
  if (effect != TaintEffect::kNone && effect != taint.effect) return false;
  if (!key.empty() && !(key == taint.key)) return false;
  if (op == Operator::kExists) return true;
  return op == Operator::kEqual && value == taint.value;
}

CompiledTaint CompileTaint(const core::Taint& taint) {
  return {Symbol::Intern(taint.key()), Symbol::Intern(taint.value()), Effect(taint.effect())};
}

CompiledToleration CompileToleration(const core::Toleration& toleration) {
  return {Symbol::Intern(toleration.key()), Symbol::Intern(toleration.value()),
          Operator(toleration.operator_()), Effect(toleration.effect())};
}

bool Tolerated(std::span<const CompiledToleration> tolerations, const CompiledTaint& taint) {
  for (const CompiledToleration& toleration : tolerations) {
    if (toleration.Tolerates(taint)) return true;
  }
  return false;
}

const CompiledTaint* FindUntolerated(std::span<const CompiledToleration> tolerations,
                                     std::span<const CompiledTaint> taints) {
  for (const CompiledTaint& taint : taints) {
    if (taint.effect != TaintEffect::kNoSchedule && taint.effect != TaintEffect::kNoExecute) {
      continue;
    }
    if (!Tolerated(tolerations, taint)) return &taint;
  }
  return nullptr;
}

}  // namespace berth::api::scheduling
