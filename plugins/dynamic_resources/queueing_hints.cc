#include "plugins/dynamic_resources/queueing_hints.h"

#include <algorithm>

#include <google/protobuf/util/message_differencer.h>

#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/resource_v1.pb.h"
#include "framework/pod_info.h"
#include "plugins/event_objects.h"

namespace berth::plugins::dynamic_resources {

using framework::PodInfo;
using framework::QueueingHint;
using google::protobuf::Message;

absl::StatusOr<QueueingHint> AfterClaimChange(const PodInfo& pod, const Message* old_object,
                                              const Message* new_object, const FindClaim& find) {
  const auto* before = dynamic_cast<const api::dra::ResourceClaim*>(old_object);
  const auto* after = dynamic_cast<const api::dra::ResourceClaim*>(new_object);
  if (after == nullptr) return absl::InternalError("event without a claim");
  const bool freed = before != nullptr && before->status().has_allocation() &&
                     !after->status().has_allocation();
  if (!freed && !NamesClaim(pod.object(), *after)) return QueueingHint::kSkip;
  const PodClaims held = ClaimsOf(pod.object(), find);
  if (!held.problem.empty()) return QueueingHint::kSkip;
  if (freed) return QueueingHint::kQueue;
  const bool uses = std::any_of(held.claims.begin(), held.claims.end(), [&](const auto& claim) {
    return claim->metadata().uid() == after->metadata().uid();
  });
  if (!uses) return QueueingHint::kSkip;
  if (before == nullptr) return QueueingHint::kQueue;
  return google::protobuf::util::MessageDifferencer::Equals(before->status(), after->status())
             ? QueueingHint::kSkip
             : QueueingHint::kQueue;
}

absl::StatusOr<QueueingHint> AfterPodChange(const PodInfo& pod, const Message*,
                                            const Message* new_object, const FindClaim& find) {
  const api::core::Pod* after = AsPod(new_object);
  if (after == nullptr) return absl::InternalError("event without a pod");
  if (!IsSamePod(pod, *after)) return QueueingHint::kSkip;
  return ClaimsOf(*after, find).problem.empty() ? QueueingHint::kQueue : QueueingHint::kSkip;
}

}  // namespace berth::plugins::dynamic_resources
