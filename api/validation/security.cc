#include "api/validation/security.h"

#include <limits>
#include <set>

#include "api/schema/core_v1_pod_spec.pb.h"
#include "api/validation/internal_text.h"
#include "api/validation/visit.h"
#include "api/validation/volume.h"

namespace berth::api::validation {
namespace {

constexpr int64_t kIdMax = std::numeric_limits<int32_t>::max();

void ValidateId(bool present, int64_t id, const FieldPath& path, Errors& errors) {
  if (present) errors.InvalidInt(path, id, IsInRange(id, 0, kIdMax));
}

void ValidateSeccomp(const core::SeccompProfile& profile, const FieldPath& path, Errors& errors) {
  if (profile.type().empty()) {
    errors.Required(path.Child("type"), "type is required when seccompProfile is set");
  } else {
    errors.OneOf(path.Child("type"), profile.type(), {"Localhost", "RuntimeDefault", "Unconfined"});
  }
  const FieldPath localhost = path.Child("localhostProfile");
  if (profile.type() != "Localhost") {
    if (!profile.has_localhost_profile()) return;
    errors.InvalidShown(localhost, InternalText(profile),
                        "can only be set when seccomp type is Localhost");
  } else if (!profile.has_localhost_profile()) {
    errors.Required(localhost, "must be set when seccomp type is Localhost");
  } else {
    ValidateLocalDescendingPath(profile.localhost_profile(), localhost, errors);
  }
}

bool IsPadded(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  return !text.empty() && (blank(text.front()) || blank(text.back()));
}

}  // namespace

void ValidateAppArmor(const core::AppArmorProfile& profile, const FieldPath& path,
                      Errors& errors) {
  constexpr int64_t kPathBytesMax = 4095;
  const FieldPath localhost = path.Child("localhostProfile");
  if (profile.type().empty()) {
    errors.Required(path.Child("type"), "type is required when appArmorProfile is set");
  } else if (profile.type() == "Localhost") {
    const std::string& text = profile.localhost_profile();
    if (IsPadded(text)) {
      errors.Invalid(localhost, text, "must not be padded with whitespace");
    } else if (text.empty()) {
      errors.Required(localhost, "must be set when AppArmor type is Localhost");
    }
    if (static_cast<int64_t>(text.size()) > kPathBytesMax) {
      errors.TooLong(localhost, kPathBytesMax);
    }
  } else if (profile.type() == "RuntimeDefault" || profile.type() == "Unconfined") {
    if (!profile.has_localhost_profile()) return;
    errors.Invalid(localhost, profile.localhost_profile(),
                   "can only be set when AppArmor type is Localhost");
  } else {
    errors.NotSupported(path.Child("type"), profile.type(),
                        {"Localhost", "RuntimeDefault", "Unconfined"});
  }
}

namespace {

bool IsSysctlName(std::string_view name) {
  const auto alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  };
  if (name.empty() || name.size() > 253) return false;
  size_t start = 0;
  for (size_t i = 0; i <= name.size(); ++i) {
    if (i < name.size() && name[i] != '.' && name[i] != '/') {
      if (!alphanumeric(name[i]) && name[i] != '-' && name[i] != '_') return false;
      continue;
    }
    if (i == start || !alphanumeric(name[start]) || !alphanumeric(name[i - 1])) return false;
    start = i + 1;
  }
  return true;
}

void ValidateSysctls(const core::PodSpec& spec, const FieldPath& path, Errors& errors) {
  std::set<std::string_view> names;
  const auto& sysctls = spec.security_context().sysctls();
  for (int i = 0; i < sysctls.size(); ++i) {
    const FieldPath item = path.Child("sysctls", i);
    const FieldPath at = item.Child("name");
    const std::string& name = sysctls[i].name();
    if (name.empty()) {
      errors.Required(at);
    } else if (!IsSysctlName(name)) {
      errors.Invalid(at, name,
                     "must have at most 253 characters and match regex "
                     "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$");
    } else if (names.contains(name)) {
      errors.Duplicate(at, name);
    }
    if (spec.host_network() && (name.starts_with("net.") || name.starts_with("net/"))) {
      errors.Invalid(at, name, "may not be specified when 'hostNetwork' is true");
    }
    const bool ipc = name.starts_with("kernel.shm") || name.starts_with("kernel.msg") ||
                     name == "kernel.sem" || name.starts_with("fs.mqueue.");
    if (spec.host_ipc() && ipc) {
      errors.Invalid(at, name, "may not be specified when 'hostIPC' is true");
    }
    names.insert(name);
  }
}

}  // namespace

