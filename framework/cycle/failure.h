// What happens to a pod whose attempt failed: back to the queue, an event, a condition.
// Source: kube-scheduler schedule_one.go (handleSchedulingFailure); framework.md section 5.
#pragma once

#include <optional>
#include <string>

#include "framework/cycle/engine_core.h"
#include "framework/cycle/fit_error.h"

namespace berth::framework {

struct Failure {
  Status status;                    // rejected or not
  std::string message;              // of the event and the condition
  const Diagnosis* diagnosis = nullptr;  // null: no plugin rejected the pod
  std::optional<NominatingInfo> nominating;
  absl::Time attempt_began;
};
void HandleFailure(EngineCore& core, QueueEntryPtr entry, const Failure& failure);

// A pod whose binding was refused: held back by the queue, if it still waits for a node.
void HoldForRetry(EngineCore& core, QueueEntryPtr entry);

// {name: "", kOverride}: takes a nomination back.
NominatingInfo ClearNomination();

// At most 1024 bytes; a longer text ends in " ...".
std::string TruncatedNote(std::string_view message);

}  // namespace berth::framework
