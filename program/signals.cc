#include "program/signals.h"

#include <csignal>
#include <ctime>

#include <sys/resource.h>

namespace berth::program {
namespace {

sigset_t StopSet() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGUSR2);
  return set;
}

}  // namespace

StopSignals::StopSignals() {
  const sigset_t set = StopSet();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
}

bool StopSignals::Wait(absl::Duration time) {
  const sigset_t set = StopSet();
  const timespec limit = absl::ToTimespec(time);
  const int signal = sigtimedwait(&set, nullptr, &limit);
  if (signal < 0) return false;
  if (signal == SIGUSR2) {
    if (on_dump) on_dump();
    return false;
  }
  // A started job in the background inherits "ignore": the second signal must end it all the same.
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGUSR2, SIG_IGN);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  return true;
}

}  // namespace berth::program
