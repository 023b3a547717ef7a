// EventHearers: who is to be asked about one event, found once for all pods that wait.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <absl/container/inlined_vector.h>

#include "framework/events.h"
#include "framework/queue/queue_profile.h"

namespace berth::framework {

// Threads: none. The event and the profiles must outlive it.
class EventHearers {
 public:
  explicit EventHearers(const ClusterEvent& event) : event_(event) {}

  const ClusterEvent& event() const { return event_; }
  // Hints that are registered for the event, in order of registration. Valid until the next call.
  const std::vector<const RegisteredHint*>& HintsOf(const QueueProfile& profile);
  // Whether that plugin registered for the event.
  bool Hears(const QueueProfile& profile, std::string_view plugin);

 private:
  struct OfProfile {
    const QueueProfile* profile = nullptr;
    bool hints_found = false;
    std::vector<const RegisteredHint*> hints;
    std::string plugin;  // asked about last; empty: none was
    bool plugin_hears = false;
  };
  OfProfile& Of(const QueueProfile& profile);

  const ClusterEvent& event_;
  absl::InlinedVector<OfProfile, 1> profiles_;
};

}  // namespace berth::framework
