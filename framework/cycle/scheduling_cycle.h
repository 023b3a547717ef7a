// The scheduling cycle: one pod from the queue to a reserved node, or to the failure handler.
// Source: kube-scheduler schedule_one.go (schedulingCycle); framework.md sections 3.1 and 3.2.
#pragma once

#include "framework/cycle/engine_core.h"

namespace berth::framework {

// Pops one pod and runs its cycle to the start of its binding cycle. The queue must be Ready.
void ScheduleOne(EngineCore& core);

}  // namespace berth::framework
