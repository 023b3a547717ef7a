#include "framework/profile/absent_plugins.h"

#include <algorithm>
#include <vector>

#include <fmt/core.h>

#include "api/schema/core_v1_pod.pb.h"

namespace berth::framework {
namespace {

using api::core::Affinity;
using api::core::Container;
using api::core::PodSpec;
using api::core::VolumeSource;

std::string_view InterPodAffinityField(const Affinity& affinity) {
  const auto& near = affinity.pod_affinity();
  if (near.required_during_scheduling_ignored_during_execution_size() > 0 ||
      near.preferred_during_scheduling_ignored_during_execution_size() > 0) {
    return "spec.affinity.podAffinity";
  }
  const auto& away = affinity.pod_anti_affinity();
  if (away.required_during_scheduling_ignored_during_execution_size() > 0 ||
      away.preferred_during_scheduling_ignored_during_execution_size() > 0) {
    return "spec.affinity.podAntiAffinity";
  }
  return {};
}

struct VolumeReaders {
  std::string_view field;
  std::vector<std::string_view> plugins;
};

// Which plugins look at a volume, and by which field.
VolumeReaders ReadersOf(const VolumeSource& source) {
  constexpr std::string_view kBinding = "VolumeBinding", kRestrictions = "VolumeRestrictions",
                             kLimits = "NodeVolumeLimits", kZone = "VolumeZone";
  if (source.has_persistent_volume_claim()) {
    return {"spec.volumes[].persistentVolumeClaim", {kBinding, kRestrictions, kLimits, kZone}};
  }
  if (source.has_ephemeral()) {
    return {"spec.volumes[].ephemeral", {kBinding, kRestrictions, kLimits, kZone}};
  }
  if (source.has_gce_persistent_disk()) {
    return {"spec.volumes[].gcePersistentDisk", {kRestrictions, kLimits}};
  }
  if (source.has_aws_elastic_block_store()) {
    return {"spec.volumes[].awsElasticBlockStore", {kRestrictions, kLimits}};
  }
  if (source.has_iscsi()) return {"spec.volumes[].iscsi", {kRestrictions}};
  if (source.has_rbd()) return {"spec.volumes[].rbd", {kRestrictions}};
  if (source.has_csi()) return {"spec.volumes[].csi", {kLimits}};
  if (source.has_azure_disk()) return {"spec.volumes[].azureDisk", {kLimits}};
  if (source.has_cinder()) return {"spec.volumes[].cinder", {kLimits}};
  if (source.has_vsphere_volume()) return {"spec.volumes[].vsphereVolume", {kLimits}};
  if (source.has_portworx_volume()) return {"spec.volumes[].portworxVolume", {kLimits}};
  return {};
}

bool RestartsAllContainers(const Container& container) {
  return std::any_of(container.restart_policy_rules().begin(),
                     container.restart_policy_rules().end(),
                     [](const auto& rule) { return rule.action() == "RestartAllContainers"; });
}

bool NeedsDeclaredFeatures(const PodSpec& spec, std::string_view* field) {
  const auto any = [](const auto& containers) {
    return std::any_of(containers.begin(), containers.end(), RestartsAllContainers);
  };
  if (any(spec.containers()) || any(spec.init_containers())) {
    *field = "spec.containers[].restartPolicyRules";
    return true;
  }
  if (spec.host_network() && spec.has_host_users() && !spec.host_users()) {
    *field = "spec.hostUsers";
    return true;
  }
  return false;
}

}  // namespace

std::string AbsentPluginUse::Message() const {
  return fmt::format("pod uses {}, and plugin {} is not in this scheduler", field, plugin);
}

std::optional<AbsentPluginUse> FindAbsentPluginUse(const PodInfo& pod,
                                                   std::span<const std::string> absent) {
  if (absent.empty()) return std::nullopt;
  const PodSpec& spec = pod.object().spec();
  const auto lacks = [&](std::string_view plugin) {
    return std::find(absent.begin(), absent.end(), plugin) != absent.end();
  };
  if (spec.topology_spread_constraints_size() > 0 && lacks("PodTopologySpread")) {
    return AbsentPluginUse{"spec.topologySpreadConstraints", "PodTopologySpread"};
  }
  if (spec.has_affinity() && lacks("InterPodAffinity")) {
    const std::string_view field = InterPodAffinityField(spec.affinity());
    if (!field.empty()) return AbsentPluginUse{field, "InterPodAffinity"};
  }
  for (const auto& volume : spec.volumes()) {
    const VolumeReaders readers = ReadersOf(volume.volume_source());
    for (const std::string_view plugin : readers.plugins) {
      if (lacks(plugin)) return AbsentPluginUse{readers.field, plugin};
    }
  }
  if (spec.resource_claims_size() > 0 && lacks("DynamicResources")) {
    return AbsentPluginUse{"spec.resourceClaims", "DynamicResources"};
  }
  if (spec.has_scheduling_group() && lacks("GangScheduling")) {
    return AbsentPluginUse{"spec.schedulingGroup", "GangScheduling"};
  }
  std::string_view field;
  if (lacks("NodeDeclaredFeatures") && NeedsDeclaredFeatures(spec, &field)) {
    return AbsentPluginUse{field, "NodeDeclaredFeatures"};
  }
  return std::nullopt;
}

}  // namespace berth::framework
