#include "bench/scheduler_perf/runner.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include <absl/synchronization/notification.h>
#include <fmt/core.h>

#include "api/schema/core_v1_namespace.pb.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/yaml.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace berth::bench {
namespace {

// Reads a template; the built-in default when the path is empty.
template <typename T>
absl::StatusOr<T> ReadTemplate(const std::string& folder, const std::string& path,
                               std::string_view fallback) {
  std::string text(fallback);
  std::filesystem::path full = path;
  if (!path.empty()) {
    // As written from the working directory, or beside the workload file.
    if (!full.is_absolute()) {
      full = std::filesystem::path(folder) / path;
    }
    std::ifstream in(full);
    if (!in) return absl::NotFoundError(fmt::format("{}: cannot be read", full.string()));
    std::ostringstream all;
    all << in.rdbuf();
    text = all.str();
  }
  T object;
  api::DecodeReport report;
  absl::Status bad = api::ParseYaml(text, object, {}, &report);
  if (bad.ok()) bad = report.StrictError();
  if (!bad.ok()) {
    return absl::InvalidArgumentError(fmt::format("{}: {}", full.string(), ToStd(bad.message())));
  }
  return object;
}

constexpr std::string_view kDefaultNode = R"(
metadata: {generateName: node-}
status:
  capacity: {pods: "110", cpu: "4", memory: 32Gi}
  allocatable: {pods: "110", cpu: "4", memory: 32Gi}
  phase: Running
  conditions: [{status: "True", type: Ready}]
)";
constexpr std::string_view kDefaultPod = R"(
metadata: {generateName: pod-}
spec:
  containers:
  - name: pause
    image: registry.k8s.io/pause:3.10.1
    ports: [{containerPort: 80}]
    resources: {limits: {cpu: 100m, memory: 500Mi}, requests: {cpu: 100m, memory: 500Mi}}
)";

class Run {
 public:
  Run(const WorkloadFile& file, const TestCase& test_case, const Workload& workload,
      Target& target, const RunOptions& options)
      : file_(file), case_(test_case), workload_(workload), target_(target), options_(options) {}

  absl::StatusOr<WorkloadResult> Execute() {
    for (size_t i = 0; i < case_.ops.size(); ++i) BERTH_RETURN_IF_ERROR(Do(case_.ops[i], i));
    const auto per_node = target_.PodsPerNode();
    int64_t total = 0;
    for (const auto& [node, pods] : per_node) {
      result_.nodes_min = total == 0 ? pods : std::min(result_.nodes_min, pods);
      result_.nodes_max = std::max(result_.nodes_max, pods);
      total += pods;
    }
    if (!per_node.empty()) {
      result_.nodes_mean = static_cast<double>(total) / static_cast<double>(per_node.size());
    }
    return std::move(result_);
  }

 private:
  void Say(const std::string& text) {
    if (options_.progress) options_.progress(text);
  }

  absl::Status Do(const Op& op, size_t index) {
    switch (op.code) {
      case OpCode::kCreateNodes: return CreateNodes(op, index);
      case OpCode::kCreateNamespaces: return CreateNamespaces(op);
      case OpCode::kCreatePods: return CreatePods(op, index);
      case OpCode::kBarrier: return Barrier(op);
      case OpCode::kSleep: return Sleep(op);
    }
    return absl::InternalError("unreachable");
  }

