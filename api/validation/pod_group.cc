#include "api/validation/pod_group.h"

#include <string>

#include "api/equality.h"
#include "api/schema/scheduling_v1alpha2.pb.h"
#include "api/validation/conditions.h"
#include "api/validation/devices.h"
#include "api/validation/metadata.h"

namespace berth::api::validation {
namespace {

using gang::PodGroup;
using gang::PodGroupSpec;
using gang::Workload;

constexpr int64_t kTemplatesMax = 8;
constexpr int64_t kTopologiesMax = 1;
constexpr int64_t kClaimsMax = 4;
constexpr int64_t kUserPriorityMax = 1'000'000'000;

void ValidateGivenName(const std::string& name, Complaints (*rule)(std::string_view),
                       const FieldPath& path, Errors& errors) {
  if (name.empty()) return errors.Required(path);
  errors.Invalid(path, name, rule(name));
}

void ValidatePolicy(const gang::PodGroupSchedulingPolicy& policy, const FieldPath& path,
                    Errors& errors) {
  if (policy.has_basic() && policy.has_gang()) {
    return errors.Invalid(path, "{`basic`, `gang`}",
                          "exactly one of `basic`, `gang` is required, but multiple fields are "
                          "set");
  }
  if (!policy.has_basic() && !policy.has_gang()) {
    return errors.Invalid(path, "", "must specify one of: `basic`, `gang`");
  }
  if (!policy.has_gang()) return;
  const FieldPath gang = path.Child("gang");
  const int32_t count = policy.gang().min_count();
  if (count == 0) errors.Required(gang.Child("minCount"));
  if (count < 0) errors.InvalidInt(gang.Child("minCount"), count, kNotPositiveText);
}

void ValidateConstraints(const gang::PodGroupSchedulingConstraints& constraints,
                         const FieldPath& path, Errors& errors) {
  const FieldPath list = path.Child("topology");
  if (!ValidateCount(constraints.topology_size(), kTopologiesMax, list, errors)) return;
  for (int i = 0; i < constraints.topology_size(); ++i) {
    const FieldPath at = list.Index(i);
    ValidateGivenName(constraints.topology(i).key(), IsQualifiedName, at.Child("key"), errors);
  }
}

void ValidateGroupClaim(const gang::PodGroupResourceClaim& claim, const FieldPath& path,
                        Errors& errors) {
  ValidateGivenName(claim.name(), IsDns1123Label, path.Child("name"), errors);
  const bool named = claim.has_resource_claim_name();
  const bool made = claim.has_resource_claim_template_name();
  if (named && made) {
    return errors.Invalid(path, "{`resourceClaimName`, `resourceClaimTemplateName`}",
                          "exactly one of `resourceClaimName`, `resourceClaimTemplateName` is "
                          "required, but multiple fields are set");
  }
  if (!named && !made) {
    return errors.Invalid(path, "",
                          "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`");
  }
  const std::string& name = named ? claim.resource_claim_name()
                                  : claim.resource_claim_template_name();
  errors.Invalid(path.Child(named ? "resourceClaimName" : "resourceClaimTemplateName"), name,
                 IsDns1123Subdomain(name));
}

// PodGroupTemplate or PodGroupSpec.
template <typename Group>
void ValidateGroupBody(const Group& group, const FieldPath& path, Errors& errors) {
  ValidatePolicy(group.scheduling_policy(), path.Child("schedulingPolicy"), errors);
  ValidateConstraints(group.scheduling_constraints(), path.Child("schedulingConstraints"),
                      errors);
  const FieldPath claims = path.Child("resourceClaims");
  if (ValidateCount(group.resource_claims_size(), kClaimsMax, claims, errors)) {
    UniqueNames unique;
    for (int i = 0; i < group.resource_claims_size(); ++i) {
      const FieldPath at = claims.Index(i);
      ValidateGroupClaim(group.resource_claims(i), at, errors);
      unique.Add(group.resource_claims(i).name(), at, errors);
    }
  }
  const std::string& mode = group.disruption_mode();
  if (group.has_disruption_mode() && mode != "Pod" && mode != "PodGroup") {
    errors.NotSupported(path.Child("disruptionMode"), mode, {"Pod", "PodGroup"});
  }
  if (!group.priority_class_name().empty()) {
    errors.Invalid(path.Child("priorityClassName"), group.priority_class_name(),
                   IsDns1123Subdomain(group.priority_class_name()));
  }
  if (group.priority() > kUserPriorityMax) {
    errors.InvalidInt(path.Child("priority"), group.priority(),
                      "must be less than or equal to 1000000000");
  }
}

void ValidateController(const gang::TypedLocalObjectReference& owner, const FieldPath& path,
                        Errors& errors) {
  if (!owner.api_group().empty()) {
    errors.Invalid(path.Child("apiGroup"), owner.api_group(),
                   IsDns1123Subdomain(owner.api_group()));
  }
  ValidateGivenName(owner.kind(), IsPathSegmentName, path.Child("kind"), errors);
  ValidateGivenName(owner.name(), IsPathSegmentName, path.Child("name"), errors);
}

void ValidateWorkloadSpec(const gang::WorkloadSpec& spec, const FieldPath& path, Errors& errors) {
  if (spec.has_controller_ref()) {
    ValidateController(spec.controller_ref(), path.Child("controllerRef"), errors);
  }
  const FieldPath list = path.Child("podGroupTemplates");
  if (spec.pod_group_templates().empty()) {
    return errors.Required(list, "must have at least one item");
  }
  if (!ValidateCount(spec.pod_group_templates_size(), kTemplatesMax, list, errors)) return;
  UniqueNames unique;
  for (int i = 0; i < spec.pod_group_templates_size(); ++i) {
    const gang::PodGroupTemplate& each = spec.pod_group_templates(i);
    const FieldPath at = list.Index(i);
    ValidateGivenName(each.name(), IsDns1123Label, at.Child("name"), errors);
    unique.Add(each.name(), at, errors);
    ValidateGroupBody(each, at, errors);
  }
}

void ValidateTemplateReference(const gang::PodGroupTemplateReference& reference,
                               const FieldPath& path, Errors& errors) {
  if (!reference.has_workload()) {
    return errors.Invalid(path, "", "must specify one of: `workload`");
  }
  const FieldPath at = path.Child("workload");
  const gang::WorkloadPodGroupTemplateReference& workload = reference.workload();
  ValidateGivenName(workload.workload_name(), IsDns1123Subdomain, at.Child("workloadName"),
                    errors);
  ValidateGivenName(workload.pod_group_template_name(), IsDns1123Label,
                    at.Child("podGroupTemplateName"), errors);
}

void ValidateName(const meta::ObjectMeta& metadata, Errors& errors) {
  ValidateCoreObjectMeta(metadata, true, IsDns1123Subdomain, FieldPath("metadata"), errors);
}

// The fields that differ, each by itself.
void ValidateSameSpec(const PodGroupSpec& spec, const PodGroupSpec& old, Errors& errors) {
  const FieldPath path("spec");
  const auto same = [&](bool present, bool was_present, const google::protobuf::Message& value,
                        const google::protobuf::Message& before, std::string_view field) {
    if (present == was_present && SemanticEqual(value, before)) return;
    errors.InvalidShown(path.Child(field), present ? ToJsonText(value) : "null", kImmutableText);
  };
  same(spec.has_pod_group_template_ref(), old.has_pod_group_template_ref(),
       spec.pod_group_template_ref(), old.pod_group_template_ref(), "podGroupTemplateRef");
  same(true, true, spec.scheduling_policy(), old.scheduling_policy(), "schedulingPolicy");
  same(spec.has_scheduling_constraints(), old.has_scheduling_constraints(),
       spec.scheduling_constraints(), old.scheduling_constraints(), "schedulingConstraints");
  PodGroupSpec claims, old_claims;
  *claims.mutable_resource_claims() = spec.resource_claims();
  *old_claims.mutable_resource_claims() = old.resource_claims();
  if (!SemanticEqual(claims, old_claims)) {
    errors.Forbidden(path.Child("resourceClaims"), kImmutableText);
  }
  if (spec.disruption_mode() != old.disruption_mode()) {
    errors.Invalid(path.Child("disruptionMode"), spec.disruption_mode(), kImmutableText);
  }
  if (spec.priority_class_name() != old.priority_class_name()) {
    errors.Invalid(path.Child("priorityClassName"), spec.priority_class_name(), kImmutableText);
  }
  if (spec.has_priority() != old.has_priority() || spec.priority() != old.priority()) {
    errors.InvalidInt(path.Child("priority"), spec.priority(), kImmutableText);
  }
}

}  // namespace

void ValidateWorkload(const Workload& workload, Errors& errors) {
  ValidateName(workload.metadata(), errors);
  ValidateWorkloadSpec(workload.spec(), FieldPath("spec"), errors);
}

void ValidateWorkloadUpdate(const Workload& workload, const Workload& old, Errors& errors) {
  const gang::WorkloadSpec& spec = workload.spec();
  const gang::WorkloadSpec& before = old.spec();
  ValidateCoreObjectMetaUpdate(workload.metadata(), old.metadata(), FieldPath("metadata"),
                               errors);
  ValidateWorkloadSpec(spec, FieldPath("spec"), errors);
  if (before.has_controller_ref() &&
      (!spec.has_controller_ref() ||
       !SemanticEqual(spec.controller_ref(), before.controller_ref()))) {
    errors.InvalidShown(FieldPath("spec.controllerRef"),
                        spec.has_controller_ref() ? ToJsonText(spec.controller_ref()) : "null",
                        kImmutableText);
  }
  gang::WorkloadSpec templates, old_templates;
  *templates.mutable_pod_group_templates() = spec.pod_group_templates();
  *old_templates.mutable_pod_group_templates() = before.pod_group_templates();
  if (!SemanticEqual(templates, old_templates)) {
    errors.Forbidden(FieldPath("spec.podGroupTemplates"), kImmutableText);
  }
}

void ValidatePodGroup(const PodGroup& group, Errors& errors) {
  const FieldPath path("spec");
  ValidateName(group.metadata(), errors);
  if (group.spec().has_pod_group_template_ref()) {
    ValidateTemplateReference(group.spec().pod_group_template_ref(),
                              path.Child("podGroupTemplateRef"), errors);
  }
  ValidateGroupBody(group.spec(), path, errors);
}

void ValidatePodGroupUpdate(const PodGroup& group, const PodGroup& old, Errors& errors) {
  ValidateCoreObjectMetaUpdate(group.metadata(), old.metadata(), FieldPath("metadata"), errors);
  ValidateSameSpec(group.spec(), old.spec(), errors);
}

void ValidatePodGroupStatusUpdate(const PodGroup& group, const PodGroup& old, Errors& errors) {
  ValidateCoreObjectMetaUpdate(group.metadata(), old.metadata(), FieldPath("metadata"), errors);
  const FieldPath path("status");
  ValidateConditions(group.status().conditions(), path.Child("conditions"), errors);
  const auto& claims = group.status().resource_claim_statuses();
  const FieldPath list = path.Child("resourceClaimStatuses");
  if (!ValidateCount(claims.size(), kClaimsMax, list, errors)) return;
  UniqueNames unique;
  for (int i = 0; i < claims.size(); ++i) {
    const FieldPath at = list.Index(i);
    ValidateGivenName(claims[i].name(), IsDns1123Label, at.Child("name"), errors);
    unique.Add(claims[i].name(), at, errors);
    if (!claims[i].has_resource_claim_name()) continue;
    errors.Invalid(at.Child("resourceClaimName"), claims[i].resource_claim_name(),
                   IsDns1123Subdomain(claims[i].resource_claim_name()));
  }
}

}  // namespace berth::api::validation
