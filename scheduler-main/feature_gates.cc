#include "scheduler-main/feature_gates.h"

#include <fmt/core.h>

#include "base/check.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace berth::scheduler {
namespace {

struct Gate {
  std::string_view name;
  bool enabled;
  bool locked = false;
  bool effective = false;  // setting it changes what this build does
};

// config.md section 7.
constexpr Gate kGates[] = {
    {"SchedulerQueueingHints", true, true},
    {"SchedulerPopFromBackoffQ", true},
    {"SchedulerAsyncPreemption", true},
    {"SchedulerAsyncAPICalls", false},
    {"OpportunisticBatching", true},
    {"NominatedNodeNameForExpectation", true, false, true},
    {"ClearingNominatedNodeNameAfterBinding", true},
    {"NodeDeclaredFeatures", true},
    {"GenericWorkload", false, false, true},
    {"GangScheduling", false, false, true},
    {"TopologyAwareWorkloadScheduling", false, false, true},
    {"WorkloadAwarePreemption", false},
    {"WorkloadWithJob", false},
    {"DynamicResourceAllocation", true, true},
    {"DRAAdminAccess", true},
    {"DRAPrioritizedList", true},
    {"DRAConsumableCapacity", true},
    {"DRADeviceBindingConditions", true},
    {"DRADeviceTaints", true},
    {"DRAExtendedResource", true, false, true},
    {"DRAPartitionableDevices", true},
    {"DRAResourceClaimDeviceStatus", true},
    {"DRASchedulerFilterTimeout", true},
    {"DRADeviceTaintRules", false, false, true},
    {"DRAListTypeAttributes", false},
    {"DRANodeAllocatableResources", false},
    {"DRAWorkloadResourceClaims", false},
    {"InPlacePodVerticalScaling", true},
    {"InPlacePodLevelResourcesVerticalScaling", true},
    {"PodLevelResources", true},
    {"SidecarContainers", true},
    {"NodeInclusionPolicyInPodTopologySpread", true},
    {"MatchLabelKeysInPodAffinity", true},
    {"VolumeAttributesClass", true},
    {"MatchLabelKeysInPodTopologySpread", true},
    {"MatchLabelKeysInPodTopologySpreadSelectorMerge", true},
    {"PodTopologyLabelsAdmission", true},
    {"StorageCapacityScoring", false},
    {"TaintTolerationComparisonOperators", false},
    {"VolumeLimitScaling", false},
};

const Gate* FindGate(std::string_view name) {
  for (const Gate& gate : kGates) {
    if (gate.name == name) return &gate;
  }
  return nullptr;
}

absl::Status InvalidGates(std::string_view text) {
  return absl::InvalidArgumentError(ToAbsl(text));
}

}  // namespace

absl::StatusOr<FeatureGates> FeatureGates::Parse(std::string_view text) {
  FeatureGates out;
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), item.size() + 1));
    if (item.empty()) continue;
    const size_t equals = item.find('=');
    if (equals == item.npos) return InvalidGates(fmt::format("missing bool value for {}", item));
    const std::string_view name = item.substr(0, equals);
    const std::string_view value = item.substr(equals + 1);
    const bool yes = value == "true" || value == "1" || value == "t" || value == "True";
    if (!yes && value != "false" && value != "0" && value != "f" && value != "False") {
      return InvalidGates(fmt::format(
          "invalid value of {}={}, err: strconv.ParseBool: parsing \"{}\": invalid syntax", name,
          value, value));
    }
    const Gate* gate = FindGate(name);
    if (gate == nullptr) return InvalidGates(fmt::format("unrecognized feature gate: {}", name));
    if (gate->locked && yes != gate->enabled) {
      return InvalidGates(
          fmt::format("cannot set feature gate {} to {}, feature is locked to {}", name, yes,
                      gate->enabled));
    }
    out.set_.emplace_back(std::string(name), yes);
  }
  return out;
}

bool FeatureGates::Enabled(std::string_view name) const {
  const Gate* gate = FindGate(name);
  BERTH_CHECK(gate != nullptr);
  bool enabled = gate->enabled;
  for (const auto& [set_name, value] : set_) {
    if (set_name == name) enabled = value;
  }
  return enabled;
}

absl::Status FeatureGates::Check(std::string_view gate, std::string_view needed) const {
  if (!Enabled(gate) || Enabled(needed)) return absl::OkStatus();
  return InvalidGates(fmt::format(
      "{} is enabled, but depends on features that are disabled: [{}]", gate, needed));
}

absl::StatusOr<framework::PodGroupFeatures> FeatureGates::PodGroups() const {
  BERTH_RETURN_IF_ERROR(Check("GangScheduling", "GenericWorkload"));
  BERTH_RETURN_IF_ERROR(Check("TopologyAwareWorkloadScheduling", "GenericWorkload"));
  return framework::PodGroupFeatures{
      .generic_workload = Enabled("GenericWorkload"),
      .gang_scheduling = Enabled("GangScheduling"),
      .topology_aware = Enabled("TopologyAwareWorkloadScheduling")};
}

absl::StatusOr<framework::DeviceFeatures> FeatureGates::Devices() const {
  BERTH_RETURN_IF_ERROR(Check("DRADeviceTaintRules", "DRADeviceTaints"));
  return framework::DeviceFeatures{.extended_resources = Enabled("DRAExtendedResource"),
                                   .taint_rules = Enabled("DRADeviceTaintRules")};
}

std::vector<std::string> FeatureGates::WithoutEffect() const {
  std::vector<std::string> out;
  for (const auto& [name, value] : set_) {
    const Gate* gate = FindGate(name);
    if (value != gate->enabled && !gate->effective) out.push_back(name);
  }
  return out;
}

}  // namespace berth::scheduler
