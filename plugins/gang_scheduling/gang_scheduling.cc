#include "plugins/gang_scheduling/gang_scheduling.h"

#include <string>
#include <utility>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/scheduling_v1alpha2.pb.h"
#include "framework/handle.h"
#include "framework/object_source.h"
#include "framework/pod_group.h"
#include "plugins/event_objects.h"

namespace berth::plugins::gang_scheduling {
namespace {

using framework::PodGroupOf;
using framework::PodInfo;
using framework::QueueingHint;
using framework::Status;
using api::gang::PodGroup;

constexpr absl::Duration kPermitTimeout = absl::Minutes(5);

absl::StatusOr<QueueingHint> AfterPodAdded(const PodInfo& pod, const google::protobuf::Message*,
                                           const google::protobuf::Message* new_object) {
  const api::core::Pod* added = AsPod(new_object);
  if (added == nullptr) return absl::InternalError("event without a pod");
  const bool same = !PodGroupOf(pod).empty() && PodGroupOf(pod) == PodGroupOf(*added) &&
                    pod.namespace_name == added->metadata().namespace_();
  return same ? QueueingHint::kQueue : QueueingHint::kSkip;
}

absl::StatusOr<QueueingHint> AfterGroupAdded(const PodInfo& pod, const google::protobuf::Message*,
                                             const google::protobuf::Message* new_object) {
  const auto* added = dynamic_cast<const PodGroup*>(new_object);
  if (added == nullptr) return absl::InternalError("event without a pod group");
  const bool own = PodGroupOf(pod) == added->metadata().name() &&
                   pod.namespace_name == added->metadata().namespace_();
  return own ? QueueingHint::kQueue : QueueingHint::kSkip;
}

}  // namespace

GangScheduling::GangScheduling(framework::Handle& handle) : handle_(handle) {}

Status GangScheduling::PreEnqueue(const PodInfo& pod) {
  if (PodGroupOf(pod).empty()) return framework::Success();
  const auto group = framework::FindPodGroup(handle_.objects(), pod);
  if (group == nullptr) {
    return framework::Unresolvable(
        fmt::format("waiting for pods's pod group {} to appear in scheduling queue",
                    api::GoQuoted(PodGroupOf(pod))));
  }
  const auto& policy = group->spec().scheduling_policy();
  if (!policy.has_gang()) return framework::Success();
  const auto counts = handle_.CountMembers(pod.namespace_name, PodGroupOf(pod));
  if (counts.all >= policy.gang().min_count()) return framework::Success();
  return framework::Unresolvable(
      "waiting for minCount pods from a gang to appear in scheduling queue");
}

framework::PermitResult GangScheduling::Permit(framework::CycleState& state, const PodInfo& pod,
                                               std::string_view) {
  if (PodGroupOf(pod).empty()) return {};
  const auto group = framework::FindPodGroup(handle_.objects(), pod);
  if (group == nullptr) {
    return {framework::Error(fmt::format("podgroup.scheduling.k8s.io {} not found",
                                         api::GoQuoted(PodGroupOf(pod)))),
            {}};
  }
  const auto& policy = group->spec().scheduling_policy();
  if (!policy.has_gang()) return {};
  const std::string_view name = PodGroupOf(pod);
  if (handle_.CountMembers(pod.namespace_name, name).placed < policy.gang().min_count()) {
    if (state.pod_group_cycle == framework::PodGroupCycle::kNone) {
      std::vector<std::string> keys;
      for (const auto& member : handle_.MembersOf(pod.namespace_name, name).waiting) {
        keys.push_back(member->metadata().namespace_() + "/" + member->metadata().name());
      }
      handle_.Activate(keys);
    }
    return {framework::Wait("waiting for minCount pods from a gang to be scheduled"),
            kPermitTimeout};
  }
  if (state.pod_group_cycle != framework::PodGroupCycle::kPass) {
    for (const auto& member : handle_.MembersOf(pod.namespace_name, name).assumed) {
      framework::WaitingPod* waiting = handle_.FindWaitingPod(member->metadata().uid());
      if (waiting != nullptr) waiting->Allow(kName);
    }
  }
  return {};
}

std::optional<std::vector<framework::ClusterEventWithHint>> GangScheduling::EventsToRegister()
    const {
  return {{{{std::string(framework::kPodResource), framework::kAdd, ""}, AfterPodAdded},
           {{"scheduling.k8s.io/PodGroup", framework::kAdd, ""}, AfterGroupAdded}}};
}

}  // namespace berth::plugins::gang_scheduling