  absl::Status CreateNodes(const Op& op, size_t index) {
    BERTH_ASSIGN_OR_RETURN(const int64_t count, Resolve(op.count, workload_));
    BERTH_ASSIGN_OR_RETURN(const auto node, ReadTemplate<api::core::Node>(
                                                file_.folder, op.template_path, kDefaultNode));
    std::string prefix = node.metadata().generate_name();
    if (prefix.empty()) prefix = fmt::format("node-{}-", index);
    Say(fmt::format("creating {} nodes", count));
    std::vector<api::core::Node> nodes(static_cast<size_t>(count), node);
    for (size_t i = 0; i < nodes.size(); ++i) {
      auto& metadata = *nodes[i].mutable_metadata();
      metadata.clear_generate_name();
      // Numbered through: several operations may share a template.
      metadata.set_name(node.metadata().name().empty()
                            ? fmt::format("{}{:05}", prefix, nodes_made_++)
                            : node.metadata().name());
      auto& labels = *metadata.mutable_labels();
      labels["kubernetes.io/hostname"] = metadata.name();
      if (!op.label_key.empty()) labels[op.label_key] = op.label_values[i % op.label_values.size()];
    }
    return target_.CreateNodes(nodes);
  }

  absl::Status CreateNamespaces(const Op& op) {
    BERTH_ASSIGN_OR_RETURN(const int64_t count, Resolve(op.count, workload_));
    BERTH_ASSIGN_OR_RETURN(auto space, ReadTemplate<api::core::Namespace>(
                                           file_.folder, op.template_path, "metadata: {}"));
    for (int64_t i = 0; i < count; ++i) {
      space.mutable_metadata()->set_name(fmt::format("{}-{}", op.prefix, i));
      BERTH_RETURN_IF_ERROR(EnsureNamespace(space));
    }
    return absl::OkStatus();
  }

  absl::Status EnsureNamespace(const api::core::Namespace& space) {
    if (!namespaces_.insert(space.metadata().name()).second) return absl::OkStatus();
    return target_.CreateNamespace(space);
  }

  absl::Status CreatePods(const Op& op, size_t index) {
    BERTH_ASSIGN_OR_RETURN(const int64_t count, Resolve(op.count, workload_));
    const std::string& path =
        op.template_path.empty() ? case_.default_pod_template_path : op.template_path;
    BERTH_ASSIGN_OR_RETURN(auto pod,
                           ReadTemplate<api::core::Pod>(file_.folder, path, kDefaultPod));
    const std::string space =
        op.namespace_name.empty() ? fmt::format("namespace-{}", index) : op.namespace_name;
    api::core::Namespace namespace_object;
    namespace_object.mutable_metadata()->set_name(space);
    BERTH_RETURN_IF_ERROR(EnsureNamespace(namespace_object));

    std::string prefix = pod.metadata().generate_name();
    if (prefix.empty()) prefix = "pod-";
    pod.mutable_metadata()->clear_generate_name();
    pod.mutable_metadata()->set_namespace_(space);
    std::vector<api::core::Pod> pods(static_cast<size_t>(count), pod);
    for (size_t i = 0; i < pods.size(); ++i) {
      pods[i].mutable_metadata()->set_name(fmt::format("{}{}-{:06}", prefix, index, i));
    }
    Say(fmt::format("{} {} pods in {}", op.collect_metrics ? "measuring" : "creating", count,
                    space));
    created_[space] += count;
    if (op.collect_metrics) return Measure(pods, space);
    BERTH_RETURN_IF_ERROR(target_.CreatePods(pods));
    return op.skip_wait ? absl::OkStatus() : Await(space);
  }

  absl::Status Await(const std::string& space) {
    const int64_t wanted = created_[space];
    if (target_.AwaitScheduled(space, wanted, Now() + options_.wait_limit)) {
      return absl::OkStatus();
    }
    return absl::DeadlineExceededError(
        fmt::format("namespace {}: {} of {} pods scheduled after {}", space,
                    target_.Scheduled(space), wanted, absl::FormatDuration(options_.wait_limit)));
  }

