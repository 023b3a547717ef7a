// EventHandlers: what the source shows, brought to the cache and the queue.
// Source: kube-scheduler eventhandlers.go; framework.md section 12.
#pragma once

#include <string>
#include <string_view>

#include "framework/cycle/engine_core.h"

namespace berth::framework {

// Threads: the engine's executor.
class EventHandlers {
 public:
  explicit EventHandlers(EngineCore& core) : core_(core) {}
  // Pods, nodes, and what plugins registered for.
  void Subscribe();

  void OnPod(const ObjectEvent& event);
  void OnNode(const ObjectEvent& event);
  void OnOther(const std::string& event_resource, const ObjectEvent& event);

 private:
  using PodObject = std::shared_ptr<const api::core::Pod>;
  void SubscribeOthers();
  void AssignedPod(const PodObject& old_pod, const PodObject& pod);
  void AssignedAdded(const PodPtr& pod);
  void AssignedUpdated(const PodObject& old_pod, const PodPtr& pod);
  void AssignedDeleted(const PodObject& pod);
  // bound: it got a node.
  void WaitingPodChanged(const PodObject& old_pod, const PodObject& pod, bool bound);
  void WaitingUpdated(const PodObject& old_pod, const PodObject& pod);
  void WaitingDeleted(const api::core::Pod& pod, bool bound);
  // Room comes back for pods of this or lower priority.
  void NominationGone(const api::core::Pod& pod);
  void DropAssumed(const api::core::Pod& pod);

  EngineCore& core_;
};

}  // namespace berth::framework
