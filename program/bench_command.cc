// `berth bench`: hands its arguments to the benchmark runner.
#include <fmt/core.h>

#include "program/command.h"

namespace berth::program {

int RunBench(int, char**) {
  fmt::print(stderr, "berth: bench is not built in yet\n");
  return 1;
}

}  // namespace berth::program
