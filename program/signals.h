// SIGINT, SIGTERM and SIGUSR2 for a program of threads: blocked everywhere, taken here.
#pragma once

#include <functional>

#include <absl/time/time.h>

namespace berth::program {

// Make one in main before any thread; it also ignores SIGPIPE and raises the limit of open files
// to what is allowed.
class StopSignals {
 public:
  StopSignals();
  // Waits up to `time`. True when a stop was asked for; from then on a further signal ends the
  // process at once.
  bool Wait(absl::Duration time);
  // At SIGUSR2, within Wait; unset: nothing is done.
  std::function<void()> on_dump;
};

}  // namespace berth::program
