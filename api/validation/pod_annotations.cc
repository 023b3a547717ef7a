#include <charconv>
#include <map>

#include <fmt/core.h>

#include "api/schema/core_v1_pod.pb.h"
#include "api/validation/metadata.h"
#include "api/validation/pod.h"
#include "api/validation/visit.h"
#include "api/validation/volume.h"

namespace berth::api::validation {
namespace {

constexpr std::string_view kDeletionCost = "controller.kubernetes.io/pod-deletion-cost";

using SortedAnnotations = std::map<std::string_view, std::string_view>;

SortedAnnotations Sorted(const meta::ObjectMeta& metadata) {
  return {metadata.annotations().begin(), metadata.annotations().end()};
}

bool IsDeletionCost(std::string_view text) {
  int32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && (text == "0" || (text[0] != '0' && !text.starts_with("-0")));
}

void ValidateSeccompAnnotation(std::string_view value, const FieldPath& path, Errors& errors) {
  if (value == "runtime/default" || value == "docker/default" || value == "unconfined") return;
  if (value.starts_with("localhost/")) {
    ValidateLocalDescendingPath(value.substr(10), path, errors);
  } else {
    errors.Invalid(path, value, "must be a valid seccomp profile");
  }
}

bool HasContainer(const core::PodSpec& spec, std::string_view name) {
  for (const auto& container : spec.init_containers()) {
    if (container.name() == name) return true;
  }
  for (const auto& container : spec.containers()) {
    if (container.name() == name) return true;
  }
  for (const auto& container : spec.ephemeral_containers()) {
    if (container.ephemeral_container_common().name() == name) return true;
  }
  return false;
}

void ValidateAppArmorAnnotation(std::string_view key, std::string_view value,
                                const core::PodSpec& spec, const FieldPath& path,
                                Errors& errors) {
  const std::string_view container = key.substr(kAppArmorPrefix.size());
  if (!HasContainer(spec, container)) {
    errors.Invalid(path.Key(key), container, "container not found");
  }
  if (value.empty() || value == "runtime/default" || value == "unconfined") return;
  if (value.starts_with("localhost/")) return;
  errors.Invalid(path.Key(key), value,
                 std::string_view(fmt::format("invalid AppArmor profile name: {}",
                                              GoQuoted(value))));
}

const std::string* FindAnnotation(const meta::ObjectMeta& metadata, std::string_view prefix,
                                  std::string_view name) {
  const auto& annotations = metadata.annotations();
  const auto it = annotations.find(std::string(prefix).append(name));
  return it == annotations.end() ? nullptr : &it->second;
}

// SeccompProfile or AppArmorProfile. `what`: "seccomp" or "apparmor".
template <typename Profile>
void MatchProfile(const Profile& profile, std::string_view annotation, std::string_view what,
                  const FieldPath& path, Errors& errors) {
  constexpr std::string_view kLocal = "localhost/";
  const auto mismatch = [&](std::string_view field, std::string_view noun) {
    errors.Forbidden(path.Child(field),
                     fmt::format("{} {} in annotation and field must match", what, noun));
  };
  if (profile.type() == "Unconfined") {
    if (annotation != "unconfined") mismatch("type", "type");
  } else if (profile.type() == "RuntimeDefault") {
    const bool docker = what == "seccomp" && annotation == "docker/default";
    if (annotation != "runtime/default" && !docker) mismatch("type", "type");
  } else if (profile.type() == "Localhost") {
    if (!annotation.starts_with(kLocal)) {
      mismatch("type", "type");
    } else if (!profile.has_localhost_profile() ||
               annotation.substr(kLocal.size()) != profile.localhost_profile()) {
      mismatch("localhostProfile", "profile");
    }
  }
}

}  // namespace

void ValidateSeccompMatches(const meta::ObjectMeta& metadata, const core::PodSpec& spec,
                            const FieldPath& path, Errors& errors) {
  if (metadata.annotations().empty()) return;
  const core::PodSecurityContext& of_pod = spec.security_context();
  if (of_pod.has_seccomp_profile()) {
    if (const std::string* text = FindAnnotation(metadata, kSeccompPod, {})) {
      MatchProfile(of_pod.seccomp_profile(), *text, "seccomp",
                   path.Child("securityContext.seccompProfile"), errors);
    }
  }
  VisitContainers(spec, path, [&](const auto& container, const FieldPath& at) {
    const core::SecurityContext& own = container.security_context();
    if (!own.has_seccomp_profile()) return;
    if (const std::string* text = FindAnnotation(metadata, kSeccompPrefix, container.name())) {
      MatchProfile(own.seccomp_profile(), *text, "seccomp",
                   at.Child("securityContext.seccompProfile"), errors);
    }
  });
}

void ValidateAppArmorMatches(const meta::ObjectMeta& metadata, const core::PodSpec& spec,
                             const FieldPath& path, Errors& errors) {
  if (metadata.annotations().empty() || spec.os().name() == "windows") return;
  const core::PodSecurityContext& of_pod = spec.security_context();
  VisitContainers(spec, path, [&](const auto& container, const FieldPath& at) {
    const core::SecurityContext& own = container.security_context();
    if (!own.has_app_armor_profile() && !of_pod.has_app_armor_profile()) return;
    if (const std::string* text = FindAnnotation(metadata, kAppArmorPrefix, container.name())) {
      MatchProfile(own.has_app_armor_profile() ? own.app_armor_profile()
                                               : of_pod.app_armor_profile(),
                   *text, "apparmor", at.Child("securityContext.appArmorProfile"), errors);
    }
  });
}

void ValidatePodAnnotations(const meta::ObjectMeta& metadata, const core::PodSpec& spec,
                            const FieldPath& path, Errors& errors) {
  if (metadata.annotations().empty()) return;
  const SortedAnnotations annotations = Sorted(metadata);
  if (const auto it = annotations.find(kMirrorPodAnnotation); it != annotations.end()) {
    if (spec.node_name().empty()) {
      errors.Invalid(path.Key(kMirrorPodAnnotation), it->second,
                     "must set spec.nodeName if mirror pod annotation is set");
    }
  }
  if (const auto it = annotations.find(kDeletionCost); it != annotations.end()) {
    if (!IsDeletionCost(it->second)) {
      errors.Invalid(path.Key(kDeletionCost), it->second, "must be a 32bit integer");
    }
  }
  if (const auto it = annotations.find(kSeccompPod); it != annotations.end()) {
    ValidateSeccompAnnotation(it->second, path.Child(kSeccompPod), errors);
  }
  for (const auto& [key, value] : annotations) {
    if (key.starts_with(kSeccompPrefix)) {
      ValidateSeccompAnnotation(value, path.Child(key), errors);
    }
  }
  for (const auto& [key, value] : annotations) {
    if (key.starts_with(kAppArmorPrefix)) {
      ValidateAppArmorAnnotation(key, value, spec, path, errors);
    }
  }
}

void ValidatePodAnnotationUpdates(const core::Pod& pod, const core::Pod& old, Errors& errors) {
  const FieldPath path("metadata.annotations");
  const SortedAnnotations now = Sorted(pod.metadata()), before = Sorted(old.metadata());
  for (const auto& [key, value] : before) {
    const auto it = now.find(key);
    if (it != now.end() && it->second == value) continue;
    if (key.starts_with(kAppArmorPrefix)) {
      errors.Forbidden(path.Key(key), "may not remove or update AppArmor annotations");
    }
    if (key == kMirrorPodAnnotation) {
      errors.Forbidden(path.Key(key), "may not remove or update mirror pod annotation");
    }
  }
  for (const auto& [key, value] : now) {
    if (before.contains(key)) continue;
    if (key.starts_with(kAppArmorPrefix)) {
      errors.Forbidden(path.Key(key), "may not add AppArmor annotations");
    }
    if (key == kMirrorPodAnnotation) {
      errors.Forbidden(path.Key(key), "may not add mirror pod annotation");
    }
  }
  ValidatePodAnnotations(pod.metadata(), pod.spec(), path, errors);
}

}  // namespace berth::api::validation
