// What depends on the pod's operating system.
#include <algorithm>

#include <absl/strings/ascii.h>
#include <fmt/core.h>

#include "api/schema/core_v1_pod_spec.pb.h"
#include "api/validation/security.h"
#include "api/validation/visit.h"

namespace berth::api::validation {
namespace {

constexpr std::string_view kNotOnWindows = "cannot be set for a windows pod";

struct FieldSet {
  bool set;
  std::string_view name;
};

void ForbidOnWindows(std::initializer_list<FieldSet> fields, const FieldPath& path,
                     Errors& errors) {
  for (const FieldSet& field : fields) {
    if (field.set) errors.Forbidden(path.Child(field.name), kNotOnWindows);
  }
}

// In upstream's order, which takes the pod's own fields in between.
void ValidateWindows(const core::PodSpec& spec, const FieldPath& path, Errors& errors) {
  const core::PodSecurityContext& pod = spec.security_context();
  ForbidOnWindows({{pod.has_app_armor_profile(), "securityContext.appArmorProfile"},
                   {pod.has_se_linux_options(), "securityContext.seLinuxOptions"},
                   {spec.has_host_users(), "hostUsers"},
                   {spec.host_pid(), "hostPID"},
                   {spec.host_ipc(), "hostIPC"},
                   {pod.has_seccomp_profile(), "securityContext.seccompProfile"},
                   {pod.has_fs_group(), "securityContext.fsGroup"},
                   {pod.has_fs_group_change_policy(), "securityContext.fsGroupChangePolicy"},
                   {!pod.sysctls().empty(), "securityContext.sysctls"},
                   {spec.has_share_process_namespace(), "shareProcessNamespace"},
                   {pod.has_run_as_user(), "securityContext.runAsUser"},
                   {pod.has_run_as_group(), "securityContext.runAsGroup"},
                   {!pod.supplemental_groups().empty(), "securityContext.supplementalGroups"},
                   {pod.has_supplemental_groups_policy(),
                    "securityContext.supplementalGroupsPolicy"},
                   {pod.has_se_linux_change_policy(), "securityContext.seLinuxChangePolicy"}},
                  path, errors);
  VisitContainers(spec, path, [&](const auto& container, const FieldPath& at) {
    const core::SecurityContext& own = container.security_context();
    ForbidOnWindows({{own.has_app_armor_profile(), "appArmorProfile"},
                     {own.has_se_linux_options(), "seLinuxOptions"},
                     {own.has_seccomp_profile(), "seccompProfile"},
                     {own.has_capabilities(), "capabilities"},
                     {own.has_read_only_root_filesystem(), "readOnlyRootFilesystem"},
                     {own.has_privileged(), "privileged"},
                     {own.has_allow_privilege_escalation(), "allowPrivilegeEscalation"},
                     {own.has_proc_mount(), "procMount"},
                     {own.has_run_as_user(), "runAsUser"},
                     {own.has_run_as_group(), "runAsGroup"}},
                    at.Child("securityContext"), errors);
  });
}

void ValidateLinux(const core::PodSpec& spec, const FieldPath& path, Errors& errors) {
  constexpr std::string_view kText = "windows options cannot be set for a linux pod";
  if (spec.security_context().has_windows_options()) {
    errors.Forbidden(path.Child("securityContext.windowsOptions"), kText);
  }
  VisitContainers(spec, path, [&](const auto& container, const FieldPath& at) {
    if (!container.security_context().has_windows_options()) return;
    errors.Forbidden(at.Child("securityContext.windowsOptions"), kText);
  });
}

bool IsLetterOrDigit(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)); }

// At most 15 characters, no dot in front.
bool IsNetBiosName(std::string_view text) {
  return !text.empty() && text.size() <= 15 && text.front() != '.' &&
         text.find_first_of("\\/:*?\"<>|") == std::string_view::npos;
}

