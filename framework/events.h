// Cluster events: what changed, and which plugins' rejections it may lift.
// Source: kube-scheduler framework/types.go, events.go; queue.md section 7.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "api/fwd.h"
#include "framework/fwd.h"

namespace berth::framework {

// Bits; the values are upstream's.
using ActionType = int32_t;
inline constexpr ActionType kAdd = 1;
inline constexpr ActionType kDelete = 2;
inline constexpr ActionType kUpdateNodeAllocatable = 4;
inline constexpr ActionType kUpdateNodeLabel = 8;
inline constexpr ActionType kUpdateNodeTaint = 16;
inline constexpr ActionType kUpdateNodeCondition = 32;
inline constexpr ActionType kUpdateNodeAnnotation = 64;
inline constexpr ActionType kUpdateNodeDeclaredFeature = 128;
inline constexpr ActionType kUpdatePodLabel = 256;
inline constexpr ActionType kUpdatePodScaleDown = 512;
inline constexpr ActionType kUpdatePodToleration = 1024;
inline constexpr ActionType kUpdatePodSchedulingGatesEliminated = 2048;
inline constexpr ActionType kUpdatePodGeneratedResourceClaim = 4096;
inline constexpr ActionType kUpdate = 8188;
inline constexpr ActionType kAllActions = 8191;
// "Add", "UpdateNodeTaint", ...; "All"; combinations are joined by '|'.
std::string ActionName(ActionType action);

// Resources: "Pod", "AssignedPod" and "UnschedulablePod" (internal), "Node",
// "PersistentVolumeClaim", "storage.k8s.io/CSINode", "*", "foos.v1.example.com".
inline constexpr std::string_view kPodResource = "Pod";
inline constexpr std::string_view kAssignedPodResource = "AssignedPod";
inline constexpr std::string_view kUnschedulablePodResource = "UnschedulablePod";
inline constexpr std::string_view kNodeResource = "Node";
inline constexpr std::string_view kWildcardResource = "*";

struct ClusterEvent {
  std::string resource;
  ActionType action = 0;
  std::string custom_label;
  // The metric label: custom_label, or resource and action run together ("NodeAdd").
  std::string Label() const;
  bool IsWildcard() const { return action == kAllActions && resource == kWildcardResource; }
  // Whether a plugin that registered *this wants to hear of `incoming`.
  bool Matches(const ClusterEvent& incoming) const;
  friend bool operator==(const ClusterEvent&, const ClusterEvent&) = default;
};

enum class QueueingHint { kSkip = 0, kQueue = 1 };

// The object that changed: before (null for add) and after (null for delete).
using EventObject = std::shared_ptr<const google::protobuf::Message>;

// pod: the waiting pod. An error counts as kQueue. Called on the engine's executor.
using QueueingHintFn = std::function<absl::StatusOr<QueueingHint>(
    const PodInfo& pod, const google::protobuf::Message* old_object,
    const google::protobuf::Message* new_object)>;

struct ClusterEventWithHint {
  ClusterEvent event;
  QueueingHintFn hint;  // null: always kQueue
};

}  // namespace berth::framework
