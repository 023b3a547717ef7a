#include "bench/scheduler_perf/one_process.h"

#include <utility>

#include "base/random.h"
#include "base/status_macros.h"
#include "scheduler-main/config.h"
#include "scheduler-main/feature_gates.h"

namespace berth::bench {
namespace {

absl::StatusOr<scheduler::SchedulerOptions> SchedulerOptionsOf(const StackOptions& options) {
  scheduler::SchedulerOptions out;
  BERTH_ASSIGN_OR_RETURN(const auto gates, scheduler::FeatureGates::Parse(options.feature_gates));
  BERTH_ASSIGN_OR_RETURN(out.pod_groups, gates.PodGroups());
  BERTH_ASSIGN_OR_RETURN(out.devices, gates.Devices());
  out.nominated_node_name_for_expectation = gates.Enabled("NominatedNodeNameForExpectation");
  BERTH_ASSIGN_OR_RETURN(out.config,
                         scheduler::ReadConfig(options.scheduler_config, out.pod_groups));
  out.seed = RandomSeed();
  return out;
}

}  // namespace

absl::StatusOr<std::unique_ptr<OneProcess>> OneProcess::Start(const StackOptions& options) {
  std::unique_ptr<OneProcess> out(new OneProcess);
  up::ClusterOptions cluster;
  cluster.plane.store = *up::ParseStoreKind(options.store);
  cluster.plane.data_dir = options.directory + "/data";
  cluster.simulate_nodes = false;
  BERTH_ASSIGN_OR_RETURN(scheduler::SchedulerOptions scheduler, SchedulerOptionsOf(options));
  cluster.schedulers.push_back(std::move(scheduler));
  BERTH_ASSIGN_OR_RETURN(out->cluster_, up::Cluster::Start(std::move(cluster)));
  up::ControlPlane& plane = out->cluster_->plane();
  out->transport_ = std::make_unique<apiserver::InProcessTransport>(
      plane.handler(), plane.executor(), out->client_);
  return out;
}

OneProcess::~OneProcess() {
  transport_.reset();
  client_.Stop();
}

}  // namespace berth::bench
