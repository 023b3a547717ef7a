#include "framework/cycle/event_handlers.h"

#include <set>
#include <utility>

#include <fmt/core.h>

#include "api/pod_phase.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/log.h"
#include "base/structured_log.h"
#include "framework/cycle/binding_cycle.h"
#include "framework/queue/pod_events.h"

namespace berth::framework {
namespace {

using api::core::Node;
using api::core::Pod;

// Pods that are over take no room and want none: to the scheduler they are not there.
std::shared_ptr<const Pod> LivingPod(const ObjectPtr& object) {
  auto pod = std::static_pointer_cast<const Pod>(object);
  return pod && !api::IsTerminal(*pod) ? pod : nullptr;
}

// what: upstream's "Scheduler cache AddPod failed" and the like.
void LogFailed(std::string_view what, std::string_view key, const absl::Status& status) {
  if (!status.ok()) BERTH_FAILURE(ToStd(status.message()), what, {"pod", key});
}

std::string KeyOf(const Pod& pod) {
  return pod.metadata().namespace_() + "/" + pod.metadata().name();
}

// "storage.k8s.io/CSINode" -> the row of csinodes; null when this build has no such resource.
const api::Resource* ResourceOfEvent(std::string_view name) {
  const size_t slash = name.find('/');
  const std::string_view group =
      slash == std::string_view::npos ? std::string_view() : name.substr(0, slash);
  const std::string_view kind =
      slash == std::string_view::npos ? name : name.substr(slash + 1);
  for (const api::Resource& row : api::Resources()) {
    if (row.group == group && row.kind == kind) return &row;
  }
  return nullptr;
}

// The other way round.
std::string EventNameOf(const api::Resource& resource) {
  return resource.group.empty() ? std::string(resource.kind)
                                : fmt::format("{}/{}", resource.group, resource.kind);
}

bool IsPodOrNode(std::string_view resource) {
  return resource == kPodResource || resource == kAssignedPodResource ||
         resource == kUnschedulablePodResource || resource == kNodeResource ||
         resource == kWildcardResource;
}

// Times the handling of one event for the metrics.
class HandlingTimer {
 public:
  HandlingTimer(EngineCore& core, const ClusterEvent& event)
      : core_(core), timed_(core.metrics.WantsDurations()) {
    if (!timed_) return;
    made_ = event.Label();
    label_ = made_;
    begin_ = core_.executor.clock().Now();
  }
  // label: lives longer.
  HandlingTimer(EngineCore& core, std::string_view label)
      : core_(core), timed_(core.metrics.WantsDurations()), label_(label) {
    if (timed_) begin_ = core_.executor.clock().Now();
  }
  ~HandlingTimer() {
    if (timed_) core_.metrics.EventHandling(label_, core_.executor.clock().Now() - begin_);
  }
  HandlingTimer(const HandlingTimer&) = delete;
  HandlingTimer& operator=(const HandlingTimer&) = delete;

