// `berth scheduler`: hands its arguments to the scheduler program.
#include <fmt/core.h>

#include "program/command.h"

namespace berth::program {

int RunScheduler(int, char**) {
  fmt::print(stderr, "berth: scheduler is not built in yet\n");
  return 1;
}

}  // namespace berth::program
