#include "plugins/volume_zone/queueing_hints.h"

#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/storage_v1.pb.h"
#include "framework/pod_info.h"
#include "plugins/event_objects.h"
#include "plugins/volume_zone/topology.h"
#include "plugins/volumes/pod_volumes.h"

namespace berth::plugins::volume_zone {
namespace {

using framework::PodInfo;
using framework::QueueingHint;
using Message = google::protobuf::Message;

}  // namespace

absl::StatusOr<QueueingHint> AfterClassCreation(const PodInfo&, const Message*,
                                                const Message* new_object) {
  const auto* added = dynamic_cast<const api::storage::StorageClass*>(new_object);
  if (added == nullptr) return absl::InternalError("event without a storage class");
  return QueueIf(added->volume_binding_mode() == volumes::kWaitForFirstConsumer);
}

absl::StatusOr<QueueingHint> AfterClaimChange(const PodInfo& pod, const Message*,
                                              const Message* new_object) {
  const auto* claim = AsClaim(new_object);
  if (claim == nullptr) return absl::InternalError("event without a claim");
  return QueueIf(volumes::UsesClaim(pod.object(), *claim, /*named_only=*/true));
}

absl::StatusOr<QueueingHint> AfterVolumeChange(const PodInfo&, const Message* old_object,
                                               const Message* new_object) {
  const auto* after = AsVolume(new_object);
  if (after == nullptr) return absl::InternalError("event without a volume");
  const auto* before = AsVolume(old_object);
  return QueueIf(before == nullptr || TopologiesOf(*before) != TopologiesOf(*after));
}

}  // namespace berth::plugins::volume_zone