void ValidateSecurityContext(const core::SecurityContext& context, bool host_users,
                             const FieldPath& path, Errors& errors) {
  ValidateId(context.has_run_as_user(), context.run_as_user(), path.Child("runAsUser"), errors);
  ValidateId(context.has_run_as_group(), context.run_as_group(), path.Child("runAsGroup"), errors);
  if (context.has_proc_mount()) {
    const std::string& type = context.proc_mount();
    if (type != "Default" && type != "Unmasked") {
      errors.NotSupported(path.Child("procMount"), type, {"Default", "Unmasked"});
    }
    if (host_users && type == "Unmasked") {
      errors.Invalid(path.Child("procMount"), type, "`hostUsers` must be false to use `Unmasked`");
    }
  }
  if (context.has_seccomp_profile()) {
    ValidateSeccomp(context.seccomp_profile(), path.Child("seccompProfile"), errors);
  }
  if (context.has_allow_privilege_escalation() && !context.allow_privilege_escalation()) {
    if (context.privileged()) {
      errors.InvalidShown(path, InternalText(context),
                          "cannot set `allowPrivilegeEscalation` to false and `privileged` to "
                          "true");
    }
    for (const std::string& capability : context.capabilities().add()) {
      if (capability != "CAP_SYS_ADMIN") continue;
      errors.InvalidShown(path, InternalText(context),
                          "cannot set `allowPrivilegeEscalation` to false and "
                          "`capabilities.Add` CAP_SYS_ADMIN");
    }
  }
  if (context.has_windows_options()) {
    ValidateWindowsOptions(context.windows_options(), path.Child("windowsOptions"), errors);
  }
  if (context.has_app_armor_profile()) {
    ValidateAppArmor(context.app_armor_profile(), path.Child("appArmorProfile"), errors);
  }
}

void ValidatePodSecurityContext(const core::PodSpec& spec, bool had_se_linux_policy,
                                const FieldPath& spec_path, Errors& errors) {
  if (!spec.has_security_context()) return;
  const core::PodSecurityContext& context = spec.security_context();
  const FieldPath path = spec_path.Child("securityContext");
  ValidateId(context.has_fs_group(), context.fs_group(), path.Child("fsGroup"), errors);
  ValidateId(context.has_run_as_user(), context.run_as_user(), path.Child("runAsUser"), errors);
  ValidateId(context.has_run_as_group(), context.run_as_group(), path.Child("runAsGroup"), errors);
  for (int i = 0; i < context.supplemental_groups_size(); ++i) {
    ValidateId(true, context.supplemental_groups(i), path.Child("supplementalGroups", i), errors);
  }
  if (spec.share_process_namespace() && spec.host_pid()) {
    errors.InvalidShown(path.Child("shareProcessNamespace"), "true",
                        "ShareProcessNamespace and HostPID cannot both be enabled");
  }
  ValidateSysctls(spec, path, errors);
  if (context.has_fs_group_change_policy()) {
    const std::string& policy = context.fs_group_change_policy();
    if (policy != "Always" && policy != "OnRootMismatch") {
      errors.NotSupported(path.Child("fsGroupChangePolicy"), policy, {"Always", "OnRootMismatch"});
    }
  }
  if (context.has_seccomp_profile()) {
    ValidateSeccomp(context.seccomp_profile(), path.Child("seccompProfile"), errors);
  }
  if (context.has_windows_options()) {
    ValidateWindowsOptions(context.windows_options(), path.Child("windowsOptions"), errors);
  }
  if (context.has_app_armor_profile()) {
    ValidateAppArmor(context.app_armor_profile(), path.Child("appArmorProfile"), errors);
  }
  if (context.has_supplemental_groups_policy()) {
    const std::string& policy = context.supplemental_groups_policy();
    if (policy != "Merge" && policy != "Strict") {
      errors.NotSupported(path.Child("supplementalGroupsPolicy"), policy, {"Merge", "Strict"});
    }
  }
  if (context.has_se_linux_change_policy()) {
    const std::string& policy = context.se_linux_change_policy();
    const FieldPath at = path.Child("seLinuxChangePolicy");
    if (!had_se_linux_policy && policy != "Recursive") {
      errors.NotSupported(at, policy, {"Recursive"});
    } else if (policy != "MountOption" && policy != "Recursive") {
      errors.NotSupported(at, policy, {"MountOption", "Recursive"});
    }
  }
}

void ValidateHostUsers(const core::PodSpec& spec, const FieldPath& spec_path, Errors& errors) {
  if (!spec.has_host_users() || spec.host_users()) return;
  constexpr std::string_view kText = "when `hostUsers` is false";
  if (spec.host_network()) errors.Forbidden(spec_path.Child("hostNetwork"), kText);
  if (spec.host_pid()) errors.Forbidden(spec_path.Child("HostPID"), kText);
  if (spec.host_ipc()) errors.Forbidden(spec_path.Child("HostIPC"), kText);
  VisitContainers(spec, spec_path, [&](const auto& container, const FieldPath& at) {
    if (!container.volume_devices().empty()) errors.Forbidden(at.Child("volumeDevices"), kText);
  });
}

}  // namespace berth::api::validation
