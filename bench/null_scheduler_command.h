// `berth bench null-scheduler`: the NullScheduler as a process, for the stack's rig.
#pragma once

#include <string>

#include <absl/status/status.h>

namespace berth::bench {

// Serves until SIGINT or SIGTERM. qps: of its requests; 0: no limit. Errors: of the kubeconfig.
// Blocks those signals in every thread that is made from here on.
absl::Status RunNullScheduler(const std::string& kubeconfig, double qps);

}  // namespace berth::bench
