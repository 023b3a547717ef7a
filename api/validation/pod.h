// Rules of pods. Source: pkg/apis/core/validation/validation.go.
#pragma once

#include <string_view>

#include "api/fwd.h"
#include "api/validation/field_path.h"

namespace berth::api::validation {

// Annotations of before the fields of profiles; of a container with its name at the end.
inline constexpr std::string_view kAppArmorPrefix =
    "container.apparmor.security.beta.kubernetes.io/";
inline constexpr std::string_view kSeccompPod = "seccomp.security.alpha.kubernetes.io/pod";
inline constexpr std::string_view kSeccompPrefix =
    "container.seccomp.security.alpha.kubernetes.io/";

void ValidatePodCreate(const core::Pod& pod, Errors& errors);
// May change: images, activeDeadlineSeconds, tolerations (additions), scheduling gates (removals),
// and of a gated pod the node selector and node affinity (restrictions).
void ValidatePodUpdate(const core::Pod& pod, const core::Pod& old, Errors& errors);
void ValidatePodStatusUpdate(const core::Pod& pod, const core::Pod& old, Errors& errors);
void ValidateEphemeralContainersUpdate(const core::Pod& pod, const core::Pod& old,
                                       Errors& errors);
void ValidatePodResize(const core::Pod& pod, const core::Pod& old, Errors& errors);

// The template of a controller; pods made of it are validated again.
void ValidatePodTemplate(const core::PodTemplateSpec& pod_template, const FieldPath& path,
                         Errors& errors);

// Shared by the files of this topic.
struct PodSpecScope {
  bool is_pod = false;                  // not a template
  std::string_view pod_name;            // may be empty
  const core::PodSpec* old = nullptr;   // of an update
};
void ValidatePodSpec(const core::PodSpec& spec, const PodSpecScope& scope, const FieldPath& path,
                     Errors& errors);
// old: null of a new pod.
void ValidatePodMetadataAndSpec(const core::Pod& pod, const core::Pod* old, Errors& errors);
void ValidatePodAnnotations(const meta::ObjectMeta& metadata, const core::PodSpec& spec,
                            const FieldPath& path, Errors& errors);
// What deprecated annotations and new fields both say of a profile must be the same.
void ValidateSeccompMatches(const meta::ObjectMeta& metadata, const core::PodSpec& spec,
                            const FieldPath& path, Errors& errors);
void ValidateAppArmorMatches(const meta::ObjectMeta& metadata, const core::PodSpec& spec,
                             const FieldPath& path, Errors& errors);
void ValidatePodAnnotationUpdates(const core::Pod& pod, const core::Pod& old, Errors& errors);

}  // namespace berth::api::validation
