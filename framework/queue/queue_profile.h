// What the queue needs of a profile: gates, hints, and signatures.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/strings.h"
#include "framework/events.h"
#include "framework/plugin.h"

namespace berth::framework {

class PluginTimes;

struct RegisteredHint {
  std::string plugin;
  QueueingHintFn hint;  // null: always kQueue
};
struct RegisteredEvent {
  ClusterEvent event;
  std::vector<RegisteredHint> hints;
};

struct QueueProfile {
  std::vector<PreEnqueuePlugin*> pre_enqueue;
  std::vector<RegisteredEvent> events;                   // in order of registration
  StringMap<std::vector<ClusterEvent>> events_of_plugin;
  // The pod's signature; empty: results are never shared. May be null. times: null, or told of each
  // plugin's part.
  std::function<std::string(const PodInfo&, PluginTimes* times)> sign;
};

}  // namespace berth::framework
