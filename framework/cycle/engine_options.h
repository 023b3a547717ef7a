// What an engine can be told.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include <absl/time/time.h>

#include "framework/device_features.h"
#include "framework/pod_group.h"
#include "framework/queue/scheduling_queue.h"

namespace berth::framework {

// How equal scores are decided.
enum class TieBreak : uint8_t {
  kRoundRobin,  // the first tied node at or after a cursor, in snapshot order, cyclic
  kRandom,      // uniform among the tied, from the engine's seed
  kFirst,       // the first tied node in snapshot order
};

struct EngineOptions {
  QueueOptions queue;
  // 1..100. Unset or 0: every node is scored, or upstream's formula with adaptive_sampling.
  std::optional<int32_t> percentage_of_nodes_to_score;
  bool adaptive_sampling = false;
  TieBreak tie_break = TieBreak::kRoundRobin;
  std::map<std::string, TieBreak, std::less<>> profile_tie_break;  // by scheduler name
  // Binding cycles under way; no pod is popped while there are this many.
  int32_t bindings_in_flight_max = 1024;
  // Scheduling cycles run in one task of the executor, between which events are let in.
  int32_t cycles_per_task = 16;
  // Evaluations shared between pods with equal signatures. 0: none are.
  int64_t evaluation_cache_bytes = int64_t{256} << 20;
  // The share of shared decisions, in [0, 1], that are checked against the plain path; slow. See
  // framework/cycle/evaluation_check.h.
  double verify_evaluations = 0;
  // status.nominatedNodeName is written before long binding cycles (upstream's gate of that name).
  bool nominated_node_name_for_expectation = true;
  // How long others wait while extenders are asked about a pod (extender_talk.h).
  absl::Duration extender_patience = absl::Milliseconds(100);
  // How often the queue is compared with what the source shows; zero: never.
  absl::Duration watchdog_period = absl::Seconds(30);
  PodGroupFeatures pod_groups;
  DeviceFeatures devices;
  uint64_t seed = 1;
};

}  // namespace berth::framework
