// PaperCluster: a cluster that exists only as objects, and a scheduler's engine over it that
// decides and never acts. What it says of a pod is what a scheduler with that configuration would
// do.
#pragma once

#include <memory>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "base/sim_executor.h"
#include "framework/cycle/scheduler_engine.h"
#include "framework/memory_world.h"
#include "framework/registry.h"
#include "scheduler-main/scheduler.h"

namespace berth::scheduler {

// Threads: none; one owner.
class PaperCluster {
 public:
  // Errors: those of Scheduler::Create.
  static absl::StatusOr<std::unique_ptr<PaperCluster>> Create(SchedulerOptions options);
  ~PaperCluster();
  PaperCluster(const PaperCluster&) = delete;
  PaperCluster& operator=(const PaperCluster&) = delete;

  // Adds or replaces. Pods that come without a uid get one: their name.
  void Put(const api::Resource& resource, std::shared_ptr<google::protobuf::Message> object);
  void Remove(const api::Resource& resource, std::string_view namespace_, std::string_view name);
  framework::ObjectPtr Get(const api::Resource& resource, std::string_view namespace_,
                           std::string_view name) const {
    return world_.Get(resource, namespace_, name);
  }
  const Configuration& config() const { return options_.config; }  // completed
  framework::Explanation Explain(std::shared_ptr<const api::core::Pod> pod) {
    return engine_->Explain(std::move(pod));
  }
  framework::EngineCounts counts() const { return engine_->counts(); }

 private:
  explicit PaperCluster(SchedulerOptions options);

  const SchedulerOptions options_;
  SimLoop loop_{1};  // never run: nothing is bound
  std::unique_ptr<Executor> executor_ = loop_.MakeExecutor("explain");
  framework::MemoryWorld world_{*executor_};
  framework::Registry registry_;
  std::unique_ptr<framework::Engine> engine_;
};

}  // namespace berth::scheduler
