#include "api/scheduling/node_affinity.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "api/schema/core_v1_pod.pb.h"
#include "api/validation/names.h"

namespace berth::api::scheduling {
namespace {

using Op = Requirement::Operator;

// Base 10 with an optional sign, nothing else; false on overflow.
bool ParseInt64(std::string_view text, int64_t* out) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  const char* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, *out, 10);
  return error == std::errc() && stop == end && !text.empty();
}

Op ParseOperator(std::string_view text) {
  if (text == "In") return Op::kIn;
  if (text == "NotIn") return Op::kNotIn;
  if (text == "Exists") return Op::kExists;
  if (text == "DoesNotExist") return Op::kDoesNotExist;
  if (text == "Gt") return Op::kGt;
  if (text == "Lt") return Op::kLt;
  return Op::kInvalid;
}

bool ValuesAreLegal(const core::NodeSelectorRequirement& text, Op op, int64_t* operand) {
  const int count = text.values_size();
  switch (op) {
    case Op::kIn:
    case Op::kNotIn:
      if (count == 0) return false;
      break;
    case Op::kExists:
    case Op::kDoesNotExist:
      if (count != 0) return false;
      break;
    case Op::kGt:
    case Op::kLt:
      if (count != 1 || !ParseInt64(text.values(0), operand)) return false;
      break;
    case Op::kInvalid:
      return false;
  }
  return std::all_of(text.values().begin(), text.values().end(), [](const std::string& value) {
    return validation::IsLabelValue(value).empty();
  });
}

bool CompileExpression(const core::NodeSelectorRequirement& text, Requirement& out) {
  out.key = Symbol::Intern(text.key());
  out.op = ParseOperator(text.operator_());
  if (!validation::IsQualifiedName(text.key()).empty()) return false;
  if (!ValuesAreLegal(text, out.op, &out.operand)) return false;
  for (const std::string& value : text.values()) out.values.push_back(Symbol::Intern(value));
  return true;
}

bool CompileField(const core::NodeSelectorRequirement& text, Requirement& out) {
  out.key = Symbol::Intern(text.key());
  out.op = ParseOperator(text.operator_());
  if ((out.op != Op::kIn && out.op != Op::kNotIn) || text.values_size() != 1) return false;
  out.values.push_back(Symbol::Intern(text.values(0)));
  return true;
}

bool IsEmpty(const core::NodeSelectorTerm& term) {
  return term.match_expressions_size() == 0 && term.match_fields_size() == 0;
}

Symbol MetadataName() {
  static const Symbol symbol = Symbol::Intern("metadata.name");
  return symbol;
}

bool FieldMatches(const Requirement& field, Symbol node_name) {
  const Symbol held = field.key == MetadataName() ? node_name : Symbol();
  const bool equal = held == field.values.front();
  return field.op == Op::kIn ? equal : !equal;
}

}  // namespace

bool Requirement::Matches(const LabelSet& labels) const {
  Symbol value;
  const bool present = labels.Get(key, &value);
  const auto listed = [&] {
    return std::find(values.begin(), values.end(), value) != values.end();
  };
  int64_t number = 0;
  switch (op) {
    case Op::kIn:
      return present && listed();
    case Op::kNotIn:
      return !present || !listed();
    case Op::kExists:
      return present;
    case Op::kDoesNotExist:
      return !present;
    case Op::kGt:
      return present && ParseInt64(value.text(), &number) && number > operand;
    case Op::kLt:
      return present && ParseInt64(value.text(), &number) && number < operand;
    case Op::kInvalid:
      return false;
  }
  return false;
}

bool SelectorTerm::Matches(const LabelSet& labels, Symbol node_name) const {
  if (!valid || (expressions.empty() && fields.empty())) return false;
  for (const Requirement& requirement : expressions) {
    if (!requirement.Matches(labels)) return false;
  }
  if (node_name.empty()) return true;  // a node without a name has no fields to compare
  for (const Requirement& requirement : fields) {
    if (!FieldMatches(requirement, node_name)) return false;
  }
  return true;
}

SelectorTerm CompileTerm(const core::NodeSelectorTerm& term) {
  SelectorTerm out;
  out.expressions.resize(static_cast<size_t>(term.match_expressions_size()));
  out.fields.resize(static_cast<size_t>(term.match_fields_size()));
  for (int i = 0; i < term.match_expressions_size(); ++i) {
    out.valid &= CompileExpression(term.match_expressions(i), out.expressions[i]);
  }
  for (int i = 0; i < term.match_fields_size(); ++i) {
    out.valid &= CompileField(term.match_fields(i), out.fields[i]);
  }
  return out;
}

bool RequiredNodeAffinity::Matches(const LabelSet& labels, Symbol node_name) const {
  for (const auto& [key, wanted] : node_selector) {
    Symbol value;
    if (!labels.Get(key, &value) || !(value == wanted)) return false;
  }
  if (!terms) return true;
  return std::any_of(terms->begin(), terms->end(), [&](const SelectorTerm& term) {
    return term.Matches(labels, node_name);
  });
}

RequiredNodeAffinity CompileRequired(const core::PodSpec& spec) {
  RequiredNodeAffinity out;
  for (const auto& [key, value] : spec.node_selector()) {
    out.node_selector.emplace_back(Symbol::Intern(key), Symbol::Intern(value));
  }
  std::sort(out.node_selector.begin(), out.node_selector.end(),
            [](const auto& a, const auto& b) { return a.first.text() < b.first.text(); });
  const core::NodeAffinity& affinity = spec.affinity().node_affinity();
  if (affinity.has_required_during_scheduling_ignored_during_execution()) {
    out.terms = CompileSelector(affinity.required_during_scheduling_ignored_during_execution());
  }
  return out;
}

std::vector<SelectorTerm> CompileSelector(const core::NodeSelector& selector) {
  std::vector<SelectorTerm> out;
  out.reserve(static_cast<size_t>(selector.node_selector_terms_size()));
  for (const core::NodeSelectorTerm& term : selector.node_selector_terms()) {
    out.push_back(CompileTerm(term));
  }
  return out;
}

std::vector<PreferredTerm> CompilePreferred(const core::NodeAffinity& affinity) {
  std::vector<PreferredTerm> out;
  for (const auto& term : affinity.preferred_during_scheduling_ignored_during_execution()) {
    if (term.weight() == 0 || IsEmpty(term.preference())) continue;
    out.push_back({CompileTerm(term.preference()), term.weight()});
  }
  return out;
}

}  // namespace berth::api::scheduling
