#include "framework/profile/registered_events.h"

namespace berth::framework {
namespace {

constexpr std::string_view kEverything[] = {
    "Pod",
    "Node",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "storage.k8s.io/CSINode",
    "storage.k8s.io/CSIDriver",
    "storage.k8s.io/CSIStorageCapacity",
    "storage.k8s.io/StorageClass",
    "resource.k8s.io/ResourceClaim",
    "resource.k8s.io/DeviceClass",
};

}  // namespace

void RegisteredEvents::AddOne(std::string_view plugin, const ClusterEvent& event,
                              const QueueingHintFn& hint) {
  of_plugin[std::string(plugin)].push_back(event);
  for (RegisteredEvent& held : list) {
    if (!(held.event == event)) continue;
    held.hints.push_back({std::string(plugin), hint});
    return;
  }
  list.push_back({event, {{std::string(plugin), hint}}});
}

void RegisteredEvents::AddEverything(std::string_view name) {
  for (std::string_view resource : kEverything) {
    AddOne(name, {std::string(resource), kAllActions, {}}, nullptr);
  }
}

void RegisteredEvents::Add(std::string_view name, const Plugin& plugin) {
  if (of_plugin.contains(name)) return;
  of_plugin.try_emplace(std::string(name));
  const auto registered = plugin.EventsToRegister();
  if (!registered) return AddEverything(name);
  bool hears_new_nodes = false, hears_taints = false;
  for (const ClusterEventWithHint& entry : *registered) {
    AddOne(name, entry.event, entry.hint);
    if (entry.event.resource != kNodeResource) continue;
    hears_new_nodes |= (entry.event.action & kAdd) != 0;
    hears_taints |= (entry.event.action & kUpdateNodeTaint) != 0;
  }
  if (hears_new_nodes && !hears_taints) {
    AddOne(name, {std::string(kNodeResource), kUpdateNodeTaint, {}}, nullptr);
  }
}

}  // namespace berth::framework
