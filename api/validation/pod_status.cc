// Updates of a pod's status.
#include <algorithm>
#include <set>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/validation/ip.h"
#include "api/validation/metadata.h"
#include "api/validation/pod.h"

namespace berth::api::validation {
namespace {

using Statuses = google::protobuf::RepeatedPtrField<core::ContainerStatus>;
using ContainerList = google::protobuf::RepeatedPtrField<core::Container>;

// Whether a rule of the container says that it starts again after this exit.
bool HasRuleFor(const core::Container& container, int32_t exit_code) {
  const auto& rules = container.restart_policy_rules();
  return std::any_of(rules.begin(), rules.end(), [&](const core::ContainerRestartRule& rule) {
    if (!rule.has_exit_codes()) return false;
    const auto& values = rule.exit_codes().values();
    const bool listed = std::find(values.begin(), values.end(), exit_code) != values.end();
    return rule.exit_codes().operator_() == (listed ? "In" : "NotIn");
  });
}

bool MayRestart(const core::Container& container, std::string_view pod_policy,
                int32_t exit_code) {
  std::string_view policy = pod_policy;
  if (container.has_restart_policy()) {
    if (HasRuleFor(container, exit_code)) return true;
    policy = container.restart_policy();
  }
  return policy == "OnFailure" ? exit_code != 0 : policy != "Never";
}

bool RestartsAll(const ContainerList& containers) {
  return std::any_of(containers.begin(), containers.end(), [](const core::Container& container) {
    const auto& rules = container.restart_policy_rules();
    return std::any_of(rules.begin(), rules.end(), [](const core::ContainerRestartRule& rule) {
      return rule.action() == "RestartAllContainers";
    });
  });
}

// What has ended and may not be restarted stays ended. containers: none for ephemeral ones, which
// never are.
void ValidateStateTransitions(const Statuses& now, const Statuses& before,
                              const ContainerList& containers, std::string_view pod_policy,
                              const FieldPath& path, Errors& errors) {
  for (int i = 0; i < before.size(); ++i) {
    if (!before[i].state().has_terminated()) continue;
    const std::string& name = before[i].name();
    const auto status = std::find_if(now.begin(), now.end(), [&](const auto& one) {
      return one.name() == name && !one.state().has_terminated();
    });
    if (status == now.end()) continue;
    const auto container = std::find_if(containers.begin(), containers.end(),
                                        [&](const auto& one) { return one.name() == name; });
    const int32_t exit_code = before[i].state().terminated().exit_code();
    if (container != containers.end() && MayRestart(*container, pod_policy, exit_code)) continue;
    const FieldPath at = path.Index(i);
    errors.Forbidden(at.Child("state"), "may not be transitioned to non-terminated state");
  }
}

void ValidateAllTransitions(const core::PodStatus& status, const core::PodStatus& old,
                            const core::PodSpec& spec, const FieldPath& path, Errors& errors) {
  const std::string& policy = spec.restart_policy();
  if (!RestartsAll(spec.containers()) && !RestartsAll(spec.init_containers())) {
    ValidateStateTransitions(status.container_statuses(), old.container_statuses(),
                             spec.containers(), policy, path.Child("containerStatuses"), errors);
    ValidateStateTransitions(status.init_container_statuses(), old.init_container_statuses(),
                             spec.init_containers(), policy, path.Child("initContainerStatuses"),
                             errors);
  }
  ValidateStateTransitions(status.ephemeral_container_statuses(),
                           old.ephemeral_container_statuses(), {}, policy,
                           path.Child("ephemeralContainerStatuses"), errors);
}

// PodIP or HostIP. What was there already need not be written as new values must.
template <typename Ips>
void ValidateStatusIps(const Ips& ips, const Ips& before, const FieldPath& path, Errors& errors) {
  std::set<std::string_view> known;
  for (const auto& ip : before) known.insert(ip.ip());
  std::set<IpFamily> families;
  int bad = -1;  // the first that is no address
  std::string shown = "[";
  for (int i = 0; i < ips.size(); ++i) {
    if (!known.contains(ips[i].ip())) ValidateIp(ips[i].ip(), path.Index(i), errors);
    if (const auto family = ParseIp(ips[i].ip())) {
      families.insert(*family);
    } else if (bad < 0) {
      bad = i;
    }
    shown += fmt::format("{}{{\"IP\":{}}}", i == 0 ? "" : ",", GoQuoted(ips[i].ip()));
  }
  if (ips.size() > 1 && bad >= 0) {
    errors.Internal(path,
                    fmt::format("failed to check for dual stack with error:invalid IP[{}]: {}", bad,
                                ips[bad].ip()));
  }
  if (ips.size() > 1 && (families.size() != 2 || ips.size() > 2)) {
    errors.InvalidShown(path, shown + "]", "may specify no more than one IP for each IP family");
  }
}

void ValidateAllIps(const core::PodStatus& status, const core::PodStatus& old,
                    const FieldPath& path, Errors& errors) {
  ValidateStatusIps(status.pod_ips(), old.pod_ips(), path.Child("podIPs"), errors);
  if (status.host_ips().empty()) return;
  if (status.host_ip() != status.host_ips(0).ip()) {
    const FieldPath first = path.Child("hostIPs", 0);
    errors.Invalid(first.Child("ip"), status.host_ips(0).ip(), "must be equal to `hostIP`");
  }
  ValidateStatusIps(status.host_ips(), old.host_ips(), path.Child("hostIPs"), errors);
}

void ValidateGeneration(int64_t generation, const FieldPath& path, Errors& errors) {
  if (generation < 0) errors.InvalidInt(path, generation, "must be a non-negative integer");
}

void ValidateConditions(const core::PodStatus& status, const FieldPath& path, Errors& errors) {
  for (int i = 0; i < status.conditions_size(); ++i) {
    const std::string& type = status.conditions(i).type();
    const FieldPath at = path.Child("conditions", i);
    ValidateGeneration(status.conditions(i).observed_generation(), at.Child("observedGeneration"),
                       errors);
    if (type == "PodScheduled" || type == "Ready" || type == "Initialized") continue;
    errors.Invalid(at.Child("Type"), type, IsQualifiedName(type));
  }
}

void ValidateNomination(const core::Pod& pod, const core::Pod& old, const FieldPath& path,
                        Errors& errors) {
  const std::string& node = pod.status().nominated_node_name();
  if (node.empty() || node == old.status().nominated_node_name()) return;
  errors.Invalid(path, node, IsDns1123Subdomain(node));
  if (!old.spec().node_name().empty()) {
    errors.Forbidden(path, "may not be set on pods that are already bound to a node");
  }
}

void ValidateClaimStatuses(const core::Pod& pod, const FieldPath& path, Errors& errors) {
  std::set<std::string_view> names;
  for (int i = 0; i < pod.status().resource_claim_statuses_size(); ++i) {
    const auto& status = pod.status().resource_claim_statuses(i);
    const auto& claims = pod.spec().resource_claims();
    const FieldPath item = path.Child("resourceClaimStatuses", i);
    const FieldPath at = item.Child("name");
    if (std::none_of(claims.begin(), claims.end(),
                     [&](const auto& claim) { return claim.name() == status.name(); })) {
      errors.Invalid(at, status.name(),
                     "must match the name of an entry in `spec.resourceClaims`");
    }
    if (!names.insert(status.name()).second) errors.Duplicate(at, status.name());
    if (status.has_resource_claim_name()) {
      errors.Invalid(at, status.resource_claim_name(),
                     IsDns1123Subdomain(status.resource_claim_name()));
    }
  }
}

}  // namespace

void ValidatePodStatusUpdate(const core::Pod& pod, const core::Pod& old, Errors& errors) {
  ValidateCoreObjectMetaUpdate(pod.metadata(), old.metadata(), FieldPath("metadata"), errors);
  ValidatePodAnnotationUpdates(pod, old, errors);
  const FieldPath path("status");
  ValidateConditions(pod.status(), path, errors);
  if (pod.spec().node_name() != old.spec().node_name()) {
    errors.Forbidden(path.Child("nodeName"), "may not be changed directly");
  }
  ValidateNomination(pod, old, path.Child("nominatedNodeName"), errors);
  ValidateGeneration(pod.status().observed_generation(), path.Child("observedGeneration"),
                     errors);
  if (pod.status().qos_class() != old.status().qos_class()) {
    errors.Invalid(path.Child("qosClass"), pod.status().qos_class(), kImmutableText);
  }
  ValidateAllTransitions(pod.status(), old.status(), old.spec(), path, errors);
  ValidateClaimStatuses(pod, path, errors);
  ValidateAllIps(pod.status(), old.status(), path, errors);
}

}  // namespace berth::api::validation
