#include "api/validation/scheduling.h"

#include <set>
#include <utility>

#include <fmt/core.h>

#include "api/schema/core_v1_affinity.pb.h"
#include "api/validation/metadata.h"

namespace berth::api::validation {
namespace {

template <typename T>
using List = google::protobuf::RepeatedPtrField<T>;

void ValidateKey(const std::string& key, const FieldPath& path, Errors& errors) {
  errors.Invalid(path, key, IsQualifiedName(key));
}

// strict: of a required term; preferred ones may hold values no label can have.
void ValidateExpression(const core::NodeSelectorRequirement& requirement, bool strict,
                        const FieldPath& path, Errors& errors) {
  const std::string& op = requirement.operator_();
  const FieldPath values = path.Child("values");
  const int count = requirement.values_size();
  if (op == "In" || op == "NotIn") {
    if (count == 0) {
      errors.Required(values, "must be specified when `operator` is 'In' or 'NotIn'");
    }
  } else if (op == "Exists" || op == "DoesNotExist") {
    if (count > 0) {
      errors.Forbidden(values,
                       "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    }
  } else if (op == "Gt" || op == "Lt") {
    if (count != 1) {
      errors.Required(values, "must be specified single value when `operator` is 'Lt' or 'Gt'");
    }
  } else {
    errors.Invalid(path.Child("operator"), op, "not a valid selector operator");
  }
  ValidateKey(requirement.key(), path.Child("key"), errors);
  for (int i = 0; strict && i < count; ++i) {
    errors.Invalid(values.Index(i), requirement.values(i), IsLabelValue(requirement.values(i)));
  }
}

void ValidateField(const core::NodeSelectorRequirement& requirement, const FieldPath& path,
                   Errors& errors) {
  const std::string& op = requirement.operator_();
  if (op != "In" && op != "NotIn") {
    errors.Invalid(path.Child("operator"), op, "not a valid selector operator");
  } else if (requirement.values_size() != 1) {
    errors.Required(path.Child("values"),
                    "must be only one value when `operator` is 'In' or 'NotIn' for node field "
                    "selector");
  }
  if (requirement.key() != "metadata.name") {
    errors.Invalid(path.Child("key"), requirement.key(), "not a valid field selector key");
    return;
  }
  for (int i = 0; i < requirement.values_size(); ++i) {
    errors.Invalid(path.Child("values", i), requirement.values(i),
                   IsDns1123Subdomain(requirement.values(i)));
  }
}

void ValidateTerm(const core::NodeSelectorTerm& term, bool strict, const FieldPath& path,
                  Errors& errors) {
  for (int i = 0; i < term.match_expressions_size(); ++i) {
    ValidateExpression(term.match_expressions(i), strict, path.Child("matchExpressions", i),
                       errors);
  }
  for (int i = 0; i < term.match_fields_size(); ++i) {
    ValidateField(term.match_fields(i), path.Child("matchFields", i), errors);
  }
}

void ValidateWeight(int32_t weight, const FieldPath& path, Errors& errors) {
  if (weight >= 1 && weight <= 100) return;
  errors.InvalidInt(path.Child("weight"), weight, "must be in the range 1-100");
}

void ValidateNodeAffinity(const core::NodeAffinity& affinity, const FieldPath& path,
                          Errors& errors) {
  if (affinity.has_required_during_scheduling_ignored_during_execution()) {
    ValidateNodeSelector(affinity.required_during_scheduling_ignored_during_execution(),
                         path.Child("requiredDuringSchedulingIgnoredDuringExecution"), errors);
  }
  const auto& preferred = affinity.preferred_during_scheduling_ignored_during_execution();
  for (int i = 0; i < preferred.size(); ++i) {
    const FieldPath at = path.Child("preferredDuringSchedulingIgnoredDuringExecution", i);
    ValidateWeight(preferred[i].weight(), at, errors);
    ValidateTerm(preferred[i].preference(), false, at.Child("preference"), errors);
  }
}

void ValidateLabelKeys(const List<std::string>& keys, const meta::LabelSelector* selector,
                       const FieldPath& path, Errors& errors) {
  if (keys.empty()) return;
  if (selector == nullptr) {
    errors.Forbidden(path, "must not be specified when labelSelector is not set");
    return;
  }
  for (int i = 0; i < keys.size(); ++i) ValidateKey(keys[i], path.Index(i), errors);
}

// The server has already written matchLabelKeys into the selector: a key that is there twice was
// also in the selector that came. Upstream blames an index of the term: terms[0][1].
void ValidateKeysNotInSelector(const List<std::string>& keys, const meta::LabelSelector& selector,
                               const FieldPath& path, Errors& errors) {
  std::set<std::string_view> seen;
  for (const auto& [key, value] : selector.match_labels()) seen.insert(key);
  for (const auto& expression : selector.match_expressions()) {
    const std::string& key = expression.key();
    for (int i = keys.size() - 1; i >= 0; --i) {
      if (keys[i] != key) continue;
      if (seen.contains(key)) {
        errors.Invalid(path.Index(i), key, "exists in both matchLabelKeys and labelSelector");
      }
      break;
    }
    seen.insert(key);
  }
}

void ValidateKeys(const core::PodAffinityTerm& term, const FieldPath& path, Errors& errors) {
  const meta::LabelSelector* selector =
      term.has_label_selector() ? &term.label_selector() : nullptr;
  ValidateLabelKeys(term.match_label_keys(), selector, path.Child("matchLabelKeys"), errors);
  ValidateLabelKeys(term.mismatch_label_keys(), selector, path.Child("mismatchLabelKeys"), errors);
  if (selector != nullptr) {
    ValidateKeysNotInSelector(term.match_label_keys(), *selector, path, errors);
  }
  const std::set<std::string_view> mismatched(term.mismatch_label_keys().begin(),
                                              term.mismatch_label_keys().end());
  for (int i = 0; i < term.match_label_keys_size(); ++i) {
    if (!mismatched.contains(term.match_label_keys(i))) continue;
    errors.Invalid(path.Child("matchLabelKeys", i), term.match_label_keys(i),
                   "exists in both matchLabelKeys and mismatchLabelKeys");
  }
}

void ValidatePodTerm(const core::PodAffinityTerm& term, const FieldPath& path, Errors& errors) {
  if (term.has_label_selector()) {
    ValidateLabelSelector(term.label_selector(), path.Child("labelSelector"), errors);
  }
  if (term.has_namespace_selector()) {
    ValidateLabelSelector(term.namespace_selector(), path.Child("namespaceSelector"), errors);
  }
  for (const std::string& name : term.namespaces()) {
    errors.Invalid(path.Child("namespace"), name, IsDns1123Label(name));
  }
  ValidateKeys(term, path, errors);
  const FieldPath topology = path.Child("topologyKey");
  if (term.topology_key().empty()) errors.Required(topology, "can not be empty");
  ValidateKey(term.topology_key(), topology, errors);
}

// PodAffinity or PodAntiAffinity.
template <typename Affinity>
void ValidatePodTerms(const Affinity& affinity, const FieldPath& path, Errors& errors) {
  const auto& required = affinity.required_during_scheduling_ignored_during_execution();
  for (int i = 0; i < required.size(); ++i) {
    ValidatePodTerm(required[i], path.Child("requiredDuringSchedulingIgnoredDuringExecution", i),
                    errors);
  }
  const auto& preferred = affinity.preferred_during_scheduling_ignored_during_execution();
  for (int i = 0; i < preferred.size(); ++i) {
    const FieldPath at = path.Child("preferredDuringSchedulingIgnoredDuringExecution", i);
    ValidateWeight(preferred[i].weight(), at, errors);
    ValidatePodTerm(preferred[i].pod_affinity_term(), at.Child("podAffinityTerm"), errors);
  }
}

void ValidateInclusion(bool present, const std::string& policy, const FieldPath& path,
                       Errors& errors) {
  if (!present || policy == "Honor" || policy == "Ignore") return;
  errors.NotSupported(path, policy, {"Honor", "Ignore"});
}

void ValidateMinDomains(const core::TopologySpreadConstraint& constraint, const FieldPath& path,
                        Errors& errors) {
  if (!constraint.has_min_domains()) return;
  const FieldPath at = path.Child("minDomains");
  if (constraint.min_domains() <= 0) {
    errors.InvalidInt(at, constraint.min_domains(), kNotPositiveText);
  }
  if (constraint.when_unsatisfiable() != "DoNotSchedule") {
    errors.InvalidInt(at, constraint.min_domains(),
                      fmt::format("can only use minDomains if whenUnsatisfiable=DoNotSchedule, "
                                  "not {}",
                                  constraint.when_unsatisfiable()));
  }
}

void ValidateConstraint(const core::TopologySpreadConstraint& constraint, const FieldPath& path,
                        Errors& errors) {
  if (constraint.max_skew() <= 0) {
    errors.InvalidInt(path.Child("maxSkew"), constraint.max_skew(), kNotPositiveText);
  }
  if (constraint.topology_key().empty()) {
    errors.Required(path.Child("topologyKey"), "can not be empty");
  }
  const std::string& action = constraint.when_unsatisfiable();
  if (action != "DoNotSchedule" && action != "ScheduleAnyway") {
    errors.NotSupported(path.Child("whenUnsatisfiable"), action,
                        {"DoNotSchedule", "ScheduleAnyway"});
  }
}

void ValidateEffect(const std::string& effect, const FieldPath& path, Errors& errors) {
  if (effect == "NoSchedule" || effect == "PreferNoSchedule" || effect == "NoExecute") return;
  errors.NotSupported(path, effect, {"NoSchedule", "PreferNoSchedule", "NoExecute"});
}

void ValidateToleration(const core::Toleration& toleration, const FieldPath& path,
                        Errors& errors) {
  if (!toleration.key().empty()) ValidateKey(toleration.key(), path.Child("key"), errors);
  const std::string& op = toleration.operator_();
  const FieldPath op_path = path.Child("operator");
  if (toleration.key().empty() && op != "Exists") {
    errors.Invalid(op_path, op,
                   "operator must be Exists when `key` is empty, which means \"match all values "
                   "and all keys\"");
  }
  if (toleration.has_toleration_seconds() && toleration.effect() != "NoExecute") {
    errors.Invalid(path.Child("effect"), toleration.effect(),
                   "effect must be 'NoExecute' when `tolerationSeconds` is set");
  }
  if (op.empty() || op == "Equal") {
    const Complaints bad = IsLabelValue(toleration.value());
    if (!bad.empty()) {
      errors.Invalid(op_path, toleration.value(), std::string_view(Joined(bad, ";")));
    }
  } else if (op == "Exists") {
    if (!toleration.value().empty()) {
      errors.Invalid(op_path, toleration.value(),
                     "value must be empty when `operator` is 'Exists'");
    }
  } else if (op == "Lt" || op == "Gt") {  // behind a gate that is off
    errors.NotSupported(op_path, op, {"Equal", "Exists", "Lt", "Gt"});
  } else {
    errors.NotSupported(op_path, op, {"Equal", "Exists"});
  }
  if (!toleration.effect().empty()) {
    ValidateEffect(toleration.effect(), path.Child("effect"), errors);
  }
}

// As upstream's internal type prints.
std::string ShowTaint(const core::Taint& taint) {
  return fmt::format("{{\"Key\":{},\"Value\":{},\"Effect\":{},\"TimeAdded\":{}}}",
                     GoQuoted(taint.key()), GoQuoted(taint.value()), GoQuoted(taint.effect()),
                     taint.has_time_added() ? ToJsonText(taint.time_added()) : "null");
}

}  // namespace

void ValidateNodeSelector(const core::NodeSelector& selector, const FieldPath& path,
                          Errors& errors) {
  if (selector.node_selector_terms().empty()) {
    errors.Required(path.Child("nodeSelectorTerms"),
                    "must have at least one node selector term");
    return;
  }
  for (int i = 0; i < selector.node_selector_terms_size(); ++i) {
    ValidateTerm(selector.node_selector_terms(i), true, path.Child("nodeSelectorTerms", i),
                 errors);
  }
}

void ValidateAffinity(const core::Affinity& affinity, const FieldPath& path, Errors& errors) {
  if (affinity.has_node_affinity()) {
    ValidateNodeAffinity(affinity.node_affinity(), path.Child("nodeAffinity"), errors);
  }
  if (affinity.has_pod_affinity()) {
    ValidatePodTerms(affinity.pod_affinity(), path.Child("podAffinity"), errors);
  }
  if (affinity.has_pod_anti_affinity()) {
    ValidatePodTerms(affinity.pod_anti_affinity(), path.Child("podAntiAffinity"), errors);
  }
}

void ValidateTopologySpread(const List<core::TopologySpreadConstraint>& constraints,
                            const FieldPath& path, Errors& errors) {
  for (int i = 0; i < constraints.size(); ++i) {
    const core::TopologySpreadConstraint& constraint = constraints[i];
    const FieldPath at = path.Index(i);
    ValidateConstraint(constraint, at, errors);
    for (int j = i + 1; j < constraints.size(); ++j) {
      if (constraint.topology_key() != constraints[j].topology_key() ||
          constraint.when_unsatisfiable() != constraints[j].when_unsatisfiable()) {
        continue;
      }
      errors.Duplicate(at.Child("{topologyKey, whenUnsatisfiable}"),
                       fmt::format("{{{}, {}}}", constraint.topology_key(),
                                   constraint.when_unsatisfiable()));
      break;
    }
    ValidateMinDomains(constraint, at, errors);
    ValidateInclusion(constraint.has_node_affinity_policy(), constraint.node_affinity_policy(),
                      at.Child("nodeAffinityPolicy"), errors);
    ValidateInclusion(constraint.has_node_taints_policy(), constraint.node_taints_policy(),
                      at.Child("nodeTaintsPolicy"), errors);
    ValidateLabelKeys(constraint.match_label_keys(),
                      constraint.has_label_selector() ? &constraint.label_selector() : nullptr,
                      at.Child("matchLabelKeys"), errors);
    if (!constraint.has_label_selector()) continue;
    ValidateKeysNotInSelector(constraint.match_label_keys(), constraint.label_selector(), at,
                              errors);
    ValidateLabelSelector(constraint.label_selector(), at.Child("labelSelector"), errors);
  }
}

void ValidateTolerations(const List<core::Toleration>& tolerations, const FieldPath& path,
                         Errors& errors) {
  for (int i = 0; i < tolerations.size(); ++i) {
    ValidateToleration(tolerations[i], path.Index(i), errors);
  }
}

void ValidateTaints(const List<core::Taint>& taints, const FieldPath& path, Errors& errors) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (int i = 0; i < taints.size(); ++i) {
    const core::Taint& taint = taints[i];
    const FieldPath at = path.Index(i);
    ValidateKey(taint.key(), at.Child("key"), errors);
    const Complaints bad = IsLabelValue(taint.value());
    if (!bad.empty()) {
      errors.Invalid(at.Child("value"), taint.value(), std::string_view(Joined(bad, ";")));
    }
    if (taint.effect().empty()) {
      errors.Required(at.Child("effect"));
    } else {
      ValidateEffect(taint.effect(), at.Child("effect"), errors);
    }
    if (!seen.emplace(taint.key(), taint.effect()).second) {
      errors.DuplicateShown(at, ShowTaint(taint), "taints must be unique by key and effect pair");
    }
  }
}

}  // namespace berth::api::validation
