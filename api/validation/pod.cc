#include "api/validation/pod.h"

#include <limits>
#include <map>
#include <set>

#include <fmt/core.h>

#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/core_v1_pod_template.pb.h"
#include "api/validation/container.h"
#include "api/validation/internal_text.h"
#include "api/validation/ip.h"
#include "api/validation/metadata.h"
#include "api/validation/resources.h"
#include "api/validation/scheduling.h"
#include "api/validation/security.h"
#include "api/validation/visit.h"
#include "api/validation/volume.h"

namespace berth::api::validation {
namespace {

constexpr size_t kSearchBytesMax = 2048;

void ValidateResourceClaims(const core::PodSpec& spec, const FieldPath& path, Errors& errors) {
  NameSet names;
  for (int i = 0; i < spec.resource_claims_size(); ++i) {
    const core::PodResourceClaim& claim = spec.resource_claims(i);
    const FieldPath at = path.Child("resourceClaims", i);
    if (claim.name().empty()) {
      errors.Required(at.Child("name"));
    } else if (!names.insert(claim.name()).second) {
      errors.Duplicate(at.Child("name"), claim.name());
    } else {
      errors.Invalid(at.Child("name"), claim.name(), IsDns1123Label(claim.name()));
    }
    if (claim.has_resource_claim_name() && claim.has_resource_claim_template_name()) {
      errors.InvalidShown(at, InternalText(claim),
                          "at most one of `resourceClaimName` or `resourceClaimTemplateName` may "
                          "be specified");
    }
    if (!claim.has_resource_claim_name() && !claim.has_resource_claim_template_name()) {
      errors.InvalidShown(at, InternalText(claim),
                          "must specify one of: `resourceClaimName`, "
                          "`resourceClaimTemplateName`");
    }
    if (claim.has_resource_claim_name()) {
      errors.Invalid(at.Child("resourceClaimName"), claim.resource_claim_name(),
                     IsDns1123Subdomain(claim.resource_claim_name()));
    }
    if (claim.has_resource_claim_template_name()) {
      errors.Invalid(at.Child("resourceClaimTemplateName"), claim.resource_claim_template_name(),
                     IsDns1123Subdomain(claim.resource_claim_template_name()));
    }
  }
}

// On the host's network a container's port is the host's.
void ValidateHostNetworkPorts(const core::PodSpec& spec, bool is_pod, const FieldPath& path,
                              Errors& errors) {
  if (!spec.host_network()) return;
  for (int i = 0; i < spec.containers_size(); ++i) {
    const FieldPath container = path.Child("containers", i);
    for (int j = 0; j < spec.containers(i).ports_size(); ++j) {
      const core::ContainerPort& port = spec.containers(i).ports(j);
      if (port.host_port() == port.container_port()) continue;
      if (!is_pod && port.host_port() == 0) continue;
      const FieldPath at = container.Child("ports", j);
      errors.InvalidInt(at.Child("hostPort"), port.host_port(),
                        "must match `containerPort` when `hostNetwork` is true");
    }
  }
}

void ValidateSearches(const core::PodDNSConfig& config, const FieldPath& path, Errors& errors) {
  const FieldPath searches = path.Child("searches");
  if (config.searches_size() > 32) {
    errors.InvalidShown(searches, ToJsonList(config.searches()),
                        "must not have more than 32 search paths");
  }
  size_t bytes = 0;
  for (const std::string& search : config.searches()) bytes += search.size() + 1;
  if (bytes > kSearchBytesMax + 1) {
    errors.InvalidShown(searches, ToJsonList(config.searches()),
                        "must not have more than 2048 characters (including spaces) in the "
                        "search list");
  }
  for (int i = 0; i < config.searches_size(); ++i) {
    std::string_view search = config.searches(i);
    if (search == ".") continue;
    if (search.ends_with('.')) search.remove_suffix(1);
    errors.Invalid(searches.Index(i), search, IsDns1123SubdomainWithUnderscore(search));
  }
}

void ValidateDns(const core::PodSpec& spec, const FieldPath& spec_path, Errors& errors) {
  const FieldPath path = spec_path.Child("dnsConfig");
  if (spec.dns_policy() == "None") {
    if (!spec.has_dns_config()) {
      return errors.Required(path, "must provide `dnsConfig` when `dnsPolicy` is None");
    }
    if (spec.dns_config().nameservers().empty()) {
      return errors.Required(path.Child("nameservers"),
                             "must provide at least one DNS nameserver when `dnsPolicy` is None");
    }
  }
  if (!spec.has_dns_config()) return;
  const core::PodDNSConfig& config = spec.dns_config();
  if (config.nameservers_size() > 3) {
    errors.InvalidShown(path.Child("nameservers"), ToJsonList(config.nameservers()),
                        "must not have more than 3 nameservers");
  }
  for (int i = 0; i < config.nameservers_size(); ++i) {
    ValidateIp(config.nameservers(i), path.Child("nameservers", i), errors);
  }
  ValidateSearches(config, path, errors);
  for (int i = 0; i < config.options_size(); ++i) {
    if (config.options(i).name().empty()) {
      errors.Required(path.Child("options", i), "must not be empty");
    }
  }
}

void ValidateGates(const core::PodSpec& spec, const FieldPath& path, Errors& errors) {
  for (int i = 0; i < spec.readiness_gates_size(); ++i) {
    const FieldPath at = path.Child("readinessGates", i);
    const std::string& type = spec.readiness_gates(i).condition_type();
    errors.Invalid(at.Child("conditionType"), type, IsQualifiedName(type));
  }
  std::set<std::string_view> names;
  for (int i = 0; i < spec.scheduling_gates_size(); ++i) {
    const FieldPath at = path.Child("schedulingGates", i);
    const std::string& name = spec.scheduling_gates(i).name();
    errors.Invalid(at, name, IsQualifiedName(name));
    if (!names.insert(name).second) errors.Duplicate(at, name);
  }
}

void ValidateSchedulingGroup(const core::PodSpec& spec, const FieldPath& path, Errors& errors) {
  if (!spec.has_scheduling_group()) return;
  const FieldPath at = path.Child("schedulingGroup");
  const core::PodSchedulingGroup& group = spec.scheduling_group();
  const FieldPath name = at.Child("podGroupName");
  if (!group.has_pod_group_name()) {
    return errors.InvalidShown(name, "null", "must specify one of: `podGroupName`");
  }
  errors.Invalid(name, group.pod_group_name(), IsDns1123Subdomain(group.pod_group_name()));
}

void ValidateHostAliases(const core::PodSpec& spec, const FieldPath& path, Errors& errors) {
  for (int i = 0; i < spec.host_aliases_size(); ++i) {
    const FieldPath at = path.Child("hostAliases", i);
    const core::HostAlias& alias = spec.host_aliases(i);
    ValidateIp(alias.ip(), at.Child("ip"), errors);
    for (int j = 0; j < alias.hostnames_size(); ++j) {
      errors.Invalid(at.Child("hostnames", j), alias.hostnames(j),
                     IsDns1123Subdomain(alias.hostnames(j)));
    }
  }
}

void ValidateHostnameOverride(const core::PodSpec& spec, const FieldPath& path, Errors& errors) {
  if (!spec.has_hostname_override()) return;
  constexpr size_t kBytesMax = 64;  // what sethostname(2) takes
  const FieldPath at = path.Child("hostnameOverride");
  const std::string& name = spec.hostname_override();
  if (spec.set_hostname_as_fqdn()) {
    errors.Forbidden(at, "may not be specified when setHostnameAsFQDN is true");
  }
  if (spec.host_network()) {
    errors.Forbidden(at, "may not be specified when hostNetwork is true");
  }
  if (name.size() > kBytesMax) errors.TooLong(at, kBytesMax);
  errors.Invalid(at, name, IsDns1123Subdomain(name));
}

// Variables are read from files of an emptyDir only.
void ValidateFileVolumes(const core::PodSpec& spec, const FieldPath& path, Errors& errors) {
  std::map<std::string_view, const core::Volume*> volumes;
  for (const core::Volume& volume : spec.volumes()) volumes[volume.name()] = &volume;
  VisitContainers(spec, path, [&](const auto& container, const FieldPath& at) {
    for (int i = 0; i < container.env_size(); ++i) {
      if (!container.env(i).value_from().has_file_key_ref()) continue;
      const std::string& name = container.env(i).value_from().file_key_ref().volume_name();
      const FieldPath variable = at.Child("env", i);
      const FieldPath volume_name = variable.Child("valueFrom.fileKeyRef.volumeName");
      const auto volume = volumes.find(name);
      if (volume == volumes.end()) {
        errors.NotFound(volume_name, name);
      } else if (!volume->second->volume_source().has_empty_dir()) {
        errors.Invalid(volume_name, name, "referenced volume must be of type emptyDir");
      }
    }
  });
}

void ValidateName(const std::string& name, Complaints (*rule)(std::string_view),
                  const FieldPath& path, Errors& errors) {
  if (!name.empty()) errors.Invalid(path, name, rule(name));
}

// The fields of one word, in upstream's order.
void ValidateNamesAndPolicies(const core::PodSpec& spec, const FieldPath& path, Errors& errors) {
  ValidateName(spec.service_account_name(), IsDns1123Subdomain, path.Child("serviceAccountName"),
               errors);
  ValidateName(spec.node_name(), IsDns1123Subdomain, path.Child("nodeName"), errors);
  if (spec.has_active_deadline_seconds()) {
    errors.InvalidInt(path.Child("activeDeadlineSeconds"), spec.active_deadline_seconds(),
                      IsInRange(spec.active_deadline_seconds(), 1,
                                std::numeric_limits<int32_t>::max()));
  }
  ValidateName(spec.hostname(), IsDns1123Label, path.Child("hostname"), errors);
  ValidateName(spec.subdomain(), IsDns1123Label, path.Child("subdomain"), errors);
  ValidateTolerations(spec.tolerations(), path.Child("tolerations"), errors);
  ValidateHostAliases(spec, path, errors);
  ValidateName(spec.priority_class_name(), IsDns1123Subdomain, path.Child("priorityClassName"),
               errors);
  if (spec.has_runtime_class_name()) {
    errors.Invalid(path.Child("runtimeClassName"), spec.runtime_class_name(),
                   IsDns1123Subdomain(spec.runtime_class_name()));
  }
  if (spec.has_preemption_policy()) {
    errors.OneOf(path.Child("preemptionPolicy"), spec.preemption_policy(),
                 {"PreemptLowerPriority", "Never"});
  }
}

void ValidateTokensNeedAccount(const core::PodSpec& spec, const FieldPath& path, Errors& errors) {
  if (!spec.service_account_name().empty()) return;
  for (int i = 0; i < spec.volumes_size(); ++i) {
    const FieldPath volume = path.Child("volumes", i);
    const auto& projected = spec.volumes(i).volume_source().projected();
    const FieldPath sources = volume.Child("projected");
    for (int j = 0; j < projected.sources_size(); ++j) {
      if (!projected.sources(j).has_service_account_token()) continue;
      const FieldPath source = sources.Child("sources", j);
      errors.Forbidden(source.Child("serviceAccountToken"),
                       "must not be specified when serviceAccountName is not set");
    }
  }
}

}  // namespace

void ValidatePodSpec(const core::PodSpec& spec, const PodSpecScope& pod, const FieldPath& path,
                     Errors& errors) {
  std::optional<int64_t> grace_period_s;
  if (spec.has_termination_grace_period_seconds()) {
    grace_period_s = spec.termination_grace_period_seconds();
  } else {
    errors.Required(path.Child("terminationGracePeriodSeconds"));
  }
  const VolumesByName volumes =
      ValidateVolumes(spec.volumes(), pod.pod_name, path.Child("volumes"), errors);
  NameSet claim_names;
  for (const auto& claim : spec.resource_claims()) {
    if (!claim.name().empty()) claim_names.insert(claim.name());
  }
  ValidateResourceClaims(spec, path, errors);
  const ContainerScope scope = {volumes, claim_names, grace_period_s, spec.restart_policy(),
                                !spec.has_host_users() || spec.host_users()};
  ValidateContainers(spec, scope, path.Child("containers"), errors);
  ValidateInitContainers(spec, scope, path.Child("initContainers"), errors);
  ValidateEphemeralContainers(spec, scope, path.Child("ephemeralContainers"), errors);
  ValidatePodResources(spec, claim_names, path.Child("resources"), errors);
  ValidateHostNetworkPorts(spec, pod.is_pod, path, errors);
  errors.OneOf(path.Child("restartPolicy"), spec.restart_policy(),
               {"Always", "OnFailure", "Never"});
  errors.OneOf(path.Child("dnsPolicy"), spec.dns_policy(),
               {"ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"});
  ValidateLabels(spec.node_selector(), path.Child("nodeSelector"), errors);
  const bool had_policy =
      pod.old != nullptr && pod.old->security_context().has_se_linux_change_policy();
  ValidatePodSecurityContext(spec, had_policy, path, errors);
  if (spec.has_affinity()) ValidateAffinity(spec.affinity(), path.Child("affinity"), errors);
  ValidateDns(spec, path, errors);
  ValidateGates(spec, path, errors);
  ValidateSchedulingGroup(spec, path, errors);
  ValidateTopologySpread(spec.topology_spread_constraints(),
                         path.Child("topologySpreadConstraints"), errors);
  ValidateHostProcess(spec, path, errors);
  ValidateHostUsers(spec, path, errors);
  ValidateHostnameOverride(spec, path, errors);
  ValidateNamesAndPolicies(spec, path, errors);
  if (!spec.overhead().empty()) {
    ValidateOverhead(spec.overhead(), path.Child("overhead"), errors);
  }
  ValidateOs(spec, path, errors);
  ValidateFileVolumes(spec, path, errors);
}

void ValidatePodMetadataAndSpec(const core::Pod& pod, const core::Pod* old, Errors& errors) {
  const FieldPath metadata("metadata"), spec("spec");
  ValidateCoreObjectMeta(pod.metadata(), true, IsDns1123Subdomain, metadata, errors);
  ValidatePodAnnotations(pod.metadata(), pod.spec(), metadata.Child("annotations"), errors);
  const PodSpecScope scope = {true, pod.metadata().name(), old ? &old->spec() : nullptr};
  ValidatePodSpec(pod.spec(), scope, spec, errors);
  ValidateTokensNeedAccount(pod.spec(), spec, errors);
  ValidateImagesOfPod(pod.spec(), spec, errors);
}

void ValidatePodCreate(const core::Pod& pod, Errors& errors) {
  ValidatePodMetadataAndSpec(pod, nullptr, errors);
  const FieldPath spec("spec");
  if (!pod.spec().ephemeral_containers().empty()) {
    errors.Forbidden(spec.Child("ephemeralContainers"), "cannot be set on create");
  }
  if (!pod.spec().node_name().empty() && !pod.spec().scheduling_gates().empty()) {
    errors.Forbidden(spec.Child("nodeName"),
                     "cannot be set until all schedulingGates have been cleared");
  }
  ValidateSeccompMatches(pod.metadata(), pod.spec(), spec, errors);
  ValidateAppArmorMatches(pod.metadata(), pod.spec(), spec, errors);
}

void ValidatePodTemplate(const core::PodTemplateSpec& pod_template, const FieldPath& path,
                         Errors& errors) {
  const FieldPath annotations = path.Child("annotations");
  ValidateLabels(pod_template.metadata().labels(), path.Child("labels"), errors);
  ValidateAnnotations(pod_template.metadata().annotations(), annotations, errors);
  ValidatePodAnnotations(pod_template.metadata(), pod_template.spec(), annotations, errors);
  const FieldPath spec = path.Child("spec");
  ValidatePodSpec(pod_template.spec(), {}, spec, errors);
  ValidateSeccompMatches(pod_template.metadata(), pod_template.spec(), spec, errors);
  ValidateAppArmorMatches(pod_template.metadata(), pod_template.spec(), spec, errors);
  if (!pod_template.spec().ephemeral_containers().empty()) {
    errors.Forbidden(spec.Child("ephemeralContainers"),
                     "ephemeral containers not allowed in pod template");
  }
}

}  // namespace berth::api::validation
