// EventHearers: who is to be asked about one event, found once for all pods that wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/inlined_vector.h>

#include "framework/events.h"
#include "framework/queue/queue_profile.h"
#include "framework/queued_pod_info.h"

namespace berth::framework {

// Threads: none. The event and the profiles must outlive it.
class EventHearers {
 public:
  explicit EventHearers(const ClusterEvent& event) : event_(event) {}

  const ClusterEvent& event() const { return event_; }
  using Hints = std::vector<const RegisteredHint*>;
  // Hints registered for the event by plugins that rejected the pod, in order of registration.
  // Valid until the next call. Cost: small when it was rejected by the same as the one before.
  const Hints& HintsFor(const QueueProfile& profile, const QueuedPodInfo& pod);
  // Whether that plugin registered for the event. profile: null: no.
  bool Hears(const QueueProfile* profile, std::string_view plugin);
  // Nobody who rejected the pod registered for the event: it is not worth another try.
  bool IsDeaf(const QueueProfile* profile, const QueuedPodInfo& pod) {
    return !event_.IsWildcard() && profile != nullptr && pod.has_rejectors() &&
           HintsFor(*profile, pod).empty();
  }

 private:
  struct OfProfile {
    const QueueProfile* profile = nullptr;
    Hints registered;
    // Of pods that these rejected.
    std::set<std::string, std::less<>> unschedulable_plugins, pending_plugins;
    Hints hints;
    std::string plugin;  // asked about last; empty: none was
    bool plugin_hears = false;
  };
  OfProfile& Of(const QueueProfile& profile);

  const ClusterEvent& event_;
  absl::InlinedVector<OfProfile, 1> profiles_;
};

// What is known of waiting pods, numbered in the order of parking, that events of a kind need not
// be shown to (EventHearers::IsDeaf), so that each of them is looked at once, not for each event.
class DeafPods {
 public:
  // All that were parked before this number are deaf to such events: to be raised by who finds more
  // of them. Valid until the next call.
  uint64_t& Before(const ClusterEvent& event);
  // A pod was rejected by others while it was parked.
  void Forget() { known_.clear(); }

 private:
  static constexpr size_t kKindsMax = 64;
  struct OfKind {
    std::string resource;
    ActionType action = 0;
    uint64_t before = 0;
  };
  std::vector<OfKind> known_;
};

}  // namespace berth::framework
