// The rig that one run of a workload gets for itself: a target, and what must live as long.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "bench/options.h"
#include "bench/scheduler_perf/one_process.h"
#include "bench/scheduler_perf/stack.h"
#include "bench/scheduler_perf/target.h"
#include "bench/selection.h"
#include "client/transport.h"

namespace berth::bench {

// Threads: one owner.
class Rig {
 public:
  static absl::StatusOr<std::unique_ptr<Rig>> Make(const Options& options,
                                                   const Selected& selected);
  ~Rig();

  Target& target() { return *target_; }
  // What all processes of the rig have used so far; unset where they are not ours. The rig must
  // outlive it.
  std::function<absl::Duration()> cpu() const;

 private:
  absl::Status StartStack(const Options& options, const Selected& selected);
  absl::Status ConnectApi(const std::string& kubeconfig, const Options& options);

  std::string directory_;  // removed at the end; empty: none was made
  std::unique_ptr<Stack> stack_;
  std::unique_ptr<OneProcess> one_process_;
  std::unique_ptr<client::Transport> transport_;
  std::unique_ptr<Target> target_;
};

}  // namespace berth::bench
