// The engine alone: queue, cache, cycles and plugins over objects in memory, with no server, no
// encoding and no I/O. A binding is acknowledged at once.
#pragma once

#include <memory>
#include <string>

#include <absl/status/statusor.h>

#include "bench/scheduler_perf/target.h"

namespace berth::bench {

struct EngineTargetOptions {
  std::string config_path;  // KubeSchedulerConfiguration; empty: defaults
  bool metrics = false;     // kept as the scheduler program keeps them
};
absl::StatusOr<std::unique_ptr<Target>> MakeEngineTarget(const EngineTargetOptions& options);

}  // namespace berth::bench
