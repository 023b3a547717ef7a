// The engine alone: queue, cache, cycles and plugins over objects in memory, with no server, no
// encoding and no I/O. Every kind that the engine's plugins watch is kept. A binding is
// acknowledged at once.
#pragma once

#include <map>
#include <memory>
#include <string>

#include <absl/status/statusor.h>

#include "bench/scheduler_perf/target.h"

namespace berth::bench {

struct EngineTargetOptions {
  std::string config_path;  // KubeSchedulerConfiguration; empty: defaults
  // Those that have no effect here are left out: see SplitGates.
  std::map<std::string, bool> feature_gates;
  bool histograms = false;  // record upstream's histograms, at some cost
  bool null_scheduler = false;  // a NullScheduler in the engine's place; the rest is not heeded
};
absl::StatusOr<std::unique_ptr<Target>> MakeEngineTarget(const EngineTargetOptions& options);

// Feature gates of a workload, as a scheduler of this build takes them.
struct GateSplit {
  std::string flag;                         // "A=true,B=false", for --feature-gates
  std::vector<std::string> without_effect;  // "SchedulerQueueingHints=false": nothing changes
};
GateSplit SplitGates(const std::map<std::string, bool>& gates);

}  // namespace berth::bench
