#include "plugins/node_volume_limits/queueing_hints.h"

#include <algorithm>
#include <string>

#include <fmt/core.h>

#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/storage_v1.pb.h"
#include "base/strings.h"
#include "framework/pod_info.h"
#include "plugins/event_objects.h"
#include "plugins/node_volume_limits/attachable_volumes.h"
#include "plugins/volumes/csi_translation.h"
#include "plugins/volumes/pod_volumes.h"

namespace berth::plugins::node_volume_limits {
namespace {

using framework::PodInfo;
using framework::QueueingHint;
using Message = google::protobuf::Message;

}  // namespace

absl::StatusOr<QueueingHint> AfterCsiNodeUpdate(const PodInfo&, const Message* old_object,
                                                const Message* new_object) {
  const auto* before = dynamic_cast<const api::storage::CSINode*>(old_object);
  const auto* after = dynamic_cast<const api::storage::CSINode*>(new_object);
  if (before == nullptr || after == nullptr) return absl::InternalError("event without a CSINode");
  StringMap<int32_t> limits;
  for (const auto& driver : before->spec().drivers()) {
    limits[driver.name()] = driver.allocatable().count();
  }
  const auto& drivers = after->spec().drivers();
  return QueueIf(std::any_of(drivers.begin(), drivers.end(), [&](const auto& driver) {
    const auto it = limits.find(driver.name());
    return driver.allocatable().count() > (it == limits.end() ? 0 : it->second);
  }));
}

absl::StatusOr<QueueingHint> AfterPodDeletion(const PodInfo&, const Message* old_object,
                                              const Message*) {
  const api::core::Pod* gone = AsPod(old_object);
  if (gone == nullptr) return absl::InternalError("event without a pod");
  return QueueIf(HasPlace(*gone) && MayHaveAttachables(*gone));
}

absl::StatusOr<QueueingHint> AfterClaimCreation(const PodInfo& pod, const Message*,
                                                const Message* new_object) {
  const auto* claim = AsClaim(new_object);
  if (claim == nullptr) return absl::InternalError("event without a claim");
  return QueueIf(volumes::UsesClaim(pod.object(), *claim));
}

absl::StatusOr<QueueingHint> AfterAttachmentDeletion(const PodInfo& pod,
                                                     const Message* old_object, const Message*) {
  const auto* gone = dynamic_cast<const api::storage::VolumeAttachment*>(old_object);
  if (gone == nullptr) return absl::InternalError("event without a VolumeAttachment");
  for (const auto& volume : pod.object().spec().volumes()) {
    const auto& source = volume.volume_source();
    if (source.has_persistent_volume_claim()) return QueueingHint::kQueue;
    const auto* plugin = volumes::InTreePluginOf(source);
    if (plugin == nullptr) continue;
    const auto csi = volumes::ToCsi(source, *plugin);
    if (!csi.ok()) {
      return absl::InvalidArgumentError(
          ToAbsl(fmt::format("converting volume({}) from inline to csi: {}", volume.name(),
                             ToStd(csi.status().message()))));
    }
    if (gone->spec().attacher() == csi->driver) return QueueingHint::kQueue;
  }
  return QueueingHint::kSkip;
}

}  // namespace berth::plugins::node_volume_limits
