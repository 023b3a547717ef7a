#include "framework/queue/pod_events.h"

#include <algorithm>
#include <map>
#include <string>

#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "framework/pod_info.h"

namespace berth::framework {
namespace {

using api::core::Node;
using api::core::Pod;

template <typename Map>
bool SameMap(const Map& a, const Map& b) {
  if (a.size() != b.size()) return false;
  return std::all_of(a.begin(), a.end(), [&](const auto& entry) {
    auto it = b.find(entry.first);
    return it != b.end() && it->second == entry.second;
  });
}

bool ScaledDown(const api::scheduling::Amounts& before, const api::scheduling::Amounts& after) {
  if (after.milli_cpu < before.milli_cpu || after.memory_bytes < before.memory_bytes ||
      after.ephemeral_storage_bytes < before.ephemeral_storage_bytes) {
    return true;
  }
  return std::any_of(before.scalars.begin(), before.scalars.end(), [&](const auto& entry) {
    return after.Scalar(entry.first) < entry.second;
  });
}

bool SameClaimStatuses(const Pod& a, const Pod& b) {
  const auto& left = a.status().resource_claim_statuses();
  const auto& right = b.status().resource_claim_statuses();
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](const auto& x, const auto& y) {
                      return x.name() == y.name() &&
                             x.resource_claim_name() == y.resource_claim_name();
                    });
}

bool SameAllocatable(const Node& a, const Node& b) {
  const auto& left = a.status().allocatable();
  const auto& right = b.status().allocatable();
  if (left.size() != right.size()) return false;
  return std::all_of(left.begin(), left.end(), [&](const auto& entry) {
    auto it = right.find(entry.first);
    return it != right.end() && it->second.string() == entry.second.string();
  });
}

bool SameTaints(const Node& a, const Node& b) {
  const auto& left = a.spec().taints();
  const auto& right = b.spec().taints();
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](const auto& x, const auto& y) {
                      return x.key() == y.key() && x.value() == y.value() &&
                             x.effect() == y.effect();
                    });
}

std::map<std::string_view, std::string_view> Conditions(const Node& node) {
  std::map<std::string_view, std::string_view> statuses;
  for (const auto& condition : node.status().conditions()) {
    statuses[condition.type()] = condition.status();
  }
  return statuses;
}

bool SameDeclaredFeatures(const Node& a, const Node& b) {
  const auto& left = a.status().declared_features();
  const auto& right = b.status().declared_features();
  return std::equal(left.begin(), left.end(), right.begin(), right.end());
}

const ClusterEvent& Constant(std::string_view resource, ActionType action,
                             std::string_view label = {}) {
  return *new ClusterEvent{std::string(resource), action, std::string(label)};
}

}  // namespace

std::vector<ClusterEvent> PodChangeEvents(std::string_view resource, const PodInfo& old_pod,
                                          const PodInfo& new_pod) {
  std::vector<ClusterEvent> events;
  const auto add = [&](ActionType action) {
    events.push_back({std::string(resource), action, {}});
  };
  const Pod& before = old_pod.object();
  const Pod& after = new_pod.object();
  if (!SameMap(before.metadata().labels(), after.metadata().labels())) add(kUpdatePodLabel);
  if (ScaledDown(old_pod.requests, new_pod.requests)) add(kUpdatePodScaleDown);
  if (before.spec().scheduling_gates_size() > 0 && after.spec().scheduling_gates_size() == 0) {
    add(kUpdatePodSchedulingGatesEliminated);
  }
  if (before.spec().tolerations_size() != after.spec().tolerations_size()) {
    add(kUpdatePodToleration);
  }
  if (!SameClaimStatuses(before, after)) add(kUpdatePodGeneratedResourceClaim);
  if (events.empty()) add(kUpdate);
  return events;
}

std::vector<ClusterEvent> NodeChangeEvents(const Node& old_node, const Node& new_node) {
  std::vector<ClusterEvent> events;
  const auto add = [&](ActionType action) {
    events.push_back({std::string(kNodeResource), action, {}});
  };
  if (old_node.spec().unschedulable() && !new_node.spec().unschedulable()) add(kUpdateNodeTaint);
  if (!SameAllocatable(old_node, new_node)) add(kUpdateNodeAllocatable);
  if (!SameMap(old_node.metadata().labels(), new_node.metadata().labels())) add(kUpdateNodeLabel);
  if (!SameTaints(old_node, new_node)) add(kUpdateNodeTaint);
  if (Conditions(old_node) != Conditions(new_node)) add(kUpdateNodeCondition);
  if (!SameMap(old_node.metadata().annotations(), new_node.metadata().annotations())) {
    add(kUpdateNodeAnnotation);
  }
  if (!SameDeclaredFeatures(old_node, new_node)) add(kUpdateNodeDeclaredFeature);
  return events;
}

const ClusterEvent& UnschedulableTimeoutEvent() {
  static const ClusterEvent& event =
      Constant(kWildcardResource, kAllActions, "UnschedulableTimeout");
  return event;
}
const ClusterEvent& ForceActivateEvent() {
  static const ClusterEvent& event = Constant(kWildcardResource, kAllActions, "ForceActivate");
  return event;
}
const ClusterEvent& UnschedulablePodAddEvent() {
  static const ClusterEvent& event = Constant(kUnschedulablePodResource, kAdd);
  return event;
}
const ClusterEvent& AssignedPodAddEvent() {
  static const ClusterEvent& event = Constant(kAssignedPodResource, kAdd);
  return event;
}
const ClusterEvent& AssignedPodDeleteEvent() {
  static const ClusterEvent& event = Constant(kAssignedPodResource, kDelete);
  return event;
}
const ClusterEvent& NodeAddEvent() {
  static const ClusterEvent& event = Constant(kNodeResource, kAdd);
  return event;
}
const ClusterEvent& NodeDeleteEvent() {
  static const ClusterEvent& event = Constant(kNodeResource, kDelete);
  return event;
}

}  // namespace berth::framework
