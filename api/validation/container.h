// Rules of containers of the three kinds: regular, init and ephemeral.
// Source: pkg/apis/core/validation/validation.go.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "api/fwd.h"
#include "api/validation/field_path.h"
#include "api/validation/resources.h"
#include "api/validation/volume.h"

namespace berth::api::validation {

// What of the pod the rules of a container look at.
struct ContainerScope {
  const VolumesByName& volumes;
  const NameSet& claim_names;
  std::optional<int64_t> grace_period_s;
  std::string_view pod_restart_policy;
  bool host_users = true;  // shares the host's user namespace
};

void ValidateContainers(const core::PodSpec& spec, const ContainerScope& scope,
                        const FieldPath& path, Errors& errors);
void ValidateInitContainers(const core::PodSpec& spec, const ContainerScope& scope,
                            const FieldPath& path, Errors& errors);
void ValidateEphemeralContainers(const core::PodSpec& spec, const ContainerScope& scope,
                                 const FieldPath& path, Errors& errors);
// Of pods, not of templates: images without white space around them.
void ValidateImagesOfPod(const core::PodSpec& spec, const FieldPath& spec_path, Errors& errors);
bool HasBlankEnds(std::string_view text);

}  // namespace berth::api::validation
