// `berth bench`: runs scheduler_perf workloads and reports.
#pragma once

namespace berth::bench {

// argv[0] is shown as the program's name. Returns the exit code: 0 all ran and met their
// thresholds, 1 one did not, 2 bad arguments.
int BenchMain(int argc, char** argv);

}  // namespace berth::bench
