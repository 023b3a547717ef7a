#include "api/validation/workloads.h"

#include <optional>

#include <fmt/core.h>

#include "api/equality.h"
#include "api/schema/apps_v1.pb.h"
#include "api/schema/core_v1_controller.pb.h"
#include "api/schema/policy_v1.pb.h"
#include "api/selectors.h"
#include "api/validation/conditions.h"
#include "api/validation/metadata.h"
#include "api/validation/pod.h"

namespace berth::api::validation {
namespace {

// kind: of the controller the template is of.
void ValidateTemplate(const core::PodTemplateSpec& pod_template, const LabelSelector& selector,
                      std::string_view kind, const FieldPath& path, Errors& errors) {
  const auto& labels = pod_template.metadata().labels();
  if (!selector.MatchesEverything() && !selector.Matches(labels)) {
    errors.InvalidShown(path.Child("metadata.labels"), ToJsonText(labels),
                        "`selector` does not match template `labels`");
  }
  ValidatePodTemplate(pod_template, path, errors);
  if (pod_template.spec().restart_policy() != "Always") {
    errors.NotSupported(path.Child("spec.restartPolicy"), pod_template.spec().restart_policy(),
                        {"Always"});
  }
  if (pod_template.spec().has_active_deadline_seconds()) {
    errors.Forbidden(path.Child("spec.activeDeadlineSeconds"),
                     fmt::format("activeDeadlineSeconds in {} is not Supported", kind));
  }
}

void ValidateReplicaSetSpec(const apps::ReplicaSetSpec& spec, Errors& errors) {
  const FieldPath path("spec");
  const FieldPath selector_path = path.Child("selector");
  errors.NonNegative(path.Child("replicas"), spec.replicas());
  errors.NonNegative(path.Child("minReadySeconds"), spec.min_ready_seconds());
  if (!spec.has_selector()) {
    errors.Required(selector_path);
  } else {
    ValidateLabelSelector(spec.selector(), selector_path, errors);
    if (spec.selector().match_labels().empty() && spec.selector().match_expressions().empty()) {
      errors.InvalidShown(selector_path, ToJsonText(spec.selector()),
                          "empty selector is invalid for deployment");
    }
  }
  auto selector = spec.has_selector() ? LabelSelector::FromMessage(spec.selector())
                                      : LabelSelector::Nothing();
  if (!selector.ok()) {
    errors.InvalidShown(selector_path, ToJsonText(spec.selector()), "invalid label selector");
  } else {
    ValidateTemplate(spec.template_(), *selector, "ReplicaSet", path.Child("template"), errors);
  }
}

void ValidateReplicationControllerSpec(const core::ReplicationControllerSpec& spec,
                                       Errors& errors) {
  const FieldPath path("spec");
  errors.NonNegative(path.Child("minReadySeconds"), spec.min_ready_seconds());
  if (spec.selector().empty()) errors.Required(path.Child("selector"));
  errors.NonNegative(path.Child("replicas"), spec.replicas());
  if (!spec.has_template_()) return errors.Required(path.Child("template"));
  ValidateTemplate(spec.template_(), LabelSelector::FromLabels(spec.selector()),
                   "ReplicationController", path.Child("template"), errors);
}

// ReplicaSetStatus or ReplicationControllerStatus.
template <typename Status>
void ValidateReplicaCounts(const Status& status, const FieldPath& path, Errors& errors) {
  const auto at_most = [&](int32_t count, int32_t max, std::string_view field,
                           std::string_view of) {
    if (count <= max) return;
    errors.InvalidInt(path.Child(field), count,
                      std::string_view(fmt::format("cannot be greater than {}", of)));
  };
  at_most(status.fully_labeled_replicas(), status.replicas(), "fullyLabeledReplicas",
          "status.replicas");
  at_most(status.ready_replicas(), status.replicas(), "readyReplicas", "status.replicas");
  at_most(status.available_replicas(), status.replicas(), "availableReplicas", "status.replicas");
  at_most(status.available_replicas(), status.ready_replicas(), "availableReplicas",
          "readyReplicas");
}

std::string ShowIntOrString(const intstr::IntOrString& value) {
  return value.type() == 0 ? std::to_string(value.int_val()) : GoQuoted(value.str_val());
}

// "150%" -> 150; nothing for numbers and malformed texts.
std::optional<int64_t> Percent(const intstr::IntOrString& value) {
  if (value.type() == 0 || !IsPercent(value.str_val()).empty()) return std::nullopt;
  int64_t percent = 0;
  for (const char c : value.str_val()) {
    if (c == '%' || percent > 1'000'000'000) break;
    percent = percent * 10 + (c - '0');
  }
  return percent;
}

void ValidateIntOrPercent(const intstr::IntOrString& value, const FieldPath& path,
                          Errors& errors) {
  if (value.type() == 0) return errors.NonNegative(path, value.int_val());
  errors.Invalid(path, value.str_val(), IsPercent(value.str_val()));
  if (Percent(value).value_or(0) > 100) {
    errors.Invalid(path, value.str_val(), "must not be greater than 100%");
  }
}

// As upstream's internal type prints.
std::string ShowBudget(const policy::PodDisruptionBudgetSpec& spec) {
  return fmt::format(
      "{{\"MinAvailable\":{},\"Selector\":{},\"MaxUnavailable\":{},"
      "\"UnhealthyPodEvictionPolicy\":{}}}",
      spec.has_min_available() ? ShowIntOrString(spec.min_available()) : "null",
      spec.has_selector() ? ToJsonText(spec.selector()) : "null",
      spec.has_max_unavailable() ? ShowIntOrString(spec.max_unavailable()) : "null",
      spec.has_unhealthy_pod_eviction_policy() ? GoQuoted(spec.unhealthy_pod_eviction_policy())
                                               : "null");
}

}  // namespace

void ValidateReplicaSet(const apps::ReplicaSet& set, Errors& errors) {
  ValidateCoreObjectMeta(set.metadata(), true, IsDns1123Subdomain, FieldPath("metadata"), errors);
  ValidateReplicaSetSpec(set.spec(), errors);
}

void ValidateReplicaSetUpdate(const apps::ReplicaSet& set, const apps::ReplicaSet& old,
                              Errors& errors) {
  ValidateCoreObjectMetaUpdate(set.metadata(), old.metadata(), FieldPath("metadata"), errors);
  ValidateReplicaSetSpec(set.spec(), errors);
  if (set.spec().has_selector() == old.spec().has_selector() &&
      SemanticEqual(set.spec().selector(), old.spec().selector())) {
    return;
  }
  errors.InvalidShown(FieldPath("spec.selector"),
                      set.spec().has_selector() ? ToJsonText(set.spec().selector()) : "null",
                      kImmutableText);
}

void ValidateReplicaSetStatusUpdate(const apps::ReplicaSet& set, const apps::ReplicaSet& old,
                                    Errors& errors) {
  ValidateCoreObjectMetaUpdate(set.metadata(), old.metadata(), FieldPath("metadata"), errors);
  const FieldPath path("status");
  const apps::ReplicaSetStatus& status = set.status();
  errors.NonNegative(path.Child("replicas"), status.replicas());
  errors.NonNegative(path.Child("fullyLabeledReplicas"), status.fully_labeled_replicas());
  errors.NonNegative(path.Child("readyReplicas"), status.ready_replicas());
  errors.NonNegative(path.Child("availableReplicas"), status.available_replicas());
  errors.NonNegative(path.Child("observedGeneration"), status.observed_generation());
  errors.NonNegative(path.Child("terminatingReplicas"), status.terminating_replicas());
  ValidateReplicaCounts(status, path, errors);
}

void ValidateReplicationController(const core::ReplicationController& controller,
                                   Errors& errors) {
  ValidateCoreObjectMeta(controller.metadata(), true, IsDns1123Subdomain, FieldPath("metadata"),
                         errors);
  ValidateReplicationControllerSpec(controller.spec(), errors);
}

void ValidateReplicationControllerUpdate(const core::ReplicationController& controller,
                                         const core::ReplicationController& old, Errors& errors) {
  ValidateCoreObjectMetaUpdate(controller.metadata(), old.metadata(), FieldPath("metadata"),
                               errors);
  ValidateReplicationControllerSpec(controller.spec(), errors);
}

void ValidateReplicationControllerStatusUpdate(const core::ReplicationController& controller,
                                               const core::ReplicationController& old,
                                               Errors& errors) {
  ValidateCoreObjectMetaUpdate(controller.metadata(), old.metadata(), FieldPath("metadata"),
                               errors);
  const FieldPath path("status");
  const core::ReplicationControllerStatus& status = controller.status();
  errors.NonNegative(path.Child("replicas"), status.replicas());
  errors.NonNegative(path.Child("fullyLabeledReplicas"), status.fully_labeled_replicas());
  errors.NonNegative(path.Child("readyReplicas"), status.ready_replicas());
  errors.NonNegative(path.Child("availableReplicas"), status.available_replicas());
  errors.NonNegative(path.Child("observedGeneration"), status.observed_generation());
  ValidateReplicaCounts(status, path, errors);
}

void ValidateDisruptionBudget(const policy::PodDisruptionBudget& budget, Errors& errors) {
  const policy::PodDisruptionBudgetSpec& spec = budget.spec();
  const FieldPath path("spec");
  if (spec.has_min_available() && spec.has_max_unavailable()) {
    errors.InvalidShown(path, ShowBudget(spec),
                        "minAvailable and maxUnavailable cannot be both set");
  }
  if (spec.has_min_available()) {
    ValidateIntOrPercent(spec.min_available(), path.Child("minAvailable"), errors);
  }
  if (spec.has_max_unavailable()) {
    ValidateIntOrPercent(spec.max_unavailable(), path.Child("maxUnavailable"), errors);
  }
  if (spec.has_selector()) ValidateLabelSelector(spec.selector(), path.Child("selector"), errors);
  const std::string& policy = spec.unhealthy_pod_eviction_policy();
  if (spec.has_unhealthy_pod_eviction_policy() && policy != "AlwaysAllow" &&
      policy != "IfHealthyBudget") {
    errors.NotSupported(path.Child("unhealthyPodEvictionPolicy"), policy,
                        {"AlwaysAllow", "IfHealthyBudget"});
  }
}

void ValidateDisruptionBudgetStatus(const policy::PodDisruptionBudget& budget, Errors& errors) {
  const policy::PodDisruptionBudgetStatus& status = budget.status();
  const FieldPath path("status");
  ValidateConditions(status.conditions(), path.Child("conditions"), errors);
  errors.NonNegative(path.Child("disruptionsAllowed"), status.disruptions_allowed());
  errors.NonNegative(path.Child("currentHealthy"), status.current_healthy());
  errors.NonNegative(path.Child("desiredHealthy"), status.desired_healthy());
  errors.NonNegative(path.Child("expectedPods"), status.expected_pods());
}

}  // namespace berth::api::validation
