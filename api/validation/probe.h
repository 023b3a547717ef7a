// Rules of probes and lifecycle hooks. Source: pkg/apis/core/validation/validation.go.
#pragma once

#include <cstdint>
#include <optional>

#include "api/fwd.h"
#include "api/validation/field_path.h"

namespace k8s::io::api::core::v1 {
class Lifecycle;
class Probe;
}  // namespace k8s::io::api::core::v1

namespace berth::api::validation {

enum class ProbeKind { kLiveness, kReadiness, kStartup };

void ValidateProbe(const core::Probe& probe, ProbeKind kind,
                   std::optional<int64_t> grace_period_s, const FieldPath& path, Errors& errors);
void ValidateLifecycle(const core::Lifecycle& lifecycle, std::optional<int64_t> grace_period_s,
                       const FieldPath& path, Errors& errors);

}  // namespace berth::api::validation
