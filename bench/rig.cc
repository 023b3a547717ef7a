#include "bench/rig.h"

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <utility>

#include <fmt/core.h>

#include "api/resource_table.h"
#include "base/status_macros.h"
#include "bench/environment.h"
#include "bench/scheduler_perf/api_target.h"
#include "bench/scheduler_perf/engine_target.h"
#include "client/kubeconfig.h"
#include "scheduler-main/config.h"
#include "scheduler-main/feature_gates.h"

namespace berth::bench {
namespace {

// The configuration with a limit on the scheduler's requests, written into the directory.
absl::StatusOr<std::string> LimitedConfig(const std::string& config, double qps,
                                          const std::string& gates,
                                          const std::string& directory) {
  BERTH_ASSIGN_OR_RETURN(const auto parsed, scheduler::FeatureGates::Parse(gates));
  BERTH_ASSIGN_OR_RETURN(const auto groups, parsed.PodGroups());
  BERTH_ASSIGN_OR_RETURN(scheduler::Configuration limited, scheduler::ReadConfig(config, groups));
  limited.client_connection.qps = qps;
  limited.client_connection.burst = static_cast<int32_t>(std::ceil(qps));
  const std::string path = directory + "/scheduler.yaml";
  std::ofstream out(path);
  out << scheduler::WriteConfig(limited);
  if (!out.flush()) return absl::InternalError(fmt::format("{}: cannot be written", path));
  return path;
}

}  // namespace

Rig::~Rig() {
  target_.reset();
  transport_.reset();
  one_process_.reset();
  stack_.reset();
  std::error_code ignored;
  if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
}

absl::Status Rig::ConnectApi(const std::string& kubeconfig, const Options& options) {
  BERTH_ASSIGN_OR_RETURN(client::RestConfig rest, client::LoadKubeconfig(kubeconfig));
  BERTH_ASSIGN_OR_RETURN(transport_, client::MakeTransport(rest));
  ApiTargetOptions target{.name = options.target,
                          .requests_in_flight = options.clients,
                          .qps = options.client_qps.value_or(0)};
  if (stack_ != nullptr) target.serves = api::Resources();
  target_ = MakeApiTarget(*transport_, target);
  return absl::OkStatus();
}

absl::Status Rig::StartStack(const Options& options, const Selected& selected) {
  std::string pattern = (options.directory.empty() ? std::filesystem::temp_directory_path()
                                                   : std::filesystem::path(options.directory)) /
                        "berth-bench-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) {
    return absl::InternalError(fmt::format("cannot make a directory {}", pattern));
  }
  directory_ = pattern;
  StackOptions wanted{.store = options.store,
                      .scheduler_config = selected.SchedulerConfig(options),
                      .feature_gates = SplitGates(selected.workload->feature_gates).flag,
                      .directory = directory_,
                      .null_scheduler = options.null_scheduler,
                      .client_qps = options.client_qps.value_or(0)};
  if (options.client_qps && !options.null_scheduler) {
    BERTH_ASSIGN_OR_RETURN(wanted.scheduler_config,
                           LimitedConfig(wanted.scheduler_config, *options.client_qps,
                                         wanted.feature_gates, directory_));
  }
  if (options.target == "one-process") {
    BERTH_ASSIGN_OR_RETURN(one_process_, OneProcess::Start(wanted));
    target_ = MakeApiTarget(one_process_->transport(),
                            {.name = options.target,
                             .requests_in_flight = options.clients,
                             .qps = options.client_qps.value_or(0),
                             .serves = api::Resources()});
    return absl::OkStatus();
  }
  BERTH_ASSIGN_OR_RETURN(Stack stack, Stack::Start(wanted));
  stack_ = std::make_unique<Stack>(std::move(stack));
  return ConnectApi(stack_->kubeconfig(), options);
}

absl::StatusOr<std::unique_ptr<Rig>> Rig::Make(const Options& options, const Selected& selected) {
  auto rig = std::make_unique<Rig>();
  if (options.target == "stack" || options.target == "one-process") {
    BERTH_RETURN_IF_ERROR(rig->StartStack(options, selected));
  } else if (options.target == "cluster") {
    BERTH_RETURN_IF_ERROR(rig->ConnectApi(options.kubeconfig, options));
  } else {
    const bool measured = selected.workload->threshold_selector.name != kThroughputMetric;
    BERTH_ASSIGN_OR_RETURN(
        rig->target_, MakeEngineTarget({.config_path = selected.SchedulerConfig(options),
                                        .feature_gates = selected.workload->feature_gates,
                                        .histograms = options.histograms || measured,
                                        .null_scheduler = options.null_scheduler}));
  }
  return rig;
}

std::function<absl::Duration()> Rig::cpu() const {
  if (stack_ != nullptr) return [this] { return ProcessCpu() + stack_->Cpu(); };
  if (transport_ != nullptr) return nullptr;
  return ProcessCpu;
}

}  // namespace berth::bench
