#include "framework/queue/event_hearers.h"

#include <algorithm>

namespace berth::framework {

EventHearers::OfProfile& EventHearers::Of(const QueueProfile& profile) {
  for (OfProfile& each : profiles_) {
    if (each.profile == &profile) return each;
  }
  OfProfile& added = profiles_.emplace_back();
  added.profile = &profile;
  return added;
}

const std::vector<const RegisteredHint*>& EventHearers::HintsOf(const QueueProfile& profile) {
  OfProfile& of = Of(profile);
  if (of.hints_found) return of.hints;
  of.hints_found = true;
  for (const RegisteredEvent& registered : profile.events) {
    if (!registered.event.Matches(event_)) continue;
    for (const RegisteredHint& hint : registered.hints) of.hints.push_back(&hint);
  }
  return of.hints;
}

bool EventHearers::Hears(const QueueProfile& profile, std::string_view plugin) {
  OfProfile& of = Of(profile);
  if (of.plugin == plugin) return of.plugin_hears;
  of.plugin = plugin;
  const auto it = profile.events_of_plugin.find(plugin);
  of.plugin_hears = it != profile.events_of_plugin.end() &&
                    std::any_of(it->second.begin(), it->second.end(),
                                [&](const ClusterEvent& each) { return each.Matches(event_); });
  return of.plugin_hears;
}

}  // namespace berth::framework
