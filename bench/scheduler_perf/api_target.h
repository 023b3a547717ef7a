// A target behind an API server: ours or any Kubernetes one, with whatever scheduler serves it.
// Creates over a Transport, many requests at a time, and sees bindings by an informer.
#pragma once

#include <memory>
#include <span>
#include <string>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "api/resource_table.h"
#include "bench/scheduler_perf/target.h"
#include "client/transport.h"

namespace berth::bench {

struct ApiTargetOptions {
  std::string name = "cluster";
  int requests_in_flight = 32;
  double qps = 0;  // requests a second; 0: no limit
  // How long a namespace of an earlier run may be on its way out.
  absl::Duration terminating_max = absl::Seconds(60);
  // Kinds that the server keeps; empty: every known one.
  std::span<const api::Resource> serves = {};
};

// The transport must outlive the target.
std::unique_ptr<Target> MakeApiTarget(client::Transport& transport, ApiTargetOptions options);

}  // namespace berth::bench
