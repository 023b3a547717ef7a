// Rules of security contexts and of what depends on the pod's operating system.
// Source: pkg/apis/core/validation/validation.go.
#pragma once

#include "api/fwd.h"
#include "api/validation/field_path.h"

namespace k8s::io::api::core::v1 {
class SecurityContext;
class SeccompProfile;
class AppArmorProfile;
class WindowsSecurityContextOptions;
}  // namespace k8s::io::api::core::v1

namespace berth::api::validation {

// host_users: the pod shares the host's user namespace.
void ValidateSecurityContext(const core::SecurityContext& context, bool host_users,
                             const FieldPath& path, Errors& errors);
void ValidateAppArmor(const core::AppArmorProfile& profile, const FieldPath& path, Errors& errors);
// spec_path: "spec"; the context is at spec_path.securityContext. had_se_linux_policy: the pod had
// one already; otherwise only Recursive is allowed while the gate SELinuxMount is off.
void ValidatePodSecurityContext(const core::PodSpec& spec, bool had_se_linux_policy,
                                const FieldPath& spec_path, Errors& errors);
void ValidateHostUsers(const core::PodSpec& spec, const FieldPath& spec_path, Errors& errors);
void ValidateWindowsOptions(const core::WindowsSecurityContextOptions& options,
                            const FieldPath& path, Errors& errors);
// Containers that are processes of a Windows host are not mixed with others.
void ValidateHostProcess(const core::PodSpec& spec, const FieldPath& spec_path, Errors& errors);
void ValidateOs(const core::PodSpec& spec, const FieldPath& spec_path, Errors& errors);

}  // namespace berth::api::validation
