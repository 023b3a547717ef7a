// `berth scheduler`: hands its arguments to the scheduler program.
#include "program/command.h"
#include "scheduler-main/scheduler_main.h"

namespace berth::program {

int RunScheduler(int argc, char** argv) { return SchedulerMain(argc, argv); }

}  // namespace berth::program
