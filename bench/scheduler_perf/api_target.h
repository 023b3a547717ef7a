// A target behind an API server: ours or any Kubernetes one, with whatever scheduler serves it.
// Creates over a Transport, many requests at a time, and sees bindings by an informer.
#pragma once

#include <memory>

#include <absl/status/statusor.h>

#include "bench/scheduler_perf/target.h"
#include "client/transport.h"

namespace berth::bench {

struct ApiTargetOptions {
  std::string name = "cluster";
  int requests_in_flight = 32;
};

// The transport must outlive the target.
std::unique_ptr<Target> MakeApiTarget(client::Transport& transport, ApiTargetOptions options);

}  // namespace berth::bench
