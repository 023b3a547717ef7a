#include "bench/scheduler_perf/engine_target.h"

#include <utility>

#include <fmt/core.h>

#include "api/object.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/status_macros.h"
#include "base/thread_executor.h"
#include "bench/scheduler_perf/null_scheduler.h"
#include "bench/scheduler_perf/rig/claim_controller.h"
#include "bench/scheduler_perf/rig/engine_gauges.h"
#include "bench/scheduler_perf/rig/memory_api.h"
#include "bench/scheduler_perf/rig/remote_world.h"
#include "framework/cycle/scheduler_engine.h"
#include "framework/memory_world.h"
#include "framework/registry.h"
#include "scheduler-main/config.h"
#include "scheduler-main/feature_gates.h"
#include "scheduler-main/metrics.h"
#include "scheduler-main/scheduler.h"

namespace berth::bench {
namespace {

using api::core::Pod;

// Objects made in one task: the engine hears of them at its end, as of a batch of a watch.
constexpr size_t kObjectsPerTask = 64;
constexpr absl::Duration kSettlePause = absl::Milliseconds(10);
constexpr int kSettleTries = 500;
// Of the pods that one call creates; each is a pod more in memory until it is bound.
constexpr size_t kSparesMax = 100'000;

bool MayBeBound(const google::protobuf::Message& object) {
  return object.GetDescriptor() == Pod::descriptor() &&
         static_cast<const Pod&>(object).spec().node_name().empty();
}

class EngineTarget final : public Target {
 public:
  EngineTarget()
      : api_executor_("api"),
        engine_executor_("engine"),
        world_(api_executor_),
        api_(api_executor_, world_),
        engine_world_(engine_executor_, api_executor_, world_, api_) {}
  ~EngineTarget() override {
    engine_executor_.Run([this] { engine_.reset(); });
    api_executor_.Stop();
    engine_executor_.Stop();
  }

  absl::Status Start(const EngineTargetOptions& options) {
    api_executor_.Run([&] {
      world_.Subscribe(api::ResourceOf<Pod>(), [this](const auto& event) { OnPod(event); });
      claims_ = std::make_unique<ClaimController>(api_executor_, world_, api_);
    });
    if (!options.null_scheduler) return StartEngine(options);
    engine_executor_.Run([this] {
      null_scheduler_ = std::make_unique<NullScheduler>(engine_world_, engine_world_);
    });
    return absl::OkStatus();
  }

  absl::Status StartEngine(const EngineTargetOptions& options) {
    scheduler::SchedulerOptions wanted;
    const GateSplit split = SplitGates(options.feature_gates);
    BERTH_ASSIGN_OR_RETURN(const auto gates, scheduler::FeatureGates::Parse(split.flag));
    BERTH_ASSIGN_OR_RETURN(wanted.pod_groups, gates.PodGroups());
    BERTH_ASSIGN_OR_RETURN(wanted.devices, gates.Devices());
    BERTH_ASSIGN_OR_RETURN(wanted.config,
                           scheduler::ReadConfig(options.config_path, wanted.pod_groups));
    BERTH_RETURN_IF_ERROR(scheduler::CompleteOptions(wanted));
    wanted.nominated_node_name_for_expectation = gates.Enabled("NominatedNodeNameForExpectation");
    if (options.histograms) histograms_ = std::make_unique<scheduler::PrometheusMetrics>();
    framework::Metrics* metrics = &gauges_;
    if (histograms_ != nullptr) metrics = histograms_.get();
    absl::Status status;
    engine_executor_.Run([&] {
      engine_ = std::make_unique<framework::Engine>(scheduler::EngineOptionsOf(wanted),
                                                    engine_executor_, engine_world_,
                                                    engine_world_, metrics);
      status = scheduler::AddExtenders(wanted, engine_executor_, *engine_);
      if (status.ok()) status = Configure(wanted);
    });
    return status;
  }

  std::string_view Name() const override { return "engine"; }
  absl::Status Serves(const api::Resource&) const override { return absl::OkStatus(); }

  absl::Status Create(const api::Resource& resource, std::vector<ObjectPtr> objects) override {
    struct Prepared {
      MemoryApi::MutablePtr object, spare;
    };
    std::vector<std::vector<Prepared>> batches;
    for (size_t i = 0; i < objects.size(); ++i) {
      Prepared made{MemoryApi::Copy(*objects[i]), nullptr};
      objects[i].reset();
      MemoryApi::Prepare(resource, *made.object);
      if (i < kSparesMax && MayBeBound(*made.object)) {
        made.spare = MemoryApi::Copy(*made.object);
      }
      if (i % kObjectsPerTask == 0) batches.emplace_back().reserve(kObjectsPerTask);
      batches.back().push_back(std::move(made));
    }
    absl::Status status;
    for (auto& batch : batches) {
      api_executor_.Post([this, &resource, &status, &batch] {
        for (Prepared& one : batch) {
          status.Update(CreatePrepared(resource, std::move(one.object), std::move(one.spare)));
        }
      });
    }
    api_executor_.Run([] {});
    return status;
  }