 private:
  EngineCore& core_;
  const bool timed_;
  std::string made_;
  std::string_view label_;
  absl::Time begin_;
};

}  // namespace

void EventHandlers::Subscribe() {
  const auto alive = core_.lifetime.Watch();
  // Nodes first: a source that replays both lists then shows no pods on unknown nodes.
  core_.source.Subscribe(api::ResourceOf<Node>(), [this, alive](const ObjectEvent& event) {
    if (!alive.expired()) OnNode(event);
  });
  core_.source.Subscribe(api::ResourceOf<Pod>(), [this, alive](const ObjectEvent& event) {
    if (!alive.expired()) OnPod(event);
  });
  SubscribeOthers();
}

void EventHandlers::SubscribeOthers() {
  std::set<std::string> wanted;
  const bool extenders = !core_.extender_talk.extenders().empty();
  for (const ProfileUnit* unit : core_.unit_order) {
    for (const RegisteredEvent& registered : unit->profile->ForQueue(extenders).events) {
      if (!IsPodOrNode(registered.event.resource)) wanted.insert(registered.event.resource);
    }
  }
  for (const api::Resource* resource : core_.wanted_objects) {
    const std::string name = EventNameOf(*resource);
    if (wanted.contains(name)) continue;  // below
    core_.watched_objects.insert(name);
    core_.source.Subscribe(*resource, [this, alive = core_.lifetime.Watch()](const ObjectEvent&) {
      if (!alive.expired()) ++core_.objects_generation;
    });
  }
  for (const std::string& name : wanted) {
    const api::Resource* resource = ResourceOfEvent(name);
    if (resource == nullptr) {
      BERTH_LOG(kInfo, "no such resource to watch resource={}", name);
      continue;
    }
    core_.watched_objects.insert(name);
    core_.source.Subscribe(*resource, [this, alive = core_.lifetime.Watch(),
                                       name](const ObjectEvent& event) {
      if (!alive.expired()) OnOther(name, event);
    });
  }
}

// --- nodes and others --------------------------------------------------------------------------

void EventHandlers::OnNode(const ObjectEvent& event) {
  const auto old_node = std::static_pointer_cast<const Node>(event.old_object);
  const auto node = std::static_pointer_cast<const Node>(event.new_object);
  if (event.kind == ObjectEvent::Kind::kDeleted) {
    HandlingTimer timer(core_, NodeDeleteEvent());
    BERTH_INFO(3, "Delete event for node", {"node", old_node->metadata().name()});
    core_.queue->MoveAllToActiveOrBackoff(NodeDeleteEvent(), old_node, nullptr);
    core_.cache.RemoveNode(old_node->metadata().name());
  } else if (event.kind == ObjectEvent::Kind::kAdded) {
    HandlingTimer timer(core_, NodeAddEvent());
    BERTH_INFO(3, "Add event for node", {"node", node->metadata().name()});
    core_.cache.SetNode(node);
    core_.queue->MoveAllToActiveOrBackoff(NodeAddEvent(), nullptr, node);
  } else {
    core_.cache.SetNode(node);
    for (const ClusterEvent& change : NodeChangeEvents(*old_node, *node)) {
      HandlingTimer timer(core_, change);
      core_.queue->MoveAllToActiveOrBackoff(change, old_node, node);
    }
  }
  core_.bindings->OnSourceProgress();
  core_.Kick();
}

void EventHandlers::OnOther(const std::string& event_resource, const ObjectEvent& event) {
  ++core_.objects_generation;
  ActionType action = kUpdate;
  if (event.kind == ObjectEvent::Kind::kAdded) action = kAdd;
  if (event.kind == ObjectEvent::Kind::kDeleted) action = kDelete;
  const ClusterEvent change{event_resource, action, {}};
  HandlingTimer timer(core_, change);
  core_.queue->MoveAllToActiveOrBackoff(change, event.old_object, event.new_object);
  core_.Kick();
}

// --- pods --------------------------------------------------------------------------------------

void EventHandlers::OnPod(const ObjectEvent& event) {
  const PodObject old_pod = LivingPod(event.old_object);
  const PodObject pod = LivingPod(event.new_object);
  const PodGroupFeatures& groups = core_.options.pod_groups;
  if (groups.generic_workload && (old_pod || pod)) core_.pod_groups.Change(old_pod, pod);
  const auto assigned = [](const PodObject& p) { return p && !p->spec().node_name().empty(); };
  const auto waiting = [](const PodObject& p) { return p && p->spec().node_name().empty(); };
  if (waiting(old_pod) || waiting(pod)) {
    WaitingPodChanged(waiting(old_pod) ? old_pod : nullptr, waiting(pod) ? pod : nullptr,
                      /*bound=*/assigned(pod));
  }
  if (assigned(old_pod) || assigned(pod)) {
    AssignedPod(assigned(old_pod) ? old_pod : nullptr, assigned(pod) ? pod : nullptr);
  }
  core_.bindings->OnSourceProgress();
  core_.Kick();
}

void EventHandlers::AssignedPod(const PodObject& old_pod, const PodObject& pod) {
  if (!pod) return AssignedDeleted(old_pod);
  const PodPtr info = core_.templates.Make(pod, core_.cache.FindPod(pod->metadata().uid()));
  if (old_pod) return AssignedUpdated(old_pod, info);
  AssignedAdded(info);
}

void EventHandlers::AssignedAdded(const PodPtr& pod) {
  HandlingTimer timer(core_, "AssignedPodAdd");
  BERTH_INFO(3, "Add event for scheduled pod", {"pod", pod->key});
  LogFailed("Scheduler cache AddPod failed", pod->key, core_.cache.AddPod(pod));
  core_.queue->MoveAllToActiveOrBackoff(AssignedPodAddEvent(), nullptr, pod->shared_object());
}

void EventHandlers::AssignedUpdated(const PodObject& old_pod, const PodPtr& pod) {
  BERTH_INFO(4, "Update event for scheduled pod", {"pod", pod->key});
  PodPtr before = core_.cache.FindPod(pod->uid);
  LogFailed("Scheduler cache UpdatePod failed", pod->key, core_.cache.UpdatePod(pod));
  if (!before) before = PodInfo::Make(old_pod);
  for (const ClusterEvent& event : PodChangeEvents(kAssignedPodResource, *before, *pod)) {
    HandlingTimer timer(core_, event);
    core_.queue->MoveAllToActiveOrBackoff(event, old_pod, pod->shared_object());
  }
}

void EventHandlers::AssignedDeleted(const PodObject& pod) {
  HandlingTimer timer(core_, "AssignedPodDelete");
  BERTH_INFO(3, "Delete event for scheduled pod", {"pod", KeyOf(*pod)});
  core_.waiting.Reject(pod->metadata().uid());
  PodPtr known = core_.cache.FindPod(pod->metadata().uid());
  if (!known) known = PodInfo::Make(pod);
  LogFailed("Scheduler cache RemovePod failed", known->key, core_.cache.RemovePod(*known));
  core_.queue->MoveAllToActiveOrBackoff(AssignedPodDeleteEvent(), pod, nullptr);
}

// --- pods without a node -----------------------------------------------------------------------

void EventHandlers::WaitingPodChanged(const PodObject& old_pod, const PodObject& pod,
                                      bool bound) {
  const PodObject& known = pod ? pod : old_pod;
  if (core_.UnitOf(known->spec().scheduler_name()) == nullptr) return;
  if (!old_pod) {
    HandlingTimer timer(core_, "UnschedulablePodAdd");
    BERTH_INFO(3, "Add event for unscheduled pod", {"pod", KeyOf(*pod)});
    core_.queue->Add(core_.templates.Make(pod));
    // It may complete a gang.
    if (core_.options.pod_groups.gang_scheduling && !PodGroupOf(*pod).empty()) {
      core_.queue->MoveAllToActiveOrBackoff(UnschedulablePodAddEvent(), nullptr, pod);
    }
  } else if (!pod) {
    HandlingTimer timer(core_, "UnschedulablePodDelete");
    BERTH_INFO(3, "Delete event for unscheduled pod", {"pod", KeyOf(*old_pod)});
    WaitingDeleted(*old_pod, bound);
  } else {
    HandlingTimer timer(core_, "UnschedulablePodUpdate");
    BERTH_INFO(4, "Update event for unscheduled pod", {"pod", KeyOf(*pod)});
    WaitingUpdated(old_pod, pod);
  }
}

void EventHandlers::WaitingUpdated(const PodObject& old_pod, const PodObject& pod) {
  const std::string& revision = pod->metadata().resource_version();
  if (!revision.empty() && revision == old_pod->metadata().resource_version()) return;
  if (core_.cache.IsAssumed(pod->metadata().uid())) {
    if (pod->metadata().has_deletion_timestamp()) DropAssumed(*pod);
    return;
  }
  PodPtr before;
  if (const QueueEntry* held = core_.queue->Find(KeyOf(*pod))) before = held->pod;
  const PodPtr info = core_.templates.Make(pod, before);
  if (!before || before->uid != info->uid) before = PodInfo::Make(old_pod);
  core_.queue->Update(before, info);
  if (!before->nominated_node_name.empty() &&
      before->nominated_node_name != info->nominated_node_name) {
    NominationGone(*old_pod);
  }
}

// It was given a node but is to go: whoever waits for Permit is told; else the room comes back now.
void EventHandlers::DropAssumed(const Pod& pod) {
  if (core_.waiting.Reject(pod.metadata().uid())) return;
  const PodPtr assumed = core_.cache.FindPod(pod.metadata().uid());
  LogFailed("Scheduler cache ForgetPod failed", assumed->key, core_.cache.ForgetPod(*assumed));
  TellForgotten(core_, assumed, false);
}

void EventHandlers::WaitingDeleted(const Pod& pod, bool bound) {
  const api::meta::ObjectMeta& metadata = pod.metadata();
  core_.queue->Delete(KeyOf(pod), metadata.uid());
  if (bound) return;
  // Given a node and never seen there: it is gone, or was over before a list could show it.
  if (core_.cache.IsAssumed(metadata.uid())) DropAssumed(pod);
  if (!pod.status().nominated_node_name().empty()) NominationGone(pod);
}

void EventHandlers::NominationGone(const Pod& pod) {
  const int32_t priority = pod.spec().priority();
  core_.queue->MoveAllToActiveOrBackoff(
      AssignedPodDeleteEvent(), std::make_shared<const Pod>(pod), nullptr,
      [priority](const PodInfo& waiting) { return waiting.priority <= priority; });
}

}  // namespace berth::framework
