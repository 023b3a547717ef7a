#include "api/validation/container.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/core.h>

#include "api/schema/core_v1_pod_spec.pb.h"
#include "api/validation/environment.h"
#include "api/validation/metadata.h"
#include "api/validation/probe.h"
#include "api/validation/security.h"

namespace berth::api::validation {
namespace {

template <typename T>
using List = google::protobuf::RepeatedPtrField<T>;
using Names = std::set<std::string_view>;

void ValidatePorts(const List<core::ContainerPort>& ports, const FieldPath& path, Errors& errors) {
  Names names;
  for (int i = 0; i < ports.size(); ++i) {
    const core::ContainerPort& port = ports[i];
    const FieldPath at = path.Index(i);
    if (!port.name().empty()) {
      const Complaints bad = IsPortName(port.name());
      errors.Invalid(at.Child("name"), port.name(), bad);
      if (bad.empty() && !names.insert(port.name()).second) {
        errors.Duplicate(at.Child("name"), port.name());
      }
    }
    if (port.container_port() == 0) {
      errors.Required(at.Child("containerPort"));
    } else {
      errors.InvalidInt(at.Child("containerPort"), port.container_port(),
                        IsPortNumber(port.container_port()));
    }
    if (port.host_port() != 0) {
      errors.InvalidInt(at.Child("hostPort"), port.host_port(), IsPortNumber(port.host_port()));
    }
    errors.OneOf(at.Child("protocol"), port.protocol(), {"SCTP", "TCP", "UDP"});
  }
}

template <typename Container>
bool HasDevice(const Container& container, std::string_view name) {
  return std::any_of(container.volume_devices().begin(), container.volume_devices().end(),
                     [&](const core::VolumeDevice& device) { return device.name() == name; });
}

template <typename Container>
bool HasDevicePath(const Container& container, std::string_view path) {
  return std::any_of(
      container.volume_devices().begin(), container.volume_devices().end(),
      [&](const core::VolumeDevice& device) { return device.device_path() == path; });
}

void ValidateSubPaths(const core::VolumeMount& mount, const FieldPath& at, const FieldPath& all,
                      Errors& errors) {
  if (!mount.sub_path().empty()) {
    ValidateLocalDescendingPath(mount.sub_path(), all.Child("subPath"), errors);
  }
  if (mount.sub_path_expr().empty()) return;
  if (!mount.sub_path().empty()) {
    errors.Invalid(at.Child("subPathExpr"), mount.sub_path_expr(),
                   "subPathExpr and subPath are mutually exclusive");
  }
  ValidateLocalDescendingPath(mount.sub_path_expr(), all.Child("subPathExpr"), errors);
}

template <typename Container>
void ValidatePropagation(const core::VolumeMount& mount, const Container& container,
                         const FieldPath& path, Errors& errors) {
  if (!mount.has_mount_propagation()) return;
  const std::string& mode = mount.mount_propagation();
  const FieldPath at = path.Child("mountPropagation");
  if (mode != "Bidirectional" && mode != "HostToContainer" && mode != "None") {
    errors.NotSupported(at, mode, {"Bidirectional", "HostToContainer", "None"});
  } else if (mode == "Bidirectional" && !container.security_context().privileged()) {
    errors.Forbidden(at, "Bidirectional mount propagation is available only to privileged "
                         "containers");
  }
}

void ValidateRecursiveReadOnly(const core::VolumeMount& mount, const FieldPath& path,
                               Errors& errors) {
  if (!mount.has_recursive_read_only()) return;
  const std::string& mode = mount.recursive_read_only();
  const FieldPath at = path.Child("recursiveReadOnly");
  if (mode == "Disabled") return;
  if (mode != "Enabled" && mode != "IfPossible") {
    errors.NotSupported(at, mode, {"Disabled", "Enabled", "IfPossible"});
    return;
  }
  if (!mount.read_only()) {
    errors.Forbidden(at, "may only be specified when readOnly is true");
  }
  if (mount.has_mount_propagation() && mount.mount_propagation() != "None") {
    errors.Forbidden(at, "may only be specified when mountPropagation is None or not specified");
  }
}

template <typename Container>
void ValidateMounts(const Container& container, const VolumesByName& volumes,
                    const FieldPath& path, Errors& errors) {
  Names points;
  for (int i = 0; i < container.volume_mounts_size(); ++i) {
    const core::VolumeMount& mount = container.volume_mounts(i);
    const FieldPath at = path.Index(i);
    if (mount.name().empty()) errors.Required(at.Child("name"));
    if (!volumes.contains(mount.name())) errors.NotFound(at.Child("name"), mount.name());
    if (mount.mount_path().empty()) errors.Required(at.Child("mountPath"));
    if (!points.insert(mount.mount_path()).second) {
      errors.Invalid(at.Child("mountPath"), mount.mount_path(), "must be unique");
    }
    if (HasDevice(container, mount.name())) {
      errors.Invalid(at.Child("name"), mount.name(), "must not already exist in volumeDevices");
    }
    if (HasDevicePath(container, mount.mount_path())) {
      errors.Invalid(at.Child("mountPath"), mount.mount_path(),
                     "must not already exist as a path in volumeDevices");
    }
    ValidateSubPaths(mount, at, path, errors);
    ValidatePropagation(mount, container, path, errors);
    ValidateRecursiveReadOnly(mount, path, errors);
  }
}

template <typename Container>
void ValidateDevices(const Container& container, const VolumesByName& volumes,
                     const FieldPath& path, Errors& errors) {
  Names names, paths;
  const auto& mounts = container.volume_mounts();
  for (int i = 0; i < container.volume_devices_size(); ++i) {
    const std::string& name = container.volume_devices(i).name();
    const std::string& device = container.volume_devices(i).device_path();
    const FieldPath at = path.Index(i);
    const FieldPath name_path = at.Child("name"), device_path = at.Child("devicePath");
    const auto volume = volumes.find(name);
    if (name.empty()) errors.Required(name_path);
    if (names.contains(name)) errors.Invalid(name_path, name, "must be unique");
    if (volume == volumes.end()) {
      errors.NotFound(name_path, name);
    } else if (!volume->second->volume_source().has_persistent_volume_claim() &&
               !volume->second->volume_source().has_ephemeral()) {
      errors.Invalid(name_path, name,
                     "can only use volume source type of PersistentVolumeClaim or Ephemeral for "
                     "block mode");
    }
    if (device.empty()) errors.Required(device_path);
    if (paths.contains(device)) errors.Invalid(device_path, device, "must be unique");
    if (HasBacksteps(device)) {
      errors.Invalid(device_path, device, "can not contain backsteps ('..')");
    } else {
      paths.insert(device);
    }
    if (std::any_of(mounts.begin(), mounts.end(),
                    [&](const auto& mount) { return mount.name() == name; })) {
      errors.Invalid(name_path, name, "must not already exist in volumeMounts");
    }
    if (std::any_of(mounts.begin(), mounts.end(),
                    [&](const auto& mount) { return mount.mount_path() == device; })) {
      errors.Invalid(device_path, device, "must not already exist as a path in volumeMounts");
    }
    if (!name.empty()) names.insert(name);
  }
}

template <typename Container>
void ValidateResizePolicy(const Container& container, const ContainerScope& scope,
                          const FieldPath& path, Errors& errors) {
  Names seen;
  for (int i = 0; i < container.resize_policy_size(); ++i) {
    const core::ContainerResizePolicy& policy = container.resize_policy(i);
    if (!seen.insert(policy.resource_name()).second) {
      errors.Duplicate(path.Index(i), policy.resource_name());
    }
    errors.OneOf(path, policy.resource_name(), {"cpu", "memory"});
    errors.OneOf(path, policy.restart_policy(), {"NotRequired", "RestartContainer"});
    if (scope.pod_restart_policy == "Never" && policy.restart_policy() != "NotRequired") {
      errors.Invalid(path, policy.restart_policy(),
                     "must be 'NotRequired' when pod `restartPolicy` is 'Never'");
    }
  }
}

// A Container, or the common part of an EphemeralContainer.
template <typename Container>
void ValidateCommon(const Container& container, const ContainerScope& scope, const FieldPath& path,
                    Errors& errors) {
  if (container.name().empty()) {
    errors.Required(path.Child("name"));
  } else {
    errors.Invalid(path.Child("name"), container.name(), IsDns1123Label(container.name()));
  }
  if (container.image().empty()) errors.Required(path.Child("image"));
  errors.OneOf(path.Child("terminationMessagePolicy"), container.termination_message_policy(),
               {"File", "FallbackToLogsOnError"});
  ValidatePorts(container.ports(), path.Child("ports"), errors);
  ValidateEnv(container.env(), path.Child("env"), errors);
  ValidateEnvFrom(container.env_from(), path.Child("envFrom"), errors);
  ValidateMounts(container, scope.volumes, path.Child("volumeMounts"), errors);
  ValidateDevices(container, scope.volumes, path.Child("volumeDevices"), errors);
  errors.OneOf(path.Child("imagePullPolicy"), container.image_pull_policy(),
               {"Always", "IfNotPresent", "Never"});
  ValidateContainerResources(container.resources(), scope.claim_names, path.Child("resources"),
                             errors);
  ValidateResizePolicy(container, scope, path.Child("resizePolicy"), errors);
  if (container.has_security_context()) {
    ValidateSecurityContext(container.security_context(), scope.host_users,
                            path.Child("securityContext"), errors);
  }
}

void ValidateProbes(const core::Container& container, const ContainerScope& scope,
                    const FieldPath& path, Errors& errors) {
  const auto grace = scope.grace_period_s;
  if (container.has_lifecycle()) {
    ValidateLifecycle(container.lifecycle(), grace, path.Child("lifecycle"), errors);
  }
  if (container.has_liveness_probe()) {
    ValidateProbe(container.liveness_probe(), ProbeKind::kLiveness, grace,
                  path.Child("livenessProbe"), errors);
  }
  if (container.has_readiness_probe()) {
    ValidateProbe(container.readiness_probe(), ProbeKind::kReadiness, grace,
                  path.Child("readinessProbe"), errors);
  }
  if (container.has_startup_probe()) {
    ValidateProbe(container.startup_probe(), ProbeKind::kStartup, grace,
                  path.Child("startupProbe"), errors);
  }
}

void ForbidProbes(const core::Container& container, const FieldPath& path, Errors& errors) {
  constexpr std::string_view kText =
      "may not be set for init containers without restartPolicy=Always";
  if (container.has_lifecycle()) errors.Forbidden(path.Child("lifecycle"), kText);
  if (container.has_liveness_probe()) errors.Forbidden(path.Child("livenessProbe"), kText);
  if (container.has_readiness_probe()) errors.Forbidden(path.Child("readinessProbe"), kText);
  if (container.has_startup_probe()) errors.Forbidden(path.Child("startupProbe"), kText);
}

void ValidateExitCodes(const core::ContainerRestartRule& rule, const FieldPath& path,
                       Errors& errors) {
  const FieldPath codes = path.Child("exitCodes");
  if (!rule.has_exit_codes()) return errors.Required(codes, "must be specified");
  const std::string& op = rule.exit_codes().operator_();
  if (op != "In" && op != "NotIn") {
    errors.NotSupported(codes.Child("operator"), op, {"In", "NotIn"});
  }
  const auto& values = rule.exit_codes().values();
  if (values.size() > 255) errors.TooMany(codes.Child("values"), values.size(), 255);
}

// restartPolicy of a container of its own, with rules by exit code. Rules without a policy are
// looked into only where the container is a regular one.
void ValidateRestartPolicy(const core::Container& container, bool init, const FieldPath& path,
                           Errors& errors) {
  const FieldPath policy = path.Child("restartPolicy");
  if (container.has_restart_policy()) {
    const std::string& text = container.restart_policy();
    if (text != "Always" && text != "Never" && text != "OnFailure") {
      errors.NotSupported(policy, text, {"Always", "Never", "OnFailure"});
    }
  } else if (!container.restart_policy_rules().empty()) {
    errors.Required(policy, "must specify restartPolicy when restart rules are used");
    if (init) return;
  }
  const int rules = container.restart_policy_rules_size();
  if (rules > 20) errors.TooMany(path.Child("restartPolicyRules"), rules, 20);
  for (int i = 0; i < rules; ++i) {
    const FieldPath rule = path.Child("restartPolicyRules", i);
    const std::string& action = container.restart_policy_rules(i).action();
    if (action != "Restart" && action != "RestartAllContainers") {
      errors.NotSupported(rule.Child("action"), action, {"Restart", "RestartAllContainers"});
    }
    ValidateExitCodes(container.restart_policy_rules(i), rule, errors);
  }
}

void ValidateHostPortsUnique(const core::Container& container, const FieldPath& path,
                             std::set<std::string>& taken, Errors& errors) {
  for (int i = 0; i < container.ports_size(); ++i) {
    const core::ContainerPort& port = container.ports(i);
    if (port.host_port() == 0) continue;
    std::string key = fmt::format("{}/{}/{}", port.protocol(), port.host_ip(), port.host_port());
    if (taken.contains(key)) {
      const FieldPath at = path.Child("ports", i);
      errors.Duplicate(at.Child("hostPort"), key);
    } else {
      taken.insert(std::move(key));
    }
  }
}

void ForbidOfEphemeral(const core::EphemeralContainerCommon& container, const FieldPath& path,
                       Errors& errors) {
  constexpr std::string_view kText = "cannot be set for an Ephemeral Container";
  const struct { bool set; std::string_view name; } fields[] = {
      {!container.ports().empty(), "ports"},
      {!container.resources().limits().empty() || !container.resources().requests().empty() ||
           !container.resources().claims().empty(),
       "resources"},
      {!container.resize_policy().empty(), "resizePolicy"},
      {container.has_restart_policy(), "restartPolicy"},
      {!container.restart_policy_rules().empty(), "restartPolicyRules"},
      {container.has_liveness_probe(), "livenessProbe"},
      {container.has_readiness_probe(), "readinessProbe"},
      {container.has_startup_probe(), "startupProbe"},
      {container.has_lifecycle(), "lifecycle"},
  };
  for (const auto& field : fields) {
    if (field.set) errors.Forbidden(path.Child(field.name), kText);
  }
  for (int i = 0; i < container.volume_mounts_size(); ++i) {
    const FieldPath mount = path.Child("volumeMounts", i);
    if (!container.volume_mounts(i).sub_path().empty()) {
      errors.Forbidden(mount.Child("subPath"), kText);
    }
    if (!container.volume_mounts(i).sub_path_expr().empty()) {
      errors.Forbidden(mount.Child("subPathExpr"), kText);
    }
  }
}

// Only sidecars are restarted to be resized.
void ForbidRestartToResize(const core::Container& container, const FieldPath& path,
                           Errors& errors) {
  for (int i = 0; i < container.resize_policy_size(); ++i) {
    const std::string& policy = container.resize_policy(i).restart_policy();
    if (policy != "RestartContainer") continue;
    const FieldPath at = path.Child("resizePolicy", i);
    errors.Invalid(at.Child("restartPolicy"), policy,
                   "must not be set to 'RestartContainer' for non-sidecar initContainers");
  }
}

void ValidateImage(const std::string& image, const FieldPath& path, Errors& errors) {
  if (!HasBlankEnds(image)) return;
  errors.Invalid(path.Child("image"), image, "must not have leading or trailing whitespace");
}

}  // namespace

bool HasBlankEnds(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  return !text.empty() && (blank(text.front()) || blank(text.back()));
}

void ValidateContainers(const core::PodSpec& spec, const ContainerScope& scope,
                        const FieldPath& path, Errors& errors) {
  if (spec.containers().empty()) return errors.Required(path);
  Names names;
  for (int i = 0; i < spec.containers_size(); ++i) {
    const core::Container& container = spec.containers(i);
    const FieldPath at = path.Index(i);
    ValidateCommon(container, scope, at, errors);
    if (!names.insert(container.name()).second) {
      errors.Duplicate(at.Child("name"), container.name());
    }
    ValidateProbes(container, scope, at, errors);
    ValidateRestartPolicy(container, false, at, errors);
  }
  std::set<std::string> host_ports;
  for (int i = 0; i < spec.containers_size(); ++i) {
    ValidateHostPortsUnique(spec.containers(i), path.Index(i), host_ports, errors);
  }
}

void ValidateInitContainers(const core::PodSpec& spec, const ContainerScope& scope,
                            const FieldPath& path, Errors& errors) {
  Names names;
  for (const core::Container& container : spec.containers()) names.insert(container.name());
  for (int i = 0; i < spec.init_containers_size(); ++i) {
    const core::Container& container = spec.init_containers(i);
    const FieldPath at = path.Index(i);
    ValidateCommon(container, scope, at, errors);
    ValidateRestartPolicy(container, true, at, errors);
    if (names.contains(container.name())) {
      errors.Duplicate(at.Child("name"), container.name());
    } else if (!container.name().empty()) {
      names.insert(container.name());
    }
    // Init containers run one by one: each alone. Upstream counts them all as the first.
    std::set<std::string> host_ports;
    ValidateHostPortsUnique(container, path.Index(0), host_ports, errors);
    if (container.restart_policy() == "Always") {
      ValidateProbes(container, scope, at, errors);
    } else {
      ForbidProbes(container, at, errors);
      ForbidRestartToResize(container, at, errors);
    }
  }
}

void ValidateEphemeralContainers(const core::PodSpec& spec, const ContainerScope& scope,
                                 const FieldPath& path, Errors& errors) {
  if (spec.ephemeral_containers().empty()) return;
  Names others;
  for (const core::Container& container : spec.containers()) others.insert(container.name());
  for (const core::Container& container : spec.init_containers()) others.insert(container.name());
  Names names = others;
  for (int i = 0; i < spec.ephemeral_containers_size(); ++i) {
    const core::EphemeralContainer& ephemeral = spec.ephemeral_containers(i);
    const auto& container = ephemeral.ephemeral_container_common();
    const FieldPath at = path.Index(i);
    ValidateCommon(container, scope, at, errors);
    ValidateImage(container.image(), at, errors);
    if (!names.insert(container.name()).second) {
      errors.Duplicate(at.Child("name"), container.name());
    }
    const std::string& target = ephemeral.target_container_name();
    if (!target.empty() && !others.contains(target)) {
      errors.NotFound(at.Child("targetContainerName"), target);
    }
    ForbidOfEphemeral(container, at, errors);
  }
}

void ValidateImagesOfPod(const core::PodSpec& spec, const FieldPath& spec_path, Errors& errors) {
  for (int i = 0; i < spec.containers_size(); ++i) {
    ValidateImage(spec.containers(i).image(), spec_path.Child("containers", i), errors);
  }
  for (int i = 0; i < spec.init_containers_size(); ++i) {
    ValidateImage(spec.init_containers(i).image(), spec_path.Child("initContainers", i), errors);
  }
}

}  // namespace berth::api::validation
