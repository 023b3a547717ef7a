// A whole cluster in one process: control plane, schedulers, simulated nodes.
//
//   HttpServer --+
//                +--> ApiServer --> store        kubectl comes in by HTTP,
//   in-process --+                               everything of the cluster's own in process
//      ^-- "nodes":        NodeAgent
//      ^-- "scheduler-0":  Scheduler, its own engine, cache and informers
//      ^-- "scheduler-1":  ...               each on its own thread: they really race
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "cluster/node/node_agent.h"
#include "cluster/up/control_plane.h"
#include "cluster/up/status_screen.h"
#include "scheduler-main/scheduler.h"

namespace berth::up {

struct ClusterOptions {
  ControlPlaneOptions plane;
  node::NodeAgentOptions nodes;      // count 0 and no pools: none
  bool simulate_nodes = true;
  std::string kubeconfig;            // written when not empty
  // One engine each; see SchedulerPlan.
  std::vector<scheduler::SchedulerOptions> schedulers;
};

// What each --scheduler runs: the profile of that name in the configuration, or, when there is
// none, the first profile under that name. No names: one scheduler with all profiles.
// InvalidArgument: a name that is given twice.
absl::StatusOr<std::vector<scheduler::Configuration>> SchedulerPlan(
    const scheduler::Configuration& config, const std::vector<std::string>& names);

// Threads: made, used and destroyed by one thread that is none of its own.
class Cluster {
 public:
  // Returns when the API is served and everything else has begun. Errors: as ControlPlane::Start,
  // WriteKubeconfig and Scheduler::Create.
  static absl::StatusOr<std::unique_ptr<Cluster>> Start(ClusterOptions options);
  // Schedulers, then nodes, then the control plane.
  ~Cluster();

  std::string url() const { return plane_->url(); }
  ControlPlane& plane() { return *plane_; }
  Sample TakeSample();
  // Each scheduler compares its cache with what it was shown, and dumps it, to the log.
  void DebugCaches();

 private:
  class Member;
  class SchedulerMember;
  class NodesMember;
  Cluster() = default;

  std::unique_ptr<ControlPlane> plane_;
  std::unique_ptr<NodesMember> nodes_;
  std::vector<std::unique_ptr<SchedulerMember>> schedulers_;
};

}  // namespace berth::up
