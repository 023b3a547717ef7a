#include "framework/queue/backoff.h"

#include <algorithm>

namespace berth::framework {

absl::Duration Backoff::DurationFor(int32_t count) const {
  if (options_.max == absl::ZeroDuration() || count == 0) return absl::ZeroDuration();
  absl::Duration duration = options_.initial;
  for (int32_t i = 1; i < count && duration <= options_.max; ++i) duration *= 2;
  return std::min(duration, options_.max);
}

absl::Time Backoff::Align(absl::Time time) const {
  return options_.whole_seconds ? absl::FromUnixSeconds(absl::ToUnixSeconds(time)) : time;
}

absl::Time Backoff::Expiration(QueuedPodInfo& pod) const {
  if (pod.backoff_expiration != absl::InfinitePast()) return pod.backoff_expiration;
  const int32_t count = pod.consecutive_errors_count > 0 ? pod.consecutive_errors_count
                                                         : pod.unschedulable_count;
  const absl::Duration duration = DurationFor(count);
  if (duration == absl::ZeroDuration()) return absl::InfinitePast();
  pod.backoff_expiration = Align(pod.timestamp + duration);
  return pod.backoff_expiration;
}

bool Backoff::IsBackingOff(QueuedPodInfo& pod, absl::Time now) const {
  return !(Expiration(pod) < Align(now));
}

}  // namespace berth::framework
