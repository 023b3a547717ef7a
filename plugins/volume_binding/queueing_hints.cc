#include "plugins/volume_binding/queueing_hints.h"

#include <algorithm>

#include "api/equality.h"
#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/storage_v1.pb.h"
#include "framework/pod_info.h"
#include "plugins/event_objects.h"
#include "plugins/volume_binding/candidates.h"
#include "plugins/volumes/csi_translation.h"
#include "plugins/volumes/pod_volumes.h"

namespace berth::plugins::volume_binding {
namespace {

using framework::PodInfo;
using framework::QueueingHint;
using Message = google::protobuf::Message;

absl::Status Unexpected(const char* what) {
  return absl::InternalError(std::string("event without a ") + what);
}

}  // namespace

absl::StatusOr<QueueingHint> AfterClassChange(const PodInfo&, const Message* old_object,
                                              const Message* new_object) {
  const auto* after = dynamic_cast<const api::storage::StorageClass*>(new_object);
  if (after == nullptr) return Unexpected("storage class");
  const auto* before = dynamic_cast<const api::storage::StorageClass*>(old_object);
  if (before == nullptr) return QueueingHint::kQueue;
  const auto& left = before->allowed_topologies();
  const auto& right = after->allowed_topologies();
  return QueueIf(!std::equal(left.begin(), left.end(), right.begin(), right.end(),
                             [](const auto& a, const auto& b) {
                               return api::SemanticEqual(a, b);
                             }));
}

absl::StatusOr<QueueingHint> AfterClaimChange(const PodInfo& pod, const Message*,
                                              const Message* new_object) {
  const auto* claim = AsClaim(new_object);
  if (claim == nullptr) return Unexpected("claim");
  return QueueIf(volumes::UsesClaim(pod.object(), *claim));
}

absl::StatusOr<QueueingHint> AfterCsiNodeChange(const PodInfo&, const Message* old_object,
                                                const Message* new_object) {
  const auto* after = dynamic_cast<const api::storage::CSINode*>(new_object);
  if (after == nullptr) return Unexpected("CSINode");
  const auto* before = dynamic_cast<const api::storage::CSINode*>(old_object);
  return QueueIf(before == nullptr ||
                 volumes::MigratedPlugins(*before) != volumes::MigratedPlugins(*after));
}

absl::StatusOr<QueueingHint> AfterCsiDriverChange(const PodInfo& pod, const Message* old_object,
                                                  const Message* new_object) {
  const auto* before = dynamic_cast<const api::storage::CSIDriver*>(old_object);
  const auto* after = dynamic_cast<const api::storage::CSIDriver*>(new_object);
  if (before == nullptr || after == nullptr) return Unexpected("CSIDriver");
  if (!before->spec().storage_capacity() || after->spec().storage_capacity()) {
    return QueueingHint::kSkip;
  }
  const auto& held = pod.object().spec().volumes();
  return QueueIf(std::any_of(held.begin(), held.end(), [&](const auto& volume) {
    return volume.volume_source().has_csi() &&
           volume.volume_source().csi().driver() == after->metadata().name();
  }));
}

absl::StatusOr<QueueingHint> AfterCapacityChange(const PodInfo&, const Message* old_object,
                                                 const Message* new_object) {
  const auto* after = dynamic_cast<const api::storage::CSIStorageCapacity*>(new_object);
  if (after == nullptr) return Unexpected("CSIStorageCapacity");
  const auto* before = dynamic_cast<const api::storage::CSIStorageCapacity*>(old_object);
  if (before == nullptr) return QueueingHint::kQueue;
  const auto was = VolumeSizeMax(*before);
  const auto now = VolumeSizeMax(*after);
  return QueueIf(now && (!was || now->Value() > was->Value()));
}

}  // namespace berth::plugins::volume_binding
