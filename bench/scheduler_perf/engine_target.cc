#include "bench/scheduler_perf/engine_target.h"

#include <optional>

#include <absl/synchronization/notification.h>

#include "api/defaults.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_namespace.pb.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/status_macros.h"
#include "base/thread_executor.h"
#include "framework/memory_world.h"
#include "bench/scheduler_perf/pod_ledger.h"
#include "framework/cycle/scheduler_engine.h"
#include "plugins/registry.h"
#include "scheduler-main/config.h"
#include "scheduler-main/metrics.h"
#include "scheduler-main/scheduler.h"

namespace berth::bench {
namespace {

// Pods handed to the engine in one task: it schedules between such tasks, as it would between
// batches of a watch.
constexpr size_t kPodsPerTask = 64;

class EngineTarget final : public Target {
 public:
  EngineTarget() : executor_("engine"), world_(executor_) {}
  ~EngineTarget() override {
    executor_.Run([this] { engine_.reset(); });
    executor_.Stop();
  }

  absl::Status Start(const EngineTargetOptions& options) {
    scheduler::SchedulerOptions wanted;
    BERTH_ASSIGN_OR_RETURN(wanted.config, scheduler::ReadConfig(options.config_path));
    BERTH_RETURN_IF_ERROR(scheduler::ValidateConfig(wanted.config));
    if (!wanted.config.extenders.empty()) {
      return absl::UnimplementedError("extenders are not supported yet (docs/parity.md)");
    }
    framework::Registry registry;
    for (auto& entry : plugins::InTreePlugins()) {
      BERTH_RETURN_IF_ERROR(registry.Register(std::move(entry)));
    }
    absl::Status status;
    executor_.Run([&] {
      if (options.metrics) metrics_.emplace();
      engine_ = std::make_unique<framework::Engine>(scheduler::EngineOptionsOf(wanted), executor_,
                                                    world_, world_,
                                                    metrics_ ? &*metrics_ : nullptr);
      for (const auto& profile : scheduler::ToProfileConfigs(wanted.config)) {
        status = engine_->AddProfile(profile, registry);
        if (!status.ok()) return;
      }
      world_.on_bound = [this](const api::core::Pod& pod, std::string_view node) {
        ledger_.Scheduled(pod.metadata().namespace_(), pod.metadata().name(), node,
                          executor_.clock().Now());
      };
      status = engine_->Start();
    });
    return status;
  }

  std::string_view Name() const override { return "engine"; }

  absl::Status CreateNamespace(const api::core::Namespace& namespace_) override {
    return PutAll<api::core::Namespace>({namespace_});
  }
  absl::Status CreateNodes(const std::vector<api::core::Node>& nodes) override {
    return PutAll(nodes);
  }
  absl::Status CreatePods(const std::vector<api::core::Pod>& pods) override {
    return PutAll(pods);
  }
  int64_t Scheduled(std::string_view namespace_) const override {
    return ledger_.Scheduled(namespace_);
  }
  bool AwaitScheduled(std::string_view namespace_, int64_t count, absl::Time deadline) override {
    return ledger_.Await(namespace_, count, deadline - executor_.clock().Now());
  }
  std::vector<PodTimes> Times(std::string_view namespace_) const override {
    return ledger_.Times(namespace_);
  }
  std::map<std::string, int64_t> PodsPerNode() const override { return ledger_.PodsPerNode(); }
  absl::Status Clear() override { return absl::OkStatus(); }  // a new target each time

 private:
  template <typename T>
  absl::Status PutAll(const std::vector<T>& objects) {
    const api::Resource& resource = api::ResourceOf<T>();
    std::vector<framework::ObjectPtr> batch;
    for (size_t i = 0; i < objects.size(); ++i) {
      auto object = std::make_shared<T>(objects[i]);
      object->mutable_metadata()->set_uid(std::to_string(++uid_));
      api::ApplyDefaults(resource, *object);
      batch.push_back(std::move(object));
      if (batch.size() < kPodsPerTask && i + 1 < objects.size()) continue;
      executor_.Post([this, &resource, batch = std::move(batch)]() mutable {
        for (auto& one : batch) Put<T>(resource, std::move(one));
      });
      batch.clear();
    }
    executor_.Run([] {});
    return absl::OkStatus();
  }

  template <typename T>
  void Put(const api::Resource& resource, framework::ObjectPtr object) {
    if constexpr (std::is_same_v<T, api::core::Pod>) {
      const auto& metadata = static_cast<const T&>(*object).metadata();
      ledger_.Created(metadata.namespace_(), metadata.name(), executor_.clock().Now());
    }
    world_.Put(resource, std::move(object));
  }

  PodLedger ledger_;
  ThreadExecutor executor_;
  framework::MemoryWorld world_;
  std::optional<scheduler::PrometheusMetrics> metrics_;
  std::unique_ptr<framework::Engine> engine_;
  int64_t uid_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Target>> MakeEngineTarget(const EngineTargetOptions& options) {
  auto target = std::make_unique<EngineTarget>();
  BERTH_RETURN_IF_ERROR(target->Start(options));
  return target;
}

}  // namespace berth::bench
