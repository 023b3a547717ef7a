// What one seed plays: how big, how long, which faults and which operations there are. Each kind is
// switched off for some seeds, so that what another kind would hide is seen.
#pragma once

#include <cstdint>
#include <string>

#include <absl/time/time.h>

#include "base/random.h"
#include "tests/sim/faulty_transport.h"
#include "tests/sim/store_link.h"

namespace berth::sim {

// How often each thing happens, relative to the others; 0: never.
struct OperationMix {
  int create = 60;
  int remove = 15;
  int force_remove = 2;
  int bind_by_hand = 2;
  int create_on_node = 2;
  int label = 4;
  int cordon = 4;
  int taint = 4;
  int remove_node = 1;
  int shrink_node = 1;
};

// Mean time between two of them; infinite: never.
struct CrashMix {
  absl::Duration server = absl::InfiniteDuration();
  absl::Duration scheduler = absl::InfiniteDuration();
  absl::Duration agent = absl::InfiniteDuration();
  absl::Duration partition = absl::InfiniteDuration();  // one client reaches nobody for a while
  absl::Duration down_max = absl::Seconds(4);
};

struct SimOptions {
  uint64_t seed = 1;
  int agents = 2;              // processes
  int nodes_per_agent = 3;
  bool another_agent = false;  // joins halfway
  int64_t node_cpu_milli = 4000;
  int64_t node_pods = 20;
  absl::Duration busy = absl::Seconds(40);  // of virtual time, before it is healed
  absl::Duration operation_gap = absl::Milliseconds(250);
  OperationMix operations;
  CrashMix crashes;
  FaultOptions network;
  double stall_stream = 0;           // of clients whose watches are short: see FaultOptions
  StoreLinkOptions store;
  size_t history_events_max = 8192;  // of the server's watch caches
  int64_t load_page_objects = 5000;
  int64_t stream_budget_bytes = 8 << 20;
  absl::Duration compact_period = absl::InfiniteDuration();
  absl::Duration event_ttl = absl::Hours(1);
  double verify_evaluations = 0;     // see EngineOptions
  double host_ports = 0.15;          // of pods
  int64_t steps_max = 500'000;       // more turn in circles
  int witnesses = 2;                 // watching clients
  absl::Duration calm;               // at first, before faults and operations begin
  absl::Duration rest_step = absl::Seconds(1);  // how often it is looked whether all is at rest

  static SimOptions FromSeed(uint64_t seed);
  // More than 5,000 pods a second on nodes that come, go and flap, with answers lost, requests
  // repeated and crashes.
  static SimOptions AtSpeed(uint64_t seed, absl::Duration busy);
  // One line.
  std::string ToString() const;
};

}  // namespace berth::sim
