// `berth bench`: hands its arguments to the benchmark runner.
#include "bench/bench_main.h"
#include "program/command.h"

namespace berth::program {

int RunBench(int argc, char** argv) { return bench::BenchMain(argc, argv); }

}  // namespace berth::program
