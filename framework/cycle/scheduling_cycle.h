// The scheduling cycle: one pod from the queue to a reserved node, or to the failure handler.
// Source: kube-scheduler schedule_one.go (schedulingCycle); framework.md sections 3.1 and 3.2.
#pragma once

#include "framework/cycle/engine_core.h"

namespace berth::framework {

// Pops one pod and runs its cycle to the start of its binding cycle, or until its PostFilter
// plugins have something to wait for. The queue must be Ready, and no PostFilter at work.
void ScheduleOne(EngineCore& core);

}  // namespace berth::framework
