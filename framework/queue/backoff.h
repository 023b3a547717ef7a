// How long a pod waits before it is tried again (queue.md section 3).
#pragma once

#include <absl/time/time.h>

#include "framework/queued_pod_info.h"

namespace berth::framework {

struct BackoffOptions {
  absl::Duration initial = absl::Seconds(1);
  absl::Duration max = absl::Seconds(10);  // zero: no backoff
  // Expirations are whole seconds, so that pods of one second leave in queue order.
  bool whole_seconds = true;
};

// Threads: none.
class Backoff {
 public:
  explicit Backoff(const BackoffOptions& options) : options_(options) {}
  // initial, doubled for each failed attempt after the first, at most max; zero for count 0.
  absl::Duration DurationFor(int32_t count) const;
  // When the pod's backoff ends; InfinitePast when it has none. Kept in the pod.
  absl::Time Expiration(QueuedPodInfo& pod) const;
  // A backoff that ends in the present second is not over yet.
  bool IsBackingOff(QueuedPodInfo& pod, absl::Time now) const;
  absl::Time Align(absl::Time time) const;

 private:
  BackoffOptions options_;
};

}  // namespace berth::framework
