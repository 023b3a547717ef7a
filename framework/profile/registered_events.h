// Which events a profile's plugins registered, gathered for the queue.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/strings.h"
#include "framework/plugin.h"
#include "framework/queue/queue_profile.h"

namespace berth::framework {

// A plugin that does not say (nullopt) hears of everything; one that hears of new nodes also hears
// of taints that go, since a taint may have kept the node away (framework.md section 10).
struct RegisteredEvents {
  // A plugin is asked once, however many points it has.
  void Add(std::string_view name, const Plugin& plugin);

  // Any event makes the pod that `name` rejected worth another look.
  void AddEverything(std::string_view name);

  std::vector<RegisteredEvent> list;
  StringMap<std::vector<ClusterEvent>> of_plugin;

 private:
  void AddOne(std::string_view plugin, const ClusterEvent& event, const QueueingHintFn& hint);
};

}  // namespace berth::framework
