#include "api/validation/stateful_set.h"

#include <set>
#include <string>
#include <string_view>

#include "api/equality.h"
#include "api/schema/apps_v1.pb.h"
#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/core_v1_pod_template.pb.h"
#include "api/schema/core_v1_volume.pb.h"
#include "api/selectors.h"
#include "api/validation/metadata.h"
#include "api/validation/persistent_volume.h"
#include "api/validation/pod.h"

namespace berth::api::validation {
namespace {

using apps::StatefulSet;
using apps::StatefulSetSpec;

void ValidateStrategy(const apps::StatefulSetUpdateStrategy& strategy, const FieldPath& path,
                      Errors& errors) {
  const FieldPath rolling = path.Child("rollingUpdate");
  if (strategy.type().empty()) {
    errors.Required(path);
  } else if (strategy.type() == "OnDelete") {
    if (!strategy.has_rolling_update()) return;
    errors.InvalidShown(rolling, ToJsonText(strategy.rolling_update()),
                        "only allowed for updateStrategy 'RollingUpdate'");
  } else if (strategy.type() == "RollingUpdate") {
    errors.NonNegative(rolling.Child("partition"), strategy.rolling_update().partition());
  } else {
    errors.InvalidShown(path, ToJsonText(strategy), "must be 'RollingUpdate' or 'OnDelete'");
  }
}

void ValidateRetention(const apps::StatefulSetPersistentVolumeClaimRetentionPolicy& policy,
                       const FieldPath& path, Errors& errors) {
  const auto validate = [&](const std::string& value, std::string_view field) {
    if (value == "Delete" || value == "Retain") return;
    errors.NotSupported(path.Child(field), value, {"Delete", "Retain"});
  };
  validate(policy.when_deleted(), "whenDeleted");
  validate(policy.when_scaled(), "whenScaled");
}

// What an update may leave as it is.
struct SetScope {
  bool service_name = true;
  bool claim_templates = true;
  bool pod_template = true;
};

// The template as its pods will be: the controller gives them their hostname and subdomain, and a
// volume for each claim.
core::PodTemplateSpec AsItsPods(const StatefulSetSpec& spec) {
  core::PodTemplateSpec out = spec.template_();
  core::PodSpec& pod = *out.mutable_spec();
  pod.clear_hostname();
  pod.clear_subdomain();
  if (spec.volume_claim_templates().empty()) return out;
  pod.clear_volumes();
  std::set<std::string_view> names;
  for (const core::PersistentVolumeClaim& claim : spec.volume_claim_templates()) {
    const std::string& name = claim.metadata().name();
    if (!names.insert(name).second) continue;
    core::Volume& volume = *pod.add_volumes();
    volume.set_name(name);
    volume.mutable_volume_source()->mutable_persistent_volume_claim()->set_claim_name(name);
  }
  for (const core::Volume& volume : spec.template_().spec().volumes()) {
    if (!names.contains(volume.name())) *pod.add_volumes() = volume;
  }
  return out;
}

void ValidateSetTemplate(const StatefulSetSpec& spec, const LabelSelector& selector,
                         const SetScope& scope, const FieldPath& path, Errors& errors) {
  const meta::ObjectMeta& metadata = spec.template_().metadata();
  if (!selector.MatchesEverything() && !selector.Matches(metadata.labels())) {
    errors.InvalidShown(path.Child("metadata.labels"), ToJsonText(metadata.labels()),
                        "`selector` does not match template `labels`");
  }
  if (scope.pod_template) ValidatePodTemplate(AsItsPods(spec), path, errors);
  // Upstream looks at these again.
  ValidateLabels(metadata.labels(), path.Child("labels"), errors);
  ValidateAnnotations(metadata.annotations(), path.Child("annotations"), errors);
  ValidatePodAnnotations(metadata, spec.template_().spec(), path.Child("annotations"), errors);
}

void ValidateSetSelector(const StatefulSetSpec& spec, const SetScope& scope, const FieldPath& path,
                         Errors& errors) {
  const FieldPath at = path.Child("selector");
  if (!spec.has_selector()) {
    errors.Required(at);
  } else {
    ValidateLabelSelector(spec.selector(), at, errors);
    if (spec.selector().match_labels().empty() && spec.selector().match_expressions().empty()) {
      errors.InvalidShown(at, ToJsonText(spec.selector()),
                          "empty selector is invalid for statefulset");
    }
  }
  const auto selector = spec.has_selector() ? LabelSelector::FromMessage(spec.selector())
                                            : LabelSelector::Nothing();
  if (selector.ok()) {
    ValidateSetTemplate(spec, *selector, scope, path.Child("template"), errors);
  } else {
    errors.InvalidShown(at, ToJsonText(spec.selector()), "");
  }
}

void ValidateSetSpec(const StatefulSetSpec& spec, const SetScope& scope, Errors& errors) {
  const FieldPath path("spec");
  const std::string& policy = spec.pod_management_policy();
  if (policy.empty()) {
    errors.Required(path.Child("podManagementPolicy"));
  } else if (policy != "OrderedReady" && policy != "Parallel") {
    errors.Invalid(path.Child("podManagementPolicy"), policy,
                   "must be 'OrderedReady' or 'Parallel'");
  }
  ValidateStrategy(spec.update_strategy(), path.Child("updateStrategy"), errors);
  ValidateRetention(spec.persistent_volume_claim_retention_policy(),
                    path.Child("persistentVolumeClaimRetentionPolicy"), errors);
  for (int i = 0; scope.claim_templates && i < spec.volume_claim_templates_size(); ++i) {
    const FieldPath claim = path.Child("volumeClaimTemplates", i);
    ValidateClaimSpec(spec.volume_claim_templates(i).spec(), claim.Child("spec"), errors);
  }
  errors.NonNegative(path.Child("replicas"), spec.replicas());
  errors.NonNegative(path.Child("minReadySeconds"), spec.min_ready_seconds());
  const FieldPath ordinals = path.Child("ordinals");
  errors.NonNegative(ordinals.Child("start"), spec.ordinals().start());
  if (scope.service_name && !spec.service_name().empty()) {
    errors.Invalid(path.Child("serviceName"), spec.service_name(),
                   IsDns1123Label(spec.service_name()));
  }
  ValidateSetSelector(spec, scope, path, errors);
  const core::PodSpec& pod = spec.template_().spec();
  const FieldPath pod_path = path.Child("template.spec");
  if (pod.restart_policy() != "Always") {
    errors.NotSupported(pod_path.Child("restartPolicy"), pod.restart_policy(), {"Always"});
  }
  if (pod.has_active_deadline_seconds()) {
    errors.Forbidden(pod_path.Child("activeDeadlineSeconds"),
                     "activeDeadlineSeconds in StatefulSet is not Supported");
  }
}

// The spec without what may change.
StatefulSetSpec Fixed(StatefulSetSpec spec) {
  spec.clear_replicas();
  spec.clear_template_();
  spec.clear_update_strategy();
  spec.clear_min_ready_seconds();
  spec.clear_ordinals();
  spec.clear_revision_history_limit();
  spec.clear_persistent_volume_claim_retention_policy();
  return spec;
}

}  // namespace

void ValidateStatefulSet(const StatefulSet& set, Errors& errors) {
  ValidateCoreObjectMeta(set.metadata(), true, IsDns1123Label, FieldPath("metadata"), errors);
  ValidateSetSpec(set.spec(), {}, errors);
}

void ValidateStatefulSetUpdate(const StatefulSet& set, const StatefulSet& old, Errors& errors) {
  ValidateCoreObjectMetaUpdate(set.metadata(), old.metadata(), FieldPath("metadata"), errors);
  SetScope scope = {.service_name = false, .claim_templates = false};
  Errors before;
  ValidateSetSpec(old.spec(), scope, before);
  scope.pod_template = before.empty();
  ValidateSetSpec(set.spec(), scope, errors);
  if (SemanticEqual(Fixed(set.spec()), Fixed(old.spec()))) return;
  errors.Forbidden(FieldPath("spec"),
                   "updates to statefulset spec for fields other than 'replicas', 'ordinals', "
                   "'template', 'updateStrategy', 'revisionHistoryLimit', "
                   "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
}

void ValidateStatefulSetStatusUpdate(const StatefulSet& set, const StatefulSet& old,
                                     Errors& errors) {
  const FieldPath path("status");
  const apps::StatefulSetStatus& status = set.status();
  errors.NonNegative(path.Child("replicas"), status.replicas());
  errors.NonNegative(path.Child("readyReplicas"), status.ready_replicas());
  errors.NonNegative(path.Child("currentReplicas"), status.current_replicas());
  errors.NonNegative(path.Child("updatedReplicas"), status.updated_replicas());
  errors.NonNegative(path.Child("availableReplicas"), status.available_replicas());
  errors.NonNegative(path.Child("observedGeneration"), status.observed_generation());
  errors.NonNegative(path.Child("collisionCount"), status.collision_count());
  const auto at_most = [&](int32_t count, int32_t max, std::string_view field,
                           std::string_view text) {
    if (count > max) errors.InvalidInt(path.Child(field), count, text);
  };
  constexpr std::string_view kReplicas = "cannot be greater than status.replicas";
  at_most(status.ready_replicas(), status.replicas(), "readyReplicas", kReplicas);
  at_most(status.current_replicas(), status.replicas(), "currentReplicas", kReplicas);
  at_most(status.updated_replicas(), status.replicas(), "updatedReplicas", kReplicas);
  at_most(status.available_replicas(), status.replicas(), "availableReplicas", kReplicas);
  at_most(status.available_replicas(), status.ready_replicas(), "availableReplicas",
          "cannot be greater than status.readyReplicas");
  ValidateCoreObjectMetaUpdate(set.metadata(), old.metadata(), FieldPath("metadata"), errors);
  if (status.collision_count() < old.status().collision_count()) {
    errors.InvalidInt(path.Child("collisionCount"), status.collision_count(),
                      "cannot be decremented");
  }
}

}  // namespace berth::api::validation
