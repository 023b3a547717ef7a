#include "bench/scheduler_perf/runner.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_namespace.pb.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "bench/scheduler_perf/metrics_text.h"
#include "bench/scheduler_perf/run.h"

namespace berth::bench {
namespace {

constexpr std::string_view kBenchmark = "BenchmarkPerfScheduling";
constexpr uint64_t kSeed = 1;  // of what is picked at random: nodes of allocResourceClaims
constexpr int kPlacementPoints = 10;

}  // namespace

Run::Run(const WorkloadFile& file, const TestCase& test_case, const Workload& workload,
         Target& target, const RunOptions& options)
    : file_(file),
      case_(test_case),
      workload_(workload),
      target_(target),
      options_(options),
      paths_{.folder = file.folder, .templates = options.templates},
      random_(kSeed) {}

Run::~Run() { StopBackground(); }

absl::StatusOr<WorkloadResult> Run::Execute() {
  const bool counted = std::any_of(case_.ops.begin(), case_.ops.end(), [](const Op& op) {
    return op.collect_metrics || (op.create_pods != nullptr && op.create_pods->collect_metrics);
  });
  if ((options_.measure_pods || options_.rate) && !counted) {
    return absl::InvalidArgumentError(
        "it has no createPods with collectMetrics, whose pods could be counted or paced otherwise");
  }
  for (size_t i = 0; i < case_.ops.size(); ++i) BERTH_RETURN_IF_ERROR(Do(case_.ops[i], i));
  StopBackground();
  {
    absl::MutexLock lock(&mutex_);
    BERTH_RETURN_IF_ERROR(background_status_);
  }
  target_.Settle();
  Summarize();
  return std::move(result_);
}

void Run::Say(const std::string& text) {
  absl::MutexLock lock(&mutex_);
  if (options_.progress) options_.progress(text);
}

absl::Status Run::Do(const Op& op, size_t index) {
  switch (op.code) {
    case OpCode::kCreateNodes: return CreateNodes(op, index);
    case OpCode::kCreateNamespaces: return CreateNamespaces(op);
    case OpCode::kCreatePods: return CreatePods(op, index);
    case OpCode::kCreatePodSets: return CreatePodSets(op, index);
    case OpCode::kDeletePods: return DeletePods(op, index);
    case OpCode::kChurn: return Churn(op, index);
    case OpCode::kCreateAny: return CreateAny(op);
    case OpCode::kUpdateAny: return UpdateAny(op);
    case OpCode::kCreateResourceClaims: return CreateResourceClaims(op);
    case OpCode::kCreateResourceDriver: return CreateResourceDriver(op);
    case OpCode::kAllocResourceClaims: return AllocResourceClaims(op);
    case OpCode::kBarrier: return Barrier(op);
    case OpCode::kSleep: return Sleep(op);
    case OpCode::kStartCollectingMetrics:
      return StartCollecting(op.collector_name,
                             {{op.namespaces.begin(), op.namespaces.end()}, op.label_selector});
    case OpCode::kStopCollectingMetrics: return StopCollecting();
  }
  return absl::InternalError("unreachable");
}

absl::Status Run::EnsureNamespace(const std::string& name) {
  if (!namespaces_.insert(name).second) return absl::OkStatus();
  auto space = std::make_shared<api::core::Namespace>();
  space->mutable_metadata()->set_name(name);
  awaited_.emplace(name, 0);
  return target_.Create(api::ResourceOf<api::core::Namespace>(), {std::move(space)});
}

absl::Status Run::Await(const PodFilter& filter, int64_t count, bool attempted) {
  const auto counter = target_.pods().Count(filter);
  const auto reached = [&](const PodCounts& counts) {
    return (attempted ? counts.attempted : counts.scheduled) >= count;
  };
  if (target_.pods().Await(*counter, reached, options_.wait_limit)) return absl::OkStatus();
  const PodCounts counts = target_.pods().Counts(*counter);
  std::string pending;
  for (const auto& pod : target_.pods().Pods(filter)) {
    if (!pod->spec().node_name().empty()) continue;
    pending = fmt::format("at least pod {}/{} is not {}: ", pod->metadata().namespace_(),
                          pod->metadata().name(), attempted ? "attempted" : "scheduled");
    break;
  }
  return absl::DeadlineExceededError(
      fmt::format("{}{} of {} after {}", pending, attempted ? counts.attempted : counts.scheduled,
                  count, absl::FormatDuration(options_.wait_limit)));
}

absl::Status Run::Barrier(const Op& op) {
  std::vector<std::string> spaces = op.namespaces;
  for (const std::string& space : spaces) {
    if (!awaited_.contains(space)) {
      return absl::InvalidArgumentError(fmt::format("unknown namespace {}", space));
    }
  }
  if (spaces.empty()) {
    for (const auto& [space, count] : awaited_) spaces.push_back(space);
  }
  for (const std::string& space : spaces) {
    const absl::Status status = Await({{space}, op.label_selector}, awaited_[space], op.attempted);
    if (!status.ok()) {
      return absl::Status(status.code(),
                          fmt::format("error waiting for pods in namespace \"{}\": {}", space,
                                      ToStd(status.message())));
    }
  }
  if (op.attempted) return absl::OkStatus();
  for (const std::string& space : spaces) awaited_[space] = 0;
  return absl::OkStatus();
}

absl::Status Run::Sleep(const Op& op) {
  BERTH_ASSIGN_OR_RETURN(const absl::Duration duration, ResolveDuration(op, workload_));
  ending_.WaitForNotificationWithTimeout(duration);
  return absl::OkStatus();
}

absl::Status Run::StartCollecting(const std::string& name, PodFilter filter) {
  if (collection_ != nullptr) {
    return absl::InvalidArgumentError(
        "metrics collection is overlapping. Probably second collector was started before stopping "
        "a previous one");
  }
  collection_ = std::make_unique<Collection>(
      fmt::format("{}/{}/{}/{}", kBenchmark, case_.name, workload_.name, name),
      std::move(filter), target_.pods(), *options_.clock, options_.sample_interval);
  offer_.reset();
  ForgetCpu();
  return absl::OkStatus();
}

void Run::ForgetCpu() {
  if (options_.cpu) cpu_before_ = options_.cpu();
}

absl::Status Run::StopCollecting() {
  if (collection_ == nullptr) {
    return absl::InvalidArgumentError("missing startCollectingMetrics operation before stopping");
  }
  Measurement measurement = collection_->Stop();
  collection_.reset();
  if (options_.cpu) measurement.cpu = options_.cpu() - cpu_before_;
  if (offer_) {
    auto& latencies = measurement.latencies;
    latencies.insert(latencies.end(), offer_->unbound.begin(), offer_->unbound.end());
    std::sort(latencies.begin(), latencies.end());
    measurement.offer = std::move(offer_);
  }
  BERTH_RETURN_IF_ERROR(AddPlacement(measurement));
  for (DataItem& item : CollectHistograms(ParseMetrics(target_.MetricsText()), case_.histograms,
                                          measurement.name)) {
    measurement.items.push_back(std::move(item));
  }
  ApplyThreshold(workload_.Threshold(file_.topic), workload_.threshold_selector, measurement);
  result_.measurements.push_back(std::move(measurement));
  return absl::OkStatus();
}

absl::Status Run::AddPlacement(Measurement& measurement) {
  if (measurement.pods == 0) return absl::OkStatus();
  BERTH_ASSIGN_OR_RETURN(const std::vector<ObjectPtr> nodes,
                         target_.List(api::ResourceOf<api::core::Node>(), {}));
  // At the end: with what came of the pods that were not bound by then.
  measurement.placement =
      PlacementOverTime(nodes, target_.pods().Stays(), measurement.first_create,
                        std::max(measurement.last_bound, Now()), kPlacementPoints);
  return absl::OkStatus();
}

void Run::Summarize() {
  const auto per_node = target_.pods().PodsPerNode();
  if (!per_node.empty()) result_.nodes_min = per_node.begin()->second;
  for (const auto& [node, pods] : per_node) {
    result_.nodes_min = std::min(result_.nodes_min, pods);
    result_.nodes_max = std::max(result_.nodes_max, pods);
  }
  {
    absl::MutexLock lock(&mutex_);
    result_.churned = churned_;
  }
  result_.tally = target_.pods().Tally();
  for (const std::string& space : namespaces_) {
    result_.namespaces[space] = target_.pods().Counts(PodFilter{{space}, {}});
  }
  const std::string text = target_.MetricsText();
  if (text.empty()) return;
  const std::vector<Sample> samples = ParseMetrics(text);
  const auto whole = [&](std::string_view name) {
    return static_cast<int64_t>(SumOf(samples, name));
  };
  result_.in_flight_events = whole("scheduler_inflight_events");
  result_.preemption_victims = whole("scheduler_preemption_victims_sum");
}

absl::StatusOr<WorkloadResult> RunWorkload(const WorkloadFile& file, const TestCase& test_case,
                                           const Workload& workload, Target& target,
                                           const RunOptions& options) {
  return Run(file, test_case, workload, target, options).Execute();
}

}  // namespace berth::bench
