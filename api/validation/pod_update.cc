#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include <fmt/core.h>

#include "api/equality.h"
#include "api/json.h"
#include "api/json_value.h"
#include "api/pod_qos.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/validation/container.h"
#include "api/validation/internal_text.h"
#include "api/validation/metadata.h"
#include "api/validation/pod.h"
#include "api/validation/scheduling.h"

namespace berth::api::validation {
namespace {

constexpr std::string_view kUpdatable =
    "pod updates may not change fields other than "
    "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
    "`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

using Containers = google::protobuf::RepeatedPtrField<core::Container>;

// False: the lists have different lengths, and nothing more can be said.
bool ValidateContainerUpdates(const Containers& containers, const Containers& old,
                              const FieldPath& path, Errors& errors) {
  if (containers.size() != old.size()) {
    errors.Forbidden(path, "pod updates may not add or remove containers");
    return false;
  }
  for (int i = 0; i < containers.size(); ++i) {
    const FieldPath container = path.Index(i);
    const FieldPath at = container.Child("image");
    const std::string& image = containers[i].image();
    if (image.empty()) errors.Required(at);
    if (HasBlankEnds(image)) {
      errors.Invalid(at, image, "must not have leading or trailing whitespace");
    }
  }
  return true;
}

// From nothing to a positive value, or to a smaller one. False: stop here.
bool ValidateDeadlineUpdate(const core::PodSpec& spec, const core::PodSpec& old, Errors& errors) {
  const FieldPath path("spec.activeDeadlineSeconds");
  constexpr int64_t kMax = std::numeric_limits<int32_t>::max();
  if (!spec.has_active_deadline_seconds()) {
    if (old.has_active_deadline_seconds()) {
      errors.InvalidShown(path, "null", "must not update from a positive integer to nil value");
    }
    return true;
  }
  const int64_t seconds = spec.active_deadline_seconds();
  const Complaints bad = IsInRange(seconds, 0, kMax);
  errors.InvalidInt(path, seconds, bad);
  if (!bad.empty()) return false;
  if (old.has_active_deadline_seconds() && old.active_deadline_seconds() < seconds) {
    errors.InvalidInt(path, seconds, "must be less than or equal to previous value");
    return false;
  }
  return true;
}

bool SameButSeconds(const core::Toleration& a, const core::Toleration& b) {
  return a.key() == b.key() && a.operator_() == b.operator_() && a.value() == b.value() &&
         a.effect() == b.effect();
}

void ValidateTolerationUpdate(const core::PodSpec& spec, const core::PodSpec& old,
                              Errors& errors) {
  const FieldPath path("spec.tolerations");
  for (const core::Toleration& before : old.tolerations()) {
    const auto& now = spec.tolerations();
    if (std::any_of(now.begin(), now.end(),
                    [&](const auto& one) { return SameButSeconds(one, before); })) {
      continue;
    }
    return errors.Forbidden(
        path, "existing toleration can not be modified except its tolerationSeconds");
  }
  ValidateTolerations(spec.tolerations(), path, errors);
}

void ValidateGateUpdate(const core::PodSpec& spec, const core::PodSpec& old, Errors& errors) {
  std::set<std::string_view> before;
  for (const auto& gate : old.scheduling_gates()) before.insert(gate.name());
  const FieldPath path("spec.schedulingGates");
  for (int i = 0; i < spec.scheduling_gates_size(); ++i) {
    const std::string& name = spec.scheduling_gates(i).name();
    if (before.contains(name)) continue;
    const FieldPath at = path.Index(i);
    errors.Forbidden(at.Child("name"),
                     fmt::format("only deletion is allowed, but found new scheduling gate '{}'",
                                 name));
  }
}

void ValidateNodeSelectorUpdate(core::PodSpec& spec, const core::PodSpec& old, Errors& errors) {
  const FieldPath path("spec.nodeSelector");
  for (const auto& [key, value] : old.node_selector()) {
    const auto it = spec.node_selector().find(key);
    if (it != spec.node_selector().end() && it->second == value) continue;
    errors.InvalidShown(path, ToJsonText(spec.node_selector()),
                        "only additions to spec.nodeSelector are allowed (no mutations or "
                        "deletions)");
    break;
  }
  *spec.mutable_node_selector() = old.node_selector();
}

// The new ones begin as the old ones are.
bool OnlyAdds(const google::protobuf::RepeatedPtrField<core::NodeSelectorRequirement>& now,
              const google::protobuf::RepeatedPtrField<core::NodeSelectorRequirement>& before) {
  return now.size() >= before.size() &&
         std::equal(before.begin(), before.end(), now.begin(),
                    [](const auto& a, const auto& b) { return SemanticEqual(a, b); });
}

// A gated pod's node affinity may be set when it was not, and its terms may be narrowed.
void ValidateNodeAffinityUpdate(core::PodSpec& spec, const core::PodSpec& old, Errors& errors) {
  const auto& before =
      old.affinity().node_affinity().required_during_scheduling_ignored_during_execution();
  const auto& now =
      spec.affinity().node_affinity().required_during_scheduling_ignored_during_execution();
  const FieldPath path(
      "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution."
      "nodeSelectorTerms");
  if (!before.node_selector_terms().empty()) {
    if (before.node_selector_terms_size() != now.node_selector_terms_size()) {
      errors.InvalidShown(path, InternalText(now.node_selector_terms()),
                          "no additions/deletions to non-empty NodeSelectorTerms list are "
                          "allowed");
    } else {
      for (int i = 0; i < before.node_selector_terms_size(); ++i) {
        const auto& a = before.node_selector_terms(i);
        const auto& b = now.node_selector_terms(i);
        const bool was_empty = a.match_expressions().empty() && a.match_fields().empty();
        if ((was_empty && !SemanticEqual(a, b)) ||
            !OnlyAdds(b.match_expressions(), a.match_expressions()) ||
            !OnlyAdds(b.match_fields(), a.match_fields())) {
          errors.InvalidShown(path.Index(i), InternalText(b),
                              "only additions are allowed (no mutations or deletions)");
        }
      }
    }
  }
  if (old.affinity().has_node_affinity()) {
    *spec.mutable_affinity()->mutable_node_affinity() = old.affinity().node_affinity();
  } else if (spec.has_affinity()) {
    spec.mutable_affinity()->clear_node_affinity();
  }
  const core::Affinity& rest = spec.affinity();
  if (!old.has_affinity() && !rest.has_pod_affinity() && !rest.has_pod_anti_affinity()) {
    spec.clear_affinity();
  }
}

// `spec` with every field that may change put back to what it was; the rest must be equal.
core::PodSpec WithUpdatableFieldsOf(const core::PodSpec& spec, const core::PodSpec& old,
                                    Errors& errors) {
  core::PodSpec munged = spec;
  for (int i = 0; i < old.containers_size(); ++i) {
    munged.mutable_containers(i)->set_image(old.containers(i).image());
  }
  for (int i = 0; i < old.init_containers_size(); ++i) {
    munged.mutable_init_containers(i)->set_image(old.init_containers(i).image());
  }
  munged.clear_active_deadline_seconds();
  if (old.has_active_deadline_seconds()) {
    munged.set_active_deadline_seconds(old.active_deadline_seconds());
  }
  *munged.mutable_scheduling_gates() = old.scheduling_gates();
  *munged.mutable_tolerations() = old.tolerations();
  if (old.termination_grace_period_seconds() < 0 &&
      munged.termination_grace_period_seconds() == 1) {
    munged.set_termination_grace_period_seconds(old.termination_grace_period_seconds());
  }
  if (!old.scheduling_gates().empty()) {
    ValidateNodeSelectorUpdate(munged, old, errors);
    ValidateNodeAffinityUpdate(munged, old, errors);
  }
  return munged;
}

bool AnyRemoved(const ResourceMap& now, const ResourceMap& before) {
  return std::any_of(before.begin(), before.end(),
                     [&](const auto& one) { return !now.contains(one.first); });
}

// Requests and limits may change but not go. `whose`: nothing, or "pod-level ".
void ValidateNothingRemoved(const core::ResourceRequirements& now,
                            const core::ResourceRequirements& before, std::string_view whose,
                            const FieldPath& path, Errors& errors) {
  const FieldPath resources = path.Child("resources");
  if (AnyRemoved(now.requests(), before.requests())) {
    errors.Forbidden(resources.Child("requests"),
                     fmt::format("{}resource requests cannot be removed", whose));
  }
  if (AnyRemoved(now.limits(), before.limits())) {
    errors.Forbidden(resources.Child("limits"),
                     fmt::format("{}resource limits cannot be removed", whose));
  }
}

void ValidateNothingRemoved(const Containers& containers, const Containers& old,
                            const FieldPath& path, Errors& errors) {
  for (int i = 0; i < containers.size(); ++i) {
    ValidateNothingRemoved(containers[i].resources(), old[i].resources(), {}, path.Index(i),
                           errors);
  }
}

// False when the lists cannot be compared one by one. `what`: the field's name.
bool ValidateSameNames(const Containers& containers, const Containers& old, std::string_view what,
                       const FieldPath& spec, Errors& errors) {
  const size_t before = errors.size();
  if (containers.size() != old.size()) {
    errors.Forbidden(spec.Child(what),
                     fmt::format("{} may not be added or removed on resize", what));
    return false;
  }
  for (int i = 0; i < containers.size(); ++i) {
    if (containers[i].name() == old[i].name()) continue;
    const FieldPath at = spec.Child(what, i);
    errors.Forbidden(at.Child("name"),
                     fmt::format("{} may not be renamed or reordered on resize", what));
  }
  return errors.size() == before;
}

void PutBackCpuAndMemory(core::ResourceRequirements& resources,
                         const core::ResourceRequirements& old) {
  const auto restore = [](ResourceMap& now, const ResourceMap& before) {
    for (const char* name : {"cpu", "memory"}) {
      const auto it = before.find(name);
      if (it == before.end()) {
        now.erase(name);
      } else {
        now[name] = it->second;
      }
    }
  };
  restore(*resources.mutable_limits(), old.limits());
  restore(*resources.mutable_requests(), old.requests());
}

// Whether more than cpu and memory differs.
bool DiffersBeyondResources(core::Container container, const core::Container& old) {
  PutBackCpuAndMemory(*container.mutable_resources(), old.resources());
  container.mutable_resources()->clear_claims();  // who has claims cannot be resized
  return !SemanticEqual(container, old);
}

void ValidateResizedInit(const core::Container& container, const core::Container& old,
                         const FieldPath& path, Errors& errors) {
  if (DiffersBeyondResources(container, old)) {
    errors.Forbidden(path, "only cpu and memory resources for init or sidecar containers are "
                           "mutable");
  }
  if (container.restart_policy() == "Always" || SemanticEqual(container, old)) return;
  for (const core::ContainerResizePolicy& policy : container.resize_policy()) {
    if (policy.restart_policy() != "RestartContainer") continue;
    errors.Forbidden(path, "non-sidecar init containers with a resize policy of RestartContainer "
                           "cannot be resized");
  }
}

// A node that reports no resources of what it runs is too old for it.
bool IsOnNodeThatResizes(const core::PodStatus& status) {
  for (const core::ContainerStatus& container : status.container_statuses()) {
    if (container.state().has_running()) return container.has_resources();
  }
  return true;
}

void ValidateResizedPod(const core::PodSpec& spec, const core::PodSpec& old, const FieldPath& path,
                        Errors& errors) {
  if (!spec.has_resources() && !old.has_resources()) return;
  if (!spec.has_resources()) {
    return errors.Forbidden(path.Child("resources"), "pod-level resources cannot be removed");
  }
  ValidateNothingRemoved(spec.resources(), old.resources(), "pod-level ", path, errors);
  core::ResourceRequirements munged = spec.resources();
  PutBackCpuAndMemory(munged, old.resources());
  if (SemanticEqual(munged, old.resources())) return;
  errors.Forbidden(path, "only cpu and memory resources are mutable at pod-level");
}

}  // namespace

void ValidatePodUpdate(const core::Pod& pod, const core::Pod& old, Errors& errors) {
  ValidateCoreObjectMetaUpdate(pod.metadata(), old.metadata(), FieldPath("metadata"), errors);
  ValidatePodMetadataAndSpec(pod, &old, errors);
  ValidatePodAnnotationUpdates(pod, old, errors);
  const core::PodSpec& spec = pod.spec();
  const core::PodSpec& old_spec = old.spec();
  const bool comparable =
      ValidateContainerUpdates(spec.containers(), old_spec.containers(),
                               FieldPath("spec.containers"), errors) &&
      ValidateContainerUpdates(spec.init_containers(), old_spec.init_containers(),
                               FieldPath("spec.initContainers"), errors) &&
      ValidateDeadlineUpdate(spec, old_spec, errors);
  if (!comparable) return;
  ValidateTolerationUpdate(spec, old_spec, errors);
  ValidateGateUpdate(spec, old_spec, errors);
  if (SemanticEqual(spec, old_spec)) return;
  const core::PodSpec munged = WithUpdatableFieldsOf(spec, old_spec, errors);
  if (SemanticEqual(munged, old_spec)) return;
  errors.Forbidden(FieldPath("spec"),
                   fmt::format("{}\n{}", kUpdatable, DescribeDifference(old_spec, munged)));
}

void ValidateEphemeralContainersUpdate(const core::Pod& pod, const core::Pod& old,
                                       Errors& errors) {
  if (old.metadata().annotations().contains(std::string(kMirrorPodAnnotation))) {
    return errors.Forbidden(FieldPath(""), "static pods do not support ephemeral containers");
  }
  ValidateCoreObjectMetaUpdate(pod.metadata(), old.metadata(), FieldPath("metadata"), errors);
  ValidatePodMetadataAndSpec(pod, &old, errors);
  ValidatePodAnnotationUpdates(pod, old, errors);
  std::map<std::string_view, const core::EphemeralContainer*> now;
  for (const auto& container : pod.spec().ephemeral_containers()) {
    now[container.ephemeral_container_common().name()] = &container;
  }
  const FieldPath path("spec.ephemeralContainers");
  for (const auto& container : old.spec().ephemeral_containers()) {
    const std::string& name = container.ephemeral_container_common().name();
    const auto it = now.find(name);
    if (it == now.end()) {
      errors.Forbidden(path, fmt::format("existing ephemeral containers {} may not be removed\n",
                                         GoQuoted(name)));
    } else if (!SemanticEqual(container, *it->second)) {
      errors.Forbidden(path, fmt::format("existing ephemeral containers {} may not be changed\n",
                                         GoQuoted(name)));
    }
  }
}

void ValidatePodResize(const core::Pod& pod, const core::Pod& old, Errors& errors) {
  if (old.metadata().annotations().contains(std::string(kMirrorPodAnnotation))) {
    return errors.Forbidden(FieldPath(""), "static pods cannot be resized");
  }
  if (old.spec().os().name() == "windows") {
    return errors.Forbidden(FieldPath(""), "windows pods cannot be resized");
  }
  ValidateCoreObjectMetaUpdate(pod.metadata(), old.metadata(), FieldPath("metadata"), errors);
  ValidatePodMetadataAndSpec(pod, &old, errors);
  const FieldPath spec("spec");
  std::string_view old_class = old.status().qos_class();
  if (old_class.empty()) old_class = PodQosClass(old.spec());
  if (old_class != PodQosClass(pod.spec())) {
    errors.Invalid(spec, pod.status().qos_class(),
                   "Pod QOS Class may not change as a result of resizing");
  }
  if (!IsOnNodeThatResizes(old.status())) {
    errors.Forbidden(spec, "Pod running on node without support for resize");
  }
  ValidateResizedPod(pod.spec(), old.spec(), spec, errors);
  const auto& containers = pod.spec().containers();
  const auto& inits = pod.spec().init_containers();
  const auto& old_containers = old.spec().containers();
  const auto& old_inits = old.spec().init_containers();
  const bool regular_same =
      ValidateSameNames(containers, old_containers, "containers", spec, errors);
  if (!ValidateSameNames(inits, old_inits, "initContainers", spec, errors) || !regular_same) {
    return;
  }
  const FieldPath init_path = spec.Child("initContainers");
  ValidateNothingRemoved(inits, old_inits, init_path, errors);
  ValidateNothingRemoved(containers, old_containers, spec.Child("containers"), errors);
  for (int i = 0; i < containers.size(); ++i) {
    if (!DiffersBeyondResources(containers[i], old_containers[i])) continue;
    errors.Forbidden(spec, "only cpu and memory resources are mutable");
  }
  for (int i = 0; i < inits.size(); ++i) {
    ValidateResizedInit(inits[i], old_inits[i], init_path.Index(i), errors);
  }
}

}  // namespace berth::api::validation
