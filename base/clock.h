// Time as a parameter. Everything that takes time takes a Clock; nothing outside base/ and the
// mains reads the real one.
#pragma once

#include <atomic>

#include <absl/time/time.h>

namespace berth {

// Threads: Now may be called from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() const = 0;
};

// Wall clock.
class RealClock final : public Clock {
 public:
  absl::Time Now() const override;
  // One shared instance, never destroyed.
  static RealClock& Get();
};

// Starts at the Unix epoch (or `start`) and moves only when told to.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(absl::Time start = absl::UnixEpoch()) : nanos_(absl::ToUnixNanos(start)) {}
  absl::Time Now() const override { return absl::FromUnixNanos(nanos_.load()); }
  void Advance(absl::Duration by) { nanos_ += absl::ToInt64Nanoseconds(by); }
  // Never moves backwards: an earlier time is ignored.
  void AdvanceTo(absl::Time when);

 private:
  std::atomic<int64_t> nanos_;
};

}  // namespace berth
