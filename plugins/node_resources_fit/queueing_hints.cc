#include "plugins/node_resources_fit/queueing_hints.h"

#include <algorithm>
#include <string>

#include "api/scheduling/device_resources.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/resource_v1.pb.h"
#include "framework/pod_info.h"
#include "plugins/event_objects.h"

namespace berth::plugins::node_resources_fit {
namespace {

using api::scheduling::Amounts;
using framework::QueueingHint;

// `greater` exceeds `lesser` in something `request` wants.
bool ExceedsWhereWanted(const Amounts& request, const Amounts& greater, const Amounts& lesser) {
  const auto exceeds = [](int64_t want, int64_t a, int64_t b) { return want > 0 && a > b; };
  if (exceeds(request.milli_cpu, greater.milli_cpu, lesser.milli_cpu)) return true;
  if (exceeds(request.memory_bytes, greater.memory_bytes, lesser.memory_bytes)) return true;
  if (exceeds(request.ephemeral_storage_bytes, greater.ephemeral_storage_bytes,
              lesser.ephemeral_storage_bytes)) {
    return true;
  }
  return std::any_of(request.scalars.begin(), request.scalars.end(), [&](const auto& entry) {
    return exceeds(entry.second, greater.Scalar(entry.first), lesser.Scalar(entry.first));
  });
}

}  // namespace

bool HasGrown(const Amounts& request, const api::scheduling::Allocatable& before,
              const api::scheduling::Allocatable& after) {
  return after.pods > before.pods || ExceedsWhereWanted(request, after.amounts, before.amounts);
}

absl::StatusOr<QueueingHint> AfterPodChange(const framework::PodInfo& pod,
                                            const google::protobuf::Message* old_object,
                                            const google::protobuf::Message* new_object) {
  const api::core::Pod* before = AsPod(old_object);
  const api::core::Pod* after = AsPod(new_object);
  if (before == nullptr) return absl::InternalError("event without the former pod");
  if (after == nullptr) return QueueIf(HasPlace(*before));
  if (IsSamePod(pod, *after)) return QueueingHint::kQueue;
  if (after->spec().node_name().empty()) return QueueingHint::kSkip;
  const bool shrank =
      ExceedsWhereWanted(pod.requests, api::scheduling::PodRequests(*before, {.use_status = true}),
                         api::scheduling::PodRequests(*after, {.use_status = true}));
  return QueueIf(shrank);
}

absl::StatusOr<QueueingHint> AfterClassChange(const framework::PodInfo& pod,
                                              const google::protobuf::Message* old_object,
                                              const google::protobuf::Message* new_object) {
  const auto* before = dynamic_cast<const api::dra::DeviceClass*>(old_object);
  const auto* after = dynamic_cast<const api::dra::DeviceClass*>(new_object);
  if (after == nullptr) return absl::InternalError("event without a device class");
  const std::string& resource = after->spec().extended_resource_name();
  const auto requests = [&](std::string_view name) {
    const auto& scalars = pod.requests.scalars;
    return std::any_of(scalars.begin(), scalars.end(),
                       [&](const auto& entry) { return entry.first.text() == name; });
  };
  if (before != nullptr) {
    if (before->spec().extended_resource_name() == resource) return QueueingHint::kSkip;
  } else if (requests(std::string(api::scheduling::kImplicitResourcePrefix) +
                      after->metadata().name())) {
    return QueueingHint::kQueue;
  }
  return QueueIf(!resource.empty() && requests(resource));
}

}  // namespace berth::plugins::node_resources_fit
