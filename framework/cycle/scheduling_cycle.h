// The scheduling cycle: one pod from the queue to a reserved node, or to the failure handler.
// Source: kube-scheduler schedule_one.go (schedulingCycle); framework.md sections 3.1 and 3.2.
#pragma once

#include <memory>

#include "framework/cycle/engine_core.h"

namespace berth::framework {

struct BindingCycle;

// Pops one pod and runs its cycle to the start of its binding cycle, or until its PostFilter
// plugins have something to wait for. The queue must be Ready, and no PostFilter at work.
void ScheduleOne(EngineCore& core);

// Whether the pod is not to be scheduled now: it is to go (and is told so), or has a node already.
bool SkipPod(EngineCore& core, const PodInfo& pod);
// Whether the source still shows this very pod, without a node and not about to go: for attempts
// that were interrupted.
bool StillWanted(const EngineCore& core, const PodInfo& pod);
// Assume, Reserve, Permit, and off to the binding cycle.
void Place(EngineCore& core, std::unique_ptr<BindingCycle> cycle);

}  // namespace berth::framework