// As a DNS subdomain, capitals too.
bool IsWindowsDomain(std::string_view text) {
  while (true) {
    const size_t dot = text.find('.');
    const std::string_view label = text.substr(0, dot);
    if (label.empty() || label.size() > 63 || !IsLetterOrDigit(label.front()) ||
        !IsLetterOrDigit(label.back())) {
      return false;
    }
    if (!std::all_of(label.begin(), label.end(),
                     [](char c) { return IsLetterOrDigit(c) || c == '-'; })) {
      return false;
    }
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

// The complaints about DOMAIN\USER or USER.
Complaints IsWindowsUser(std::string_view text) {
  if (text.empty()) return {"runAsUserName cannot be an empty string"};
  if (std::any_of(text.begin(), text.end(),
                  [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; })) {
    return {"runAsUserName cannot contain control characters"};
  }
  const size_t slash = text.find('\\');
  const bool has_domain = slash != std::string_view::npos;
  if (has_domain && text.find('\\', slash + 1) != std::string_view::npos) {
    return {"runAsUserName cannot contain more than one backslash"};
  }
  const std::string_view domain = has_domain ? text.substr(0, slash) : std::string_view();
  const std::string_view user = has_domain ? text.substr(slash + 1) : text;
  Complaints out;
  if (domain.size() >= 256) {
    out.emplace_back("runAsUserName's Domain length must be under 256 characters");
  }
  if (has_domain && !IsNetBiosName(domain) && !IsWindowsDomain(domain)) {
    out.emplace_back("runAsUserName's Domain doesn't match the NetBios nor the DNS format");
  }
  if (user.empty()) {
    out.emplace_back("runAsUserName's User cannot be empty");
  } else if (user.size() > 104) {
    out.emplace_back("runAsUserName's User length must not be longer than 104 characters");
  }
  if (!user.empty() && user.find_first_not_of(". ") == std::string_view::npos) {
    out.emplace_back("runAsUserName's User cannot contain only periods or spaces");
  }
  if (user.find_first_of("\"/\\:;|=,+*?<>@[]") != std::string_view::npos) {
    out.emplace_back("runAsUserName's User cannot contain the following characters: "
                     "\"/\\:;|=,+*?<>@[]");
  }
  return out;
}

}  // namespace

void ValidateWindowsOptions(const core::WindowsSecurityContextOptions& options,
                            const FieldPath& path, Errors& errors) {
  if (options.has_gmsa_credential_spec_name()) {
    errors.Invalid(path.Child("gmsaCredentialSpecName"), options.gmsa_credential_spec_name(),
                   IsDns1123Subdomain(options.gmsa_credential_spec_name()));
  }
  const std::string& spec = options.gmsa_credential_spec();
  if (options.has_gmsa_credential_spec() && spec.empty()) {
    errors.Invalid(path.Child("gmsaCredentialSpec"), spec,
                   "gmsaCredentialSpec cannot be an empty string");
  } else if (spec.size() > size_t{64} << 10) {
    errors.Invalid(path.Child("gmsaCredentialSpec"), spec,
                   "gmsaCredentialSpec size must be under 64 KiB");
  }
  if (options.has_run_as_user_name()) {
    errors.Invalid(path.Child("runAsUserName"), options.run_as_user_name(),
                   IsWindowsUser(options.run_as_user_name()));
  }
}

void ValidateHostProcess(const core::PodSpec& spec, const FieldPath& spec_path, Errors& errors) {
  const auto& of_pod = spec.security_context().windows_options();
  int containers = 0, host_processes = 0;
  VisitContainers(spec, spec_path, [&](const auto& container, const FieldPath& at) {
    ++containers;
    const auto& own = container.security_context().windows_options();
    if (own.has_host_process() && of_pod.has_host_process() &&
        own.host_process() != of_pod.host_process()) {
      errors.InvalidShown(at.Child("securityContext.windowsOptions.hostProcess"),
                          own.host_process() ? "true" : "false",
                          fmt::format("pod hostProcess value must be identical if both are "
                                      "specified, was {}",
                                      of_pod.host_process()));
    }
    if (own.has_host_process() ? own.host_process() : of_pod.host_process()) ++host_processes;
  });
  if (host_processes == 0) return;
  if (host_processes != containers) {
    errors.Invalid(spec_path, "",
                   "If pod contains any hostProcess containers then all containers must be "
                   "HostProcess containers");
  }
  if (!spec.host_network()) {
    errors.InvalidShown(spec_path.Child("hostNetwork"), "false",
                        "hostNetwork must be true if pod contains any hostProcess containers");
  }
}

void ValidateOs(const core::PodSpec& spec, const FieldPath& spec_path, Errors& errors) {
  if (!spec.has_os()) return;
  const std::string& name = spec.os().name();
  if (name.empty()) {
    errors.Required(spec_path.Child("os.name"), "cannot be empty");
  } else if (name == "linux") {
    ValidateLinux(spec, spec_path, errors);
  } else if (name == "windows") {
    ValidateWindows(spec, spec_path, errors);
  } else {
    errors.NotSupported(spec_path.Child("os"), name, {"linux", "windows"});
  }
}

}  // namespace berth::api::validation
