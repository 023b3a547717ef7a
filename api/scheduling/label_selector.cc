#include "api/scheduling/label_selector.h"

#include <algorithm>
#include <string>

#include "api/schema/meta_v1.pb.h"
#include "api/selectors.h"
#include "base/status_macros.h"

namespace berth::api::scheduling {
namespace {

using Op = Requirement::Operator;

Op CompiledOperator(SelectorOperator op) {
  switch (op) {
    case SelectorOperator::kIn:
    case SelectorOperator::kEquals:
    case SelectorOperator::kDoubleEquals: return Op::kIn;
    case SelectorOperator::kNotIn:
    case SelectorOperator::kNotEquals: return Op::kNotIn;
    case SelectorOperator::kExists: return Op::kExists;
    case SelectorOperator::kDoesNotExist: return Op::kDoesNotExist;
    case SelectorOperator::kGreaterThan: return Op::kGt;
    case SelectorOperator::kLessThan: return Op::kLt;
  }
  return Op::kInvalid;
}

}  // namespace

bool CompiledSelector::Matches(const LabelSet& labels) const {
  return !nothing && std::all_of(requirements.begin(), requirements.end(),
                                 [&](const Requirement& each) { return each.Matches(labels); });
}

void CompiledSelector::Require(Symbol key, Symbol value) {
  requirements.push_back({.key = key, .op = Op::kIn, .values = {value}, .operand = 0});
}

absl::StatusOr<CompiledSelector> CompileSelector(const meta::LabelSelector& selector) {
  BERTH_ASSIGN_OR_RETURN(const LabelSelector parsed, LabelSelector::FromMessage(selector));
  CompiledSelector out;
  for (const LabelRequirement& each : parsed.requirements()) {
    Requirement requirement{.key = Symbol::Intern(each.key),
                            .op = CompiledOperator(each.op),
                            .values = {},
                            .operand = each.bound};
    for (const std::string& value : each.values) {
      requirement.values.push_back(Symbol::Intern(value));
    }
    out.requirements.push_back(std::move(requirement));
  }
  return out;
}

}  // namespace berth::api::scheduling
