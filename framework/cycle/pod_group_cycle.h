// The scheduling cycle of a pod group: all members that wait are placed on one snapshot, one after
// the other, each seeing those before it; then all that is decided happens, or nothing does.
//
//   pop the group -> [ for each placement: Filter..Permit of each member, on the snapshot ]
//                 -> the best result -> bind the members, or put them all back
//
// Source: kube-scheduler schedule_one_podgroup.go; framework.md section 9. Alpha upstream.
#pragma once

#include "framework/cycle/engine_core.h"

namespace berth::framework {

// entry: one of the group, just popped; the others are taken from the queue. No other cycle runs
// until it is over.
void SchedulePodGroup(EngineCore& core, QueueEntryPtr entry);

}  // namespace berth::framework
