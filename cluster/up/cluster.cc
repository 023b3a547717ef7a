#include "cluster/up/cluster.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "base/check.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/thread_executor.h"
#include "client/api_client.h"
#include "cluster/apiserver/in_process_transport.h"
#include "cluster/up/kubeconfig_file.h"

namespace berth::up {

// What everything beside the control plane has: a thread and a way to the server.
class Cluster::Member {
 public:
  Member(ControlPlane& plane, const std::string& thread)
      : executor_(thread),
        transport_(std::make_unique<apiserver::InProcessTransport>(
            plane.handler(), plane.executor(), executor_)) {}
  ~Member() { BERTH_CHECK(transport_ == nullptr); }

 protected:
  // Ends `part` on its thread, then the thread.
  template <typename T>
  void Close(std::unique_ptr<T>& part) {
    executor_.Run([&] { part.reset(); });
    transport_.reset();
    executor_.Stop();
  }
  ThreadExecutor executor_;
  std::unique_ptr<apiserver::InProcessTransport> transport_;
};

class Cluster::NodesMember : private Member {
 public:
  NodesMember(ControlPlane& plane, node::NodeAgentOptions options)
      : Member(plane, "nodes"), client_(*transport_, executor_) {
    executor_.Run([&] {
      agent_ = std::make_unique<node::NodeAgent>(client_, std::move(options));
      agent_->Start();
    });
  }
  ~NodesMember() { Close(agent_); }
  node::NodeAgentStats Stats() const { return agent_->Stats(); }

 private:
  client::ApiClient client_;
  std::unique_ptr<node::NodeAgent> agent_;
};

class Cluster::SchedulerMember : private Member {
 public:
  SchedulerMember(ControlPlane& plane, size_t index)
      : Member(plane, fmt::format("scheduler-{}", index)) {}
  ~SchedulerMember() { Close(scheduler_); }

  absl::Status Start(scheduler::SchedulerOptions options) {
    for (const auto& profile : options.config.profiles) {
      if (!name_.empty()) name_ += ",";
      name_ += profile.scheduler_name.value_or("default-scheduler");
    }
    absl::Status status;
    executor_.Run([&] {
      auto made = scheduler::Scheduler::Create(std::move(options), *transport_, executor_);
      if (!made.ok()) {
        status = made.status();
        return;
      }
      scheduler_ = *std::move(made);
      status = scheduler_->Start();
    });
    return status;
  }
  void DebugCache() {
    executor_.Post([this] {
      scheduler_->DebugCache([name = name_](const framework::CacheComparison& found) {
        BERTH_LOG(kInfo, "cache compared with the API scheduler={} result={}", name,
                  found.equal() ? "equal" : "mismatch");
      });
    });
  }
  Sample::Scheduler Stats() {
    framework::EngineCounts counts;
    executor_.Run([&] { counts = scheduler_->counts(); });
    return {.name = name_,
            .bound = counts.bound,
            .pending = counts.queue.active + counts.queue.backoff + counts.queue.unschedulable,
            .conflicts = counts.bind_conflicts,
            .failed = counts.unschedulable};
  }

 private:
  std::string name_;
  std::unique_ptr<scheduler::Scheduler> scheduler_;
};

void Cluster::DebugCaches() {
  for (const auto& scheduler : schedulers_) scheduler->DebugCache();
}

absl::StatusOr<std::vector<scheduler::Configuration>> SchedulerPlan(
    const scheduler::Configuration& config, const std::vector<std::string>& names) {
  std::vector<scheduler::Configuration> out;
  if (names.empty()) return std::vector<scheduler::Configuration>{config};
  for (const std::string& name : names) {
    if (std::count(names.begin(), names.end(), name) > 1) {
      return absl::InvalidArgumentError(fmt::format("--scheduler {} is given twice", name));
    }
    scheduler::Configuration one = config;
    const auto is_it = [&](const scheduler::ProfileSection& profile) {
      return profile.scheduler_name.value_or("default-scheduler") == name;
    };
    const auto found = std::find_if(config.profiles.begin(), config.profiles.end(), is_it);
    one.profiles.clear();
    if (found != config.profiles.end()) {
      one.profiles.push_back(*found);
    } else if (!config.profiles.empty()) {
      one.profiles.push_back(config.profiles.front());
      one.profiles.back().scheduler_name = name;
    }
    out.push_back(std::move(one));
  }
  return out;
}

absl::StatusOr<std::unique_ptr<Cluster>> Cluster::Start(ClusterOptions options) {
  std::unique_ptr<Cluster> cluster(new Cluster);
  BERTH_ASSIGN_OR_RETURN(cluster->plane_, ControlPlane::Start(options.plane));
  if (!options.kubeconfig.empty()) {
    BERTH_RETURN_IF_ERROR(WriteKubeconfig(options.kubeconfig, cluster->url()));
  }
  for (scheduler::SchedulerOptions& one : options.schedulers) {
    cluster->schedulers_.push_back(
        std::make_unique<SchedulerMember>(*cluster->plane_, cluster->schedulers_.size()));
    BERTH_RETURN_IF_ERROR(cluster->schedulers_.back()->Start(std::move(one)));
  }
  if (options.simulate_nodes) {
    cluster->nodes_ = std::make_unique<NodesMember>(*cluster->plane_, std::move(options.nodes));
  }
  return cluster;
}

Cluster::~Cluster() {
  schedulers_.clear();
  nodes_.reset();
  plane_.reset();
}

Sample Cluster::TakeSample() {
  Sample sample;
  sample.when = plane_->executor().clock().Now();
  const ControlPlaneStats plane = plane_->Stats();
  sample.pods = plane.pods;
  sample.requests = plane.requests;
  sample.watchers = plane.watchers;
  sample.revision = plane.revision;
  if (nodes_) {
    const node::NodeAgentStats nodes = nodes_->Stats();
    sample.nodes = nodes.nodes;
    sample.nodes_ready = nodes.registered;
    sample.pods_bound = nodes.pods;
    sample.pods_running = nodes.running;
    sample.pods_succeeded = nodes.succeeded;
    sample.pods_failed = nodes.failed;
    sample.bound = nodes.seen;
    sample.running = nodes.started;
  }
  for (const auto& scheduler : schedulers_) sample.schedulers.push_back(scheduler->Stats());
  return sample;
}

}  // namespace berth::up
