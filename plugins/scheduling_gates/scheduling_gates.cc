#include "plugins/scheduling_gates/scheduling_gates.h"

#include <string>

#include "api/schema/core_v1_pod.pb.h"
#include "plugins/event_objects.h"

namespace berth::plugins::scheduling_gates {
namespace {

using framework::QueueingHint;

absl::StatusOr<QueueingHint> AfterGatesEliminated(const framework::PodInfo& pod,
                                                  const google::protobuf::Message*,
                                                  const google::protobuf::Message* new_object) {
  const api::core::Pod* changed = AsPod(new_object);
  if (changed == nullptr) return absl::InternalError("event without a pod");
  return IsSamePod(pod, *changed) ? QueueingHint::kQueue : QueueingHint::kSkip;
}

}  // namespace

absl::StatusOr<std::unique_ptr<framework::Plugin>> SchedulingGates::Create(
    const framework::PluginArgs&, framework::Handle&) {
  return std::make_unique<SchedulingGates>();
}

framework::Status SchedulingGates::PreEnqueue(const framework::PodInfo& pod) {
  const auto& gates = pod.object().spec().scheduling_gates();
  if (gates.empty()) return framework::Success();
  std::string text = "waiting for scheduling gates: [";
  for (int i = 0; i < gates.size(); ++i) {
    if (i > 0) text += ' ';
    text += gates[i].name();
  }
  return framework::Unresolvable(text + "]");
}

std::optional<std::vector<framework::ClusterEventWithHint>> SchedulingGates::EventsToRegister()
    const {
  return {{{{std::string(framework::kPodResource),
             framework::kUpdatePodSchedulingGatesEliminated, ""},
            AfterGatesEliminated}}};
}

}  // namespace berth::plugins::scheduling_gates