  absl::Status Update(const api::Resource& resource, ObjectPtr object,
                      std::string_view subresource) override {
    absl::Status status;
    api_executor_.Run([&] {
      status = api_.UpdateNow(resource, MemoryApi::Copy(*object), subresource).status();
    });
    return status;
  }

  absl::Status Delete(const api::Resource& resource, std::string_view namespace_,
                      std::string_view name, std::optional<int64_t> grace_s) override {
    absl::Status status;
    api_executor_.Run([&] { status = api_.DeleteNow(resource, namespace_, name, {}, grace_s); });
    return status;
  }

  absl::Status DeletePods(const PodFilter& filter, std::optional<int64_t> grace_s) override {
    absl::Status status;
    api_executor_.Run([&] {
      for (const auto& pod : ledger_.Pods(filter)) {
        status.Update(api_.DeleteNow(api::ResourceOf<Pod>(), pod->metadata().namespace_(),
                                     pod->metadata().name(), {}, grace_s));
      }
    });
    return status;
  }

  absl::StatusOr<std::vector<ObjectPtr>> List(const api::Resource& resource,
                                              std::string_view namespace_) override {
    std::vector<ObjectPtr> out;
    api_executor_.Run([&] {
      world_.ForEach(resource, namespace_, [&](const ObjectPtr& one) { out.push_back(one); });
    });
    return out;
  }

  PodLedger& pods() override { return ledger_; }
  std::string MetricsText() override {
    // What the ledger has seen, the engine is to have heard of.
    api_executor_.Run([] {});
    engine_executor_.Run([] {});
    return histograms_ != nullptr ? histograms_->Text() : gauges_.Text();
  }

  // Until no pod waits for its turn and none is being bound.
  void Settle() override {
    for (int i = 0; i < kSettleTries && engine_ != nullptr; ++i) {
      bool idle = false;
      engine_executor_.Run([&] {
        const framework::EngineCounts counts = engine_->counts();
        idle = counts.queue.active == 0 && counts.bindings_in_flight == 0;
      });
      if (idle) return;
      absl::SleepFor(kSettlePause);
    }
  }
  absl::Status Clear() override { return absl::OkStatus(); }  // a new target each time

 private:
  absl::Status Configure(const scheduler::SchedulerOptions& wanted) {
    BERTH_RETURN_IF_ERROR(scheduler::AddProfiles(wanted, registry_, *engine_));
    return engine_->Start();
  }

  absl::Status CreatePrepared(const api::Resource& resource, MemoryApi::MutablePtr object,
                              MemoryApi::MutablePtr spare) {
    if (object->GetDescriptor() == Pod::descriptor()) {
      const auto& metadata = static_cast<const Pod&>(*object).metadata();
      ledger_.Created(metadata.namespace_(), metadata.name(), api_executor_.clock().Now());
    }
    return api_.CreatePrepared(resource, std::move(object), std::move(spare));
  }

  void OnPod(const framework::ObjectEvent& event) {
    if (event.new_object == nullptr) {
      const auto& metadata = api::MetaOf(*event.old_object);
      return ledger_.Gone(metadata.namespace_(), metadata.name(), api_executor_.clock().Now());
    }
    ledger_.Seen(std::static_pointer_cast<const Pod>(event.new_object),
                 api_executor_.clock().Now());
  }

  PodLedger ledger_;
  EngineGauges gauges_;
  std::unique_ptr<scheduler::PrometheusMetrics> histograms_;
  // Two threads, as there would be two processes: what objects are in, and the engine.
  ThreadExecutor api_executor_, engine_executor_;
  framework::MemoryWorld world_;
  MemoryApi api_;
  std::unique_ptr<ClaimController> claims_;
  RemoteWorld engine_world_;
  framework::Registry registry_;
  std::unique_ptr<framework::Engine> engine_;  // or, where nothing is to be decided:
  std::unique_ptr<NullScheduler> null_scheduler_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Target>> MakeEngineTarget(const EngineTargetOptions& options) {
  auto target = std::make_unique<EngineTarget>();
  BERTH_RETURN_IF_ERROR(target->Start(options));
  return target;
}

GateSplit SplitGates(const std::map<std::string, bool>& gates) {
  GateSplit out;
  for (const auto& [name, on] : gates) {
    const std::string item = fmt::format("{}={}", name, on);
    const auto parsed = scheduler::FeatureGates::Parse(item);
    if (!parsed.ok() || !parsed->WithoutEffect().empty()) {
      out.without_effect.push_back(item);
      continue;
    }
    out.flag += (out.flag.empty() ? "" : ",") + item;
  }
  return out;
}

}  // namespace berth::bench
