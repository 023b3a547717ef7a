// QueuedPodInfo: a pod in the queue with its history of attempts (queue.md section 1).
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include <absl/time/time.h>

#include "framework/pod_info.h"

namespace berth::framework {

struct QueuedPodInfo {
  PodPtr pod;
  absl::Time timestamp;                  // added, or back after a failed attempt
  absl::Time initial_attempt_timestamp = absl::InfiniteFuture();  // first time in activeQ
  absl::Time backoff_expiration = absl::InfinitePast();           // cached; past: not set
  int32_t attempts = 0;                  // number of Pops
  int32_t unschedulable_count = 0;       // attempts rejected by plugins
  int32_t consecutive_errors_count = 0;  // attempts in a row that ended in error
  std::set<std::string, std::less<>> unschedulable_plugins;  // rejectors of the last attempt
  std::set<std::string, std::less<>> pending_plugins;
  std::string gating_plugin;             // PreEnqueue plugin that blocks it now
  bool was_flushed_from_unschedulable = false;
  std::string signature;                 // empty: results are never shared

  bool gated() const { return !gating_plugin.empty(); }
  bool rejected_by(std::string_view plugin) const {
    return unschedulable_plugins.contains(plugin) || pending_plugins.contains(plugin);
  }
  bool has_rejectors() const {
    return !unschedulable_plugins.empty() || !pending_plugins.empty();
  }
};

}  // namespace berth::framework
