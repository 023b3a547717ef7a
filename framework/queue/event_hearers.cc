#include "framework/queue/event_hearers.h"

#include <algorithm>

namespace berth::framework {

EventHearers::OfProfile& EventHearers::Of(const QueueProfile& profile) {
  for (OfProfile& each : profiles_) {
    if (each.profile == &profile) return each;
  }
  OfProfile& added = profiles_.emplace_back();
  added.profile = &profile;
  for (const RegisteredEvent& registered : profile.events) {
    if (!registered.event.Matches(event_)) continue;
    for (const RegisteredHint& hint : registered.hints) added.registered.push_back(&hint);
  }
  return added;
}

const EventHearers::Hints& EventHearers::HintsFor(const QueueProfile& profile,
                                                  const QueuedPodInfo& pod) {
  OfProfile& of = Of(profile);
  if (of.unschedulable_plugins == pod.unschedulable_plugins &&
      of.pending_plugins == pod.pending_plugins) {
    return of.hints;  // at first of no plugin, thus none
  }
  of.unschedulable_plugins = pod.unschedulable_plugins;
  of.pending_plugins = pod.pending_plugins;
  of.hints.clear();
  for (const RegisteredHint* hint : of.registered) {
    if (pod.unschedulable_plugins.contains(hint->plugin) ||
        pod.pending_plugins.contains(hint->plugin)) {
      of.hints.push_back(hint);
    }
  }
  return of.hints;
}

bool EventHearers::Hears(const QueueProfile* profile, std::string_view plugin) {
  if (profile == nullptr) return false;
  OfProfile& of = Of(*profile);
  if (of.plugin == plugin) return of.plugin_hears;
  of.plugin = plugin;
  const auto it = profile->events_of_plugin.find(plugin);
  of.plugin_hears = it != profile->events_of_plugin.end() &&
                    std::any_of(it->second.begin(), it->second.end(),
                                [&](const ClusterEvent& each) { return each.Matches(event_); });
  return of.plugin_hears;
}

uint64_t& DeafPods::Before(const ClusterEvent& event) {
  for (OfKind& each : known_) {
    if (each.action == event.action && each.resource == event.resource) return each.before;
  }
  if (known_.size() == kKindsMax) known_.clear();
  return known_.emplace_back(OfKind{event.resource, event.action, 0}).before;
}

}  // namespace berth::framework
