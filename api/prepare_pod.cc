#include "api/prepare_pod.h"

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "api/equality.h"
#include "api/pod_qos.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/core_v1_volume.pb.h"
#include "api/validation/field_path.h"
#include "api/validation/pod.h"
#include "api/validation/security.h"

namespace berth::api {
namespace {

using Containers = google::protobuf::RepeatedPtrField<core::Container>;
using Labels = google::protobuf::Map<std::string, std::string>;
template <typename T>
using List = google::protobuf::RepeatedPtrField<T>;

void AddLabelKeys(const List<std::string>& keys, std::string_view op, const Labels& labels,
                  meta::LabelSelector& selector) {
  for (const std::string& key : keys) {
    const auto label = labels.find(key);
    if (label == labels.end()) continue;
    meta::LabelSelectorRequirement& requirement = *selector.add_match_expressions();
    requirement.set_key(key);
    requirement.set_operator_(std::string(op));
    requirement.add_values(label->second);
  }
}

void MergeLabelKeys(const Labels& labels, core::PodAffinityTerm& term) {
  if (!term.has_label_selector()) return;
  AddLabelKeys(term.match_label_keys(), "In", labels, *term.mutable_label_selector());
  AddLabelKeys(term.mismatch_label_keys(), "NotIn", labels, *term.mutable_label_selector());
}

template <typename Affinity>
void MergeLabelKeysOf(const Labels& labels, Affinity& affinity) {
  for (auto& weighted : *affinity.mutable_preferred_during_scheduling_ignored_during_execution()) {
    MergeLabelKeys(labels, *weighted.mutable_pod_affinity_term());
  }
  for (auto& term : *affinity.mutable_required_during_scheduling_ignored_during_execution()) {
    MergeLabelKeys(labels, term);
  }
}

// matchLabelKeys say "as I have it"; from here on the selectors say so themselves.
void MergeLabelKeys(core::Pod& pod) {
  const Labels& labels = pod.metadata().labels();
  core::PodSpec& spec = *pod.mutable_spec();
  if (spec.has_affinity()) {
    core::Affinity& affinity = *spec.mutable_affinity();
    if (affinity.has_pod_affinity()) MergeLabelKeysOf(labels, *affinity.mutable_pod_affinity());
    if (affinity.has_pod_anti_affinity()) {
      MergeLabelKeysOf(labels, *affinity.mutable_pod_anti_affinity());
    }
  }
  for (auto& constraint : *spec.mutable_topology_spread_constraints()) {
    if (!constraint.has_label_selector()) continue;
    AddLabelKeys(constraint.match_label_keys(), "In", labels,
                 *constraint.mutable_label_selector());
  }
}

bool Projects(const core::PodSpec& spec, bool (core::VolumeProjection::*has)() const) {
  for (const core::Volume& volume : spec.volumes()) {
    for (const auto& source : volume.volume_source().projected().sources()) {
      if ((source.*has)()) return true;
    }
  }
  return false;
}

// Conditions and the status itself keep the generation they speak of when a client leaves it out.
void KeepObservedGenerations(const core::PodStatus& old, core::PodStatus& status) {
  if (status.observed_generation() == 0 && old.observed_generation() != 0) {
    status.set_observed_generation(old.observed_generation());
  }
  std::multimap<std::string_view, int64_t> generations;
  for (const auto& condition : old.conditions()) {
    generations.emplace(condition.type(), condition.observed_generation());
  }
  for (auto& condition : *status.mutable_conditions()) {
    const auto it = generations.lower_bound(condition.type());
    if (it == generations.end() || it->first != condition.type()) continue;
    if (condition.observed_generation() == 0 && it->second != 0) {
      condition.set_observed_generation(it->second);
    }
    generations.erase(it);
  }
}

void RaiseGeneration(const core::Pod& old, core::Pod& pod) {
  if (SemanticEqual(old.spec(), pod.spec())) return;
  pod.mutable_metadata()->set_generation(old.metadata().generation() + 1);
}

// Everything a subresource of the spec does not own in the metadata.
void KeepMetadata(const meta::ObjectMeta& old, meta::ObjectMeta& metadata) {
  *metadata.mutable_labels() = old.labels();
  *metadata.mutable_annotations() = old.annotations();
  *metadata.mutable_finalizers() = old.finalizers();
  *metadata.mutable_owner_references() = old.owner_references();
  if (!old.has_deletion_timestamp()) metadata.clear_deletion_timestamp();
}

// The old containers with the new resources; the new ones as they are when their names differ,
// which validation refuses.
Containers OnlyResourcesOf(const Containers& old, const Containers& changed) {
  Containers out = old;
  for (int i = 0; i < changed.size(); ++i) {
    if (old[i].name() != changed[i].name()) return changed;
    *out[i].mutable_resources() = changed[i].resources();
    *out[i].mutable_resize_policy() = changed[i].resize_policy();
  }
  return out;
}

void KeepAllButResources(const core::Pod& old, core::Pod& pod) {
  core::PodSpec& spec = *pod.mutable_spec();
  if (spec.containers_size() != old.spec().containers_size() ||
      spec.init_containers_size() != old.spec().init_containers_size()) {
    return;
  }
  core::PodSpec kept = old.spec();
  *kept.mutable_containers() = OnlyResourcesOf(old.spec().containers(), spec.containers());
  *kept.mutable_init_containers() =
      OnlyResourcesOf(old.spec().init_containers(), spec.init_containers());
  if (spec.has_resources()) {
    *kept.mutable_resources() = spec.resources();
  } else {
    kept.clear_resources();
  }
  spec = std::move(kept);
  *pod.mutable_status() = old.status();
  KeepMetadata(old.metadata(), *pod.mutable_metadata());
}

void PreparePodStatus(const core::Pod& old, core::Pod& pod) {
  *pod.mutable_spec() = old.spec();
  pod.mutable_metadata()->clear_deletion_timestamp();
  *pod.mutable_metadata()->mutable_owner_references() = old.metadata().owner_references();
  core::PodStatus& status = *pod.mutable_status();
  if (status.qos_class().empty() && !old.status().qos_class().empty()) {
    status.set_qos_class(old.status().qos_class());
  }
  KeepObservedGenerations(old.status(), status);
}

bool HasStopSignal(const Containers& containers) {
  return std::any_of(containers.begin(), containers.end(), [](const core::Container& container) {
    return container.lifecycle().has_stop_signal();
  });
}

void DropStopSignals(Containers& containers) {
  for (core::Container& container : containers) {
    if (!container.lifecycle().has_stop_signal()) continue;
    core::Lifecycle& lifecycle = *container.mutable_lifecycle();
    lifecycle.clear_stop_signal();
    if (!lifecycle.has_post_start() && !lifecycle.has_pre_stop()) container.clear_lifecycle();
  }
}

std::optional<core::AppArmorProfile> ProfileOf(std::string_view annotation) {
  constexpr std::string_view kLocal = "localhost/";
  core::AppArmorProfile profile;
  if (annotation == "unconfined") {
    profile.set_type("Unconfined");
  } else if (annotation == "runtime/default") {
    profile.set_type("RuntimeDefault");
  } else if (annotation.starts_with(kLocal)) {
    profile.set_type("Localhost");
    profile.set_localhost_profile(std::string(annotation.substr(kLocal.size())));
  }
  validation::Errors errors;
  validation::ValidateAppArmor(profile, validation::FieldPath(""), errors);
  if (!errors.empty()) return std::nullopt;
  return profile;
}

// Clients of before 1.30 say in annotations what has fields since.
void CopyAppArmorAnnotations(core::Pod& pod) {
  const auto& annotations = pod.metadata().annotations();
  core::PodSpec& spec = *pod.mutable_spec();
  if (annotations.empty() || spec.os().name() == "windows") return;
  const core::PodSecurityContext& of_pod = spec.security_context();
  const auto copy = [&](auto& container) {
    if (container.security_context().has_app_armor_profile()) return;
    const auto it =
        annotations.find(std::string(validation::kAppArmorPrefix).append(container.name()));
    if (it == annotations.end()) return;
    const auto profile = ProfileOf(it->second);
    if (!profile) return;
    if (of_pod.has_app_armor_profile() && SemanticEqual(*profile, of_pod.app_armor_profile())) {
      return;
    }
    *container.mutable_security_context()->mutable_app_armor_profile() = *profile;
  };
  for (auto& container : *spec.mutable_init_containers()) copy(container);
  for (auto& container : *spec.mutable_containers()) copy(container);
  for (auto& container : *spec.mutable_ephemeral_containers()) {
    copy(*container.mutable_ephemeral_container_common());
  }
}

}  // namespace

void DropGatedFields(const core::PodSpec& old, core::PodSpec& spec) {
  if (!HasStopSignal(old.containers()) && !HasStopSignal(old.init_containers())) {
    DropStopSignals(*spec.mutable_containers());
    DropStopSignals(*spec.mutable_init_containers());
  }
  const bool bundles = Projects(old, &core::VolumeProjection::has_cluster_trust_bundle);
  const bool certificates = Projects(old, &core::VolumeProjection::has_pod_certificate);
  for (core::Volume& volume : *spec.mutable_volumes()) {
    if (!volume.volume_source().has_projected()) continue;
    auto& projected = *volume.mutable_volume_source()->mutable_projected();
    for (core::VolumeProjection& source : *projected.mutable_sources()) {
      if (!bundles) source.clear_cluster_trust_bundle();
      if (!certificates) source.clear_pod_certificate();
    }
  }
}

void PreparePodForCreate(core::Pod& pod) {
  DropGatedFields(core::PodSpec::default_instance(), *pod.mutable_spec());
  pod.mutable_metadata()->set_generation(1);
  // A class that came with the pod stands, as upstream has it.
  std::string qos = pod.status().qos_class();
  if (qos.empty()) qos = PodQosClass(pod.spec());
  pod.clear_status();
  core::PodStatus& status = *pod.mutable_status();
  status.set_phase("Pending");
  status.set_qos_class(qos);
  if (!pod.spec().scheduling_gates().empty()) {
    core::PodCondition& condition = *status.add_conditions();
    condition.set_type("PodScheduled");
    condition.set_status("False");
    condition.set_reason("SchedulingGated");
    condition.set_message("Scheduling is blocked due to non-empty scheduling gates");
  }
  MergeLabelKeys(pod);
  CopyAppArmorAnnotations(pod);
}

void PreparePodForUpdate(std::string_view subresource, const core::Pod& old, core::Pod& pod) {
  if (subresource == "status") return PreparePodStatus(old, pod);
  DropGatedFields(old.spec(), *pod.mutable_spec());
  if (subresource == "ephemeralcontainers") {
    const auto containers = pod.spec().ephemeral_containers();
    *pod.mutable_spec() = old.spec();
    *pod.mutable_spec()->mutable_ephemeral_containers() = containers;
    KeepMetadata(old.metadata(), *pod.mutable_metadata());
  } else if (subresource == "resize") {
    KeepAllButResources(old, pod);
  }
  *pod.mutable_status() = old.status();
  RaiseGeneration(old, pod);
}

}  // namespace berth::api
