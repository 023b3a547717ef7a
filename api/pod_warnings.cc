#include "api/pod_warnings.h"

#include <cstdint>
#include <limits>
#include <set>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/quantity.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/core_v1_pod_template.pb.h"
#include "api/validation/ip.h"
#include "api/validation/names.h"
#include "api/validation/pod.h"
#include "api/validation/visit.h"

namespace berth::api {
namespace {

using validation::FieldPath;

constexpr std::string_view kNullSelector = "a null labelSelector results in matching no pod";

struct Deprecated {
  std::string_view key, text;
};

// Sorted: the order of a map's warnings, which upstream leaves to chance.
constexpr Deprecated kNodeLabels[] = {
    {"app.kubernetes.io/created-by", "deprecated since v1.9"},
    {"beta.kubernetes.io/arch", "deprecated since v1.14; use \"kubernetes.io/arch\" instead"},
    {"beta.kubernetes.io/instance-type",
     "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead"},
    {"beta.kubernetes.io/os", "deprecated since v1.14; use \"kubernetes.io/os\" instead"},
    {"failure-domain.beta.kubernetes.io/region",
     "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead"},
    {"failure-domain.beta.kubernetes.io/zone",
     "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead"},
    {"node-role.kubernetes.io/master", "use \"node-role.kubernetes.io/control-plane\" instead"},
    {"scheduler.alpha.kubernetes.io/preferAvoidPods",
     "deprecated since v1.22; use Taints and Tolerations instead"},
};

constexpr Deprecated kAnnotations[] = {
    {"scheduler.alpha.kubernetes.io/critical-pod",
     "non-functional in v1.16+; use the \"priorityClassName\" field instead"},
    {"security.alpha.kubernetes.io/sysctls",
     "non-functional in v1.11+; use the \"sysctls\" field instead"},
    {"security.alpha.kubernetes.io/unsafe-sysctls",
     "non-functional in v1.11+; use the \"sysctls\" field instead"},
};

void WarnOfLabelKey(std::string_view key, const FieldPath& path, WarningList& warnings) {
  for (const Deprecated& label : kNodeLabels) {
    if (label.key == key) warnings.Add(path, fmt::format("{} is {}", key, label.text));
  }
}

// values: of preferences only, where validation does not look at them.
void WarnOfTerm(const core::NodeSelectorTerm& term, bool values, const FieldPath& path,
                WarningList& warnings) {
  for (int i = 0; i < term.match_expressions_size(); ++i) {
    const core::NodeSelectorRequirement& requirement = term.match_expressions(i);
    const FieldPath at = path.Child("matchExpressions", i);
    WarnOfLabelKey(requirement.key(), at.Child("key"), warnings);
    for (int j = 0; values && j < requirement.values_size() && !warnings.full(); ++j) {
      const std::string& value = requirement.values(j);
      for (const std::string& complaint : validation::IsLabelValue(value)) {
        warnings.Add(at.Child("values", j), fmt::format("{} is invalid, {}", value, complaint));
      }
    }
  }
}

void WarnOfNodeAffinity(const core::NodeAffinity& affinity, const FieldPath& path,
                        WarningList& warnings) {
  const auto& terms =
      affinity.required_during_scheduling_ignored_during_execution().node_selector_terms();
  const FieldPath required =
      path.Child("requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms");
  for (int i = 0; i < terms.size(); ++i) {
    WarnOfTerm(terms[i], false, required.Index(i), warnings);
  }
  const auto& preferences = affinity.preferred_during_scheduling_ignored_during_execution();
  for (int i = 0; i < preferences.size(); ++i) {
    const FieldPath at = path.Child("preferredDuringSchedulingIgnoredDuringExecution", i);
    WarnOfTerm(preferences[i].preference(), true, at.Child("preference"), warnings);
  }
}

void WarnOfNodeChoice(const core::PodSpec& spec, const FieldPath& path, WarningList& warnings) {
  const FieldPath selector = path.Child("nodeSelector");
  for (const Deprecated& label : kNodeLabels) {
    if (spec.node_selector().empty()) break;
    if (spec.node_selector().contains(std::string(label.key))) {
      warnings.Add(selector.Key(label.key), label.text);
    }
  }
  if (spec.affinity().has_node_affinity()) {
    WarnOfNodeAffinity(spec.affinity().node_affinity(), path.Child("affinity.nodeAffinity"),
                       warnings);
  }
  for (int i = 0; i < spec.topology_spread_constraints_size(); ++i) {
    const core::TopologySpreadConstraint& constraint = spec.topology_spread_constraints(i);
    const FieldPath at = path.Child("topologySpreadConstraints", i);
    WarnOfLabelKey(constraint.topology_key(), at.Child("topologyKey"), warnings);
    if (!constraint.has_label_selector()) warnings.Add(at.Child("labelSelector"), kNullSelector);
  }
}

// PodAffinity or PodAntiAffinity.
template <typename Affinity>
void WarnOfPodAffinity(const Affinity& affinity, const FieldPath& path, WarningList& warnings) {
  const auto& required = affinity.required_during_scheduling_ignored_during_execution();
  for (int i = 0; i < required.size(); ++i) {
    if (required[i].has_label_selector()) continue;
    const FieldPath at = path.Child("requiredDuringSchedulingIgnoredDuringExecution", i);
    warnings.Add(at.Child("labelSelector"), kNullSelector);
  }
  const auto& preferred = affinity.preferred_during_scheduling_ignored_during_execution();
  for (int i = 0; i < preferred.size(); ++i) {
    if (preferred[i].pod_affinity_term().has_label_selector()) continue;
    const FieldPath at = path.Child("preferredDuringSchedulingIgnoredDuringExecution", i);
    warnings.Add(at.Child("podAffinityTerm.labelSelector"), kNullSelector);
  }
}

void WarnOfAnnotations(const AnnotatedSpec& pod, WarningList& warnings) {
  for (const Deprecated& annotation : kAnnotations) {
    if (!HasAnnotation(pod.metadata, annotation.key)) continue;
    warnings.Add(pod.annotations_path.Key(annotation.key), annotation.text);
  }
}

void WarnOfSeccompAnnotation(const AnnotatedSpec& pod, WarningList& warnings) {
  if (pod.spec.security_context().has_seccomp_profile()) return;
  if (!HasAnnotation(pod.metadata, validation::kSeccompPod)) return;
  warnings.Add(pod.annotations_path.Key(validation::kSeccompPod),
               "non-functional in v1.27+; use the \"seccompProfile\" field instead");
}

void WarnOfRepetitions(const core::PodSpec& spec, const FieldPath& path, WarningList& warnings) {
  std::set<std::string_view> ips, names;
  for (int i = 0; i < spec.host_aliases_size(); ++i) {
    const std::string& ip = spec.host_aliases(i).ip();
    if (ips.insert(ip).second) continue;
    const FieldPath at = path.Child("hostAliases", i);
    warnings.Add(at.Child("ip"), fmt::format("duplicate ip {}", GoQuoted(ip)));
  }
  for (int i = 0; i < spec.image_pull_secrets_size(); ++i) {
    const std::string& name = spec.image_pull_secrets(i).name();
    if (names.insert(name).second) continue;
    const FieldPath at = path.Child("imagePullSecrets", i);
    warnings.Add(at.Child("name"), fmt::format("duplicate name {}", GoQuoted(name)));
  }
  for (int i = 0; i < spec.image_pull_secrets_size(); ++i) {
    if (!spec.image_pull_secrets(i).name().empty()) continue;
    const FieldPath at = path.Child("imagePullSecrets", i);
    warnings.Add(at.Child("name"), "invalid empty name \"\"");
  }
}

void WarnOfIp(std::string_view ip, const FieldPath& path, WarningList& warnings) {
  for (const std::string& text : validation::IpWarnings(ip)) warnings.Add(path, text);
}

void WarnOfAddresses(const core::PodSpec& spec, const FieldPath& path, WarningList& warnings) {
  const FieldPath nameservers = path.Child("dnsConfig.nameservers");
  for (int i = 0; i < spec.dns_config().nameservers_size(); ++i) {
    WarnOfIp(spec.dns_config().nameservers(i), nameservers.Index(i), warnings);
  }
  for (int i = 0; i < spec.host_aliases_size(); ++i) {
    const FieldPath at = path.Child("hostAliases", i);
    WarnOfIp(spec.host_aliases(i).ip(), at.Child("ip"), warnings);
  }
}

void WarnOfSpec(const AnnotatedSpec& pod, WarningList& warnings) {
  const core::PodSpec& spec = pod.spec;
  const FieldPath& path = pod.path;
  WarnOfNodeChoice(spec, path, warnings);
  WarnOfAnnotations(pod, warnings);
  WarnOfVolumes(spec, path, warnings);
  WarnOfRepetitions(spec, path, warnings);
  const FieldPath overhead = path.Child("overhead");
  WarnOfFraction(spec.overhead(), "memory", overhead, warnings);
  WarnOfFraction(spec.overhead(), "ephemeral-storage", overhead, warnings);
  WarnOfSeccompAnnotation(pod, warnings);
  WarnOfContainers(pod, warnings);
  if (spec.termination_grace_period_seconds() < 0) {
    warnings.Add(path.Child("terminationGracePeriodSeconds"),
                 "must be >= 0; negative values are invalid and will be treated as 1");
  }
  if (spec.has_affinity()) {
    const FieldPath at = path.Child("affinity");
    WarnOfPodAffinity(spec.affinity().pod_affinity(), at.Child("podAffinity"), warnings);
    WarnOfPodAffinity(spec.affinity().pod_anti_affinity(), at.Child("podAntiAffinity"), warnings);
  }
  WarnOfAddresses(spec, path, warnings);
}

// Whether the profile of the pod is what the annotation of a container says.
bool SaysTheSame(std::string_view annotation, const core::PodSecurityContext& of_pod) {
  if (!of_pod.has_app_armor_profile()) return false;
  const core::AppArmorProfile& profile = of_pod.app_armor_profile();
  constexpr std::string_view kLocal = "localhost/";
  if (annotation == "unconfined") return profile.type() == "Unconfined";
  if (annotation == "runtime/default") return profile.type() == "RuntimeDefault";
  return annotation.starts_with(kLocal) && annotation.size() > kLocal.size() &&
         profile.type() == "Localhost" &&
         annotation.substr(kLocal.size()) == profile.localhost_profile();
}

}  // namespace

bool HasAnnotation(const meta::ObjectMeta& metadata, std::string_view key) {
  return !metadata.annotations().empty() && metadata.annotations().contains(std::string(key));
}

void WarnOfFraction(const ResourceList& amounts, std::string_view name, const FieldPath& path,
                    WarningList& warnings) {
  const auto it = amounts.find(std::string(name));
  if (it == amounts.end()) return;
  const int64_t milli = ToQuantity(it->second).MilliValue();
  // Too large for thousandths: whole as far as anybody can say.
  const bool clamped = milli == std::numeric_limits<int64_t>::max() ||
                       milli == std::numeric_limits<int64_t>::min();
  if (clamped || milli % 1000 == 0) return;
  warnings.Add(path.Key(name),
               fmt::format("fractional byte value {} is invalid, must be an integer",
                           GoQuoted(it->second.string())));
}

void WarnOfAppArmorAnnotations(const core::Pod& pod, WarningList& warnings) {
  if (pod.metadata().annotations().empty() || pod.spec().os().name() == "windows") return;
  const FieldPath annotations("metadata.annotations");
  validation::VisitContainers(
      pod.spec(), FieldPath("spec"), [&](const auto& container, const FieldPath&) {
        if (container.security_context().has_app_armor_profile()) return;
        const std::string key = std::string(validation::kAppArmorPrefix) + container.name();
        const auto it = pod.metadata().annotations().find(key);
        if (it == pod.metadata().annotations().end()) return;
        if (SaysTheSame(it->second, pod.spec().security_context())) return;
        warnings.Add(annotations.Key(key),
                     "deprecated since v1.30; use the \"appArmorProfile\" field instead");
      });
}

void WarnOfNewPod(const core::Pod& pod, WarningList& warnings) {
  WarnOfSpec({pod.metadata(), pod.spec(), FieldPath("metadata.annotations"), FieldPath("spec")},
             warnings);
}

void WarnOfPodStatus(const core::PodStatus& status, WarningList& warnings) {
  const FieldPath path("status");
  for (int i = 0; i < status.pod_ips_size(); ++i) {
    const FieldPath at = path.Child("podIPs", i);
    WarnOfIp(status.pod_ips(i).ip(), at.Child("ip"), warnings);
  }
  for (int i = 0; i < status.host_ips_size(); ++i) {
    const FieldPath at = path.Child("hostIPs", i);
    WarnOfIp(status.host_ips(i).ip(), at.Child("ip"), warnings);
  }
}

void WarnOfPodTemplate(const core::PodTemplateSpec& pod_template, const FieldPath& path,
                       WarningList& warnings) {
  WarnOfSpec({pod_template.metadata(), pod_template.spec(), path.Child("metadata.annotations"),
              path.Child("spec"), true},
             warnings);
}

}  // namespace berth::api
