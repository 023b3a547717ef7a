#include "plugins/node_selector_errors.h"

#include <charconv>

#include <fmt/core.h>

#include "api/json_value.h"
#include "api/schema/core_v1_affinity.pb.h"
#include "api/validation/names.h"
#include "plugins/args_codec.h"

namespace berth::plugins {
namespace {

using api::FieldErrors;
using codec::Index;
using codec::Join;
using Requirement = api::core::NodeSelectorRequirement;

bool IsInteger(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  int64_t ignored = 0;
  const char* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, ignored, 10);
  return error == std::errc() && stop == end;
}

std::string ShownValues(const Requirement& requirement) {
  if (requirement.values().empty()) return "null";
  api::JsonValue::Array values;
  for (const std::string& value : requirement.values()) values.emplace_back(value);
  return api::JsonValue(std::move(values)).ToText();
}

void CheckCount(const std::string& path, const Requirement& requirement, FieldErrors& errors) {
  const std::string& op = requirement.operator_();
  const int count = requirement.values_size();
  const std::string at = Join(path, "values");
  if (op == "In" || op == "NotIn") {
    if (count > 0) return;
    errors.push_back(api::InvalidValue(
        at, ShownValues(requirement),
        "for 'in', 'notin' operators, values set can't be empty"));
  } else if (op == "Exists" || op == "DoesNotExist") {
    if (count == 0) return;
    errors.push_back(api::InvalidValue(at, ShownValues(requirement),
                                       "values set must be empty for exists and does not exist"));
  } else {
    if (count != 1) {
      errors.push_back(
          api::InvalidValue(at, ShownValues(requirement),
                            "for 'Gt', 'Lt' operators, exactly one value is required"));
    }
    for (int i = 0; i < count; ++i) {
      if (IsInteger(requirement.values(i))) continue;
      errors.push_back(
          api::InvalidString(Index(at, static_cast<size_t>(i)), requirement.values(i),
                             "for 'Gt', 'Lt' operators, the value must be an integer"));
    }
  }
}

void CheckExpression(const std::string& path, const Requirement& requirement,
                     FieldErrors& errors) {
  const std::string& op = requirement.operator_();
  if (op != "In" && op != "NotIn" && op != "Exists" && op != "DoesNotExist" && op != "Gt" &&
      op != "Lt") {
    errors.push_back(api::NotSupported(Join(path, "operator"), op,
                                       {"In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"}));
    return;
  }
  const auto key_complaints = api::validation::IsQualifiedName(requirement.key());
  if (!key_complaints.empty()) {
    errors.push_back(api::InvalidString(Join(path, "key"), requirement.key(),
                                        api::validation::Joined(key_complaints, "; ")));
  }
  CheckCount(path, requirement, errors);
  for (int i = 0; i < requirement.values_size(); ++i) {
    const auto complaints = api::validation::IsLabelValue(requirement.values(i));
    if (complaints.empty()) continue;
    errors.push_back(api::InvalidString(
        fmt::format("{}[{}][{}]", Join(path, "values"), i, requirement.key()),
        requirement.values(i), api::validation::Joined(complaints, "; ")));
  }
}

void CheckField(const std::string& path, const Requirement& requirement, FieldErrors& errors) {
  const std::string& op = requirement.operator_();
  if (op != "In" && op != "NotIn") {
    errors.push_back(api::NotSupported(Join(path, "operator"), op, {"In", "NotIn"}));
  } else if (requirement.values_size() != 1) {
    errors.push_back(api::InvalidValue(Join(path, "values"), ShownValues(requirement),
                                       "must have one element"));
  }
}

void CheckTerm(const std::string& path, const api::core::NodeSelectorTerm& term,
               FieldErrors& errors) {
  for (int i = 0; i < term.match_expressions_size(); ++i) {
    CheckExpression(Index(Join(path, "matchExpressions"), static_cast<size_t>(i)),
                    term.match_expressions(i), errors);
  }
  for (int i = 0; i < term.match_fields_size(); ++i) {
    CheckField(Index(Join(path, "matchFields"), static_cast<size_t>(i)), term.match_fields(i),
               errors);
  }
}

}  // namespace

FieldErrors NodeSelectorErrors(const std::string& path, const api::core::NodeSelector& selector) {
  FieldErrors errors;
  for (int i = 0; i < selector.node_selector_terms_size(); ++i) {
    CheckTerm(Index(Join(path, "nodeSelectorTerms"), static_cast<size_t>(i)),
              selector.node_selector_terms(i), errors);
  }
  return errors;
}

FieldErrors PreferredTermErrors(const std::string& path,
                                const api::core::NodeAffinity& affinity) {
  FieldErrors errors;
  const auto& terms = affinity.preferred_during_scheduling_ignored_during_execution();
  for (int i = 0; i < terms.size(); ++i) {
    if (terms[i].weight() == 0) continue;
    CheckTerm(Index(path, static_cast<size_t>(i)), terms[i].preference(), errors);
  }
  return errors;
}

}  // namespace berth::plugins