  // The sampling thread ticks while the pods are created and scheduled.
  absl::Status Measure(const std::vector<api::core::Pod>& pods, const std::string& space) {
    ThroughputCollector collector;
    absl::Notification done;
    std::thread sampler([&] {
      absl::Time next = Now() + options_.sample_interval;
      while (!done.WaitForNotificationWithTimeout(next - Now())) {
        collector.Tick(Now(), target_.Scheduled(space));
        next += options_.sample_interval;
      }
    });
    absl::Status status = target_.CreatePods(pods);
    if (status.ok()) status = Await(space);
    done.Notify();
    sampler.join();
    BERTH_RETURN_IF_ERROR(status);
    result_.measurements.push_back(Evaluate(collector, space));
    return absl::OkStatus();
  }

  Measurement Evaluate(const ThroughputCollector& collector, const std::string& space) {
    Measurement m;
    m.name = fmt::format("{}/{}/{}/{}", options_.benchmark_name, case_.name, workload_.name, space);
    absl::Time first = absl::InfiniteFuture(), last = absl::InfinitePast();
    for (const PodTimes& times : target_.Times(space)) {
      first = std::min(first, times.created);
      last = std::max(last, times.scheduled);
      m.latencies.push_back(times.scheduled - times.created);
    }
    std::sort(m.latencies.begin(), m.latencies.end());
    m.pods = static_cast<int64_t>(m.latencies.size());
    if (m.pods > 0) m.elapsed = last - first;
    if (m.elapsed > absl::ZeroDuration()) {
      m.pods_per_second = static_cast<double>(m.pods) / absl::ToDoubleSeconds(m.elapsed);
    }
    m.throughput.data = Summarize(collector.samples());
    m.throughput.unit = "pods/s";
    m.throughput.labels = {{"Name", m.name}, {"Metric", "SchedulingThroughput"}};
    if (workload_.threshold > 0) {
      // Too short for a sample: the whole run's figure stands for it.
      const double got = m.throughput.data.contains("Average") ? m.throughput.data.at("Average")
                                                               : m.pods_per_second;
      m.below_threshold = !(got > workload_.threshold);
      if (!m.throughput.data.empty()) m.throughput.data["AverageThreshold"] = workload_.threshold;
    }
    return m;
  }

  absl::Status Barrier(const Op& op) {
    std::vector<std::string> spaces = op.namespaces;
    if (spaces.empty()) spaces.assign(namespaces_.begin(), namespaces_.end());
    for (const std::string& space : spaces) {
      if (!namespaces_.contains(space)) {
        return absl::InvalidArgumentError(fmt::format("unknown namespace {}", space));
      }
      BERTH_RETURN_IF_ERROR(Await(space));
    }
    return absl::OkStatus();
  }

  absl::Status Sleep(const Op& op) {
    std::string text = op.duration;
    if (text.starts_with('$')) text = workload_.params.at(text.substr(1));
    absl::Duration duration;
    if (!absl::ParseDuration(ToAbsl(text), &duration)) {
      return absl::InvalidArgumentError(fmt::format("sleep: not a duration: {}", text));
    }
    absl::Notification never;
    never.WaitForNotificationWithTimeout(duration);
    return absl::OkStatus();
  }

  absl::Time Now() const { return options_.clock->Now(); }

  const WorkloadFile& file_;
  const TestCase& case_;
  const Workload& workload_;
  Target& target_;
  const RunOptions& options_;
  int64_t nodes_made_ = 0;
  std::set<std::string> namespaces_;
  std::map<std::string, int64_t> created_;
  WorkloadResult result_;
};

}  // namespace

absl::StatusOr<WorkloadResult> RunWorkload(const WorkloadFile& file, const TestCase& test_case,
                                           const Workload& workload, Target& target,
                                           const RunOptions& options) {
  return Run(file, test_case, workload, target, options).Execute();
}

absl::Duration Percentile(const std::vector<absl::Duration>& latencies, double percent) {
  if (latencies.empty()) return absl::ZeroDuration();
  const double rank = std::ceil(static_cast<double>(latencies.size()) * percent / 100.0) - 1;
  return latencies[static_cast<size_t>(std::max(rank, 0.0))];
}

}  // namespace berth::bench
