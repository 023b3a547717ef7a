#include "plugins/volume_restrictions/queueing_hints.h"

#include <algorithm>

#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "framework/pod_info.h"
#include "plugins/event_objects.h"
#include "plugins/volume_restrictions/disk_conflicts.h"
#include "plugins/volumes/pod_volumes.h"

namespace berth::plugins::volume_restrictions {

using framework::PodInfo;
using framework::QueueingHint;
using Message = google::protobuf::Message;

absl::StatusOr<QueueingHint> AfterPodDeletion(const PodInfo& pod, const Message* old_object,
                                              const Message*) {
  const api::core::Pod* gone = AsPod(old_object);
  if (gone == nullptr) return absl::InternalError("event without a pod");
  if (gone->metadata().namespace_() != pod.namespace_name) return QueueingHint::kSkip;
  if (DisksConflict(pod.object(), *gone)) return QueueingHint::kQueue;
  // The access modes of the claim are not looked up, as upstream.
  for (const auto& volume : pod.object().spec().volumes()) {
    if (!volume.volume_source().has_persistent_volume_claim()) continue;
    const auto& name = volume.volume_source().persistent_volume_claim().claim_name();
    const auto& held = gone->spec().volumes();
    if (std::any_of(held.begin(), held.end(), [&](const auto& theirs) {
          return theirs.volume_source().has_persistent_volume_claim() &&
                 theirs.volume_source().persistent_volume_claim().claim_name() == name;
        })) {
      return QueueingHint::kQueue;
    }
  }
  return QueueingHint::kSkip;
}

absl::StatusOr<QueueingHint> AfterClaimCreation(const PodInfo& pod, const Message*,
                                                const Message* new_object) {
  const auto* claim = AsClaim(new_object);
  if (claim == nullptr) return absl::InternalError("event without a claim");
  return volumes::UsesClaim(pod.object(), *claim, /*named_only=*/true) ? QueueingHint::kQueue
                                                                       : QueueingHint::kSkip;
}

}  // namespace berth::plugins::volume_restrictions
