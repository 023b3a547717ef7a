#include "bench/bench_main.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "api/resource_table.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "bench/scheduler_perf/api_target.h"
#include "bench/scheduler_perf/engine_target.h"
#include "bench/scheduler_perf/one_process.h"
#include "bench/scheduler_perf/runner.h"
#include "bench/scheduler_perf/stack.h"
#include "client/http_transport.h"
#include "client/kubeconfig.h"

namespace berth::bench {
namespace {

struct Options {
  std::string config;  // a workload file, or a folder of them
  std::string templates;
  std::string topic;
  std::string workload;
  std::string labels;
  std::string target = "engine";
  std::string kubeconfig;
  std::string store = "rocksdb";
  std::string scheduler_config;
  std::string data_items;
  std::string output = "table";
  std::string directory;
  bool histograms = false;
  int clients = 32;
  int repeat = 1;
  double sample_interval_s = 1;
  int wait_limit_s = 600;
};

// What a workload runs against, and what must live as long.
struct Rig {
  std::string directory;  // removed at the end when it was made here
  std::unique_ptr<Stack> stack;
  std::unique_ptr<OneProcess> one_process;
  std::unique_ptr<client::Transport> transport;
  std::unique_ptr<Target> target;
  ~Rig() {
    target.reset();
    transport.reset();
    stack.reset();
    one_process.reset();
    std::error_code ignored;
    if (!directory.empty()) std::filesystem::remove_all(directory, ignored);
  }
};

absl::Status ConnectApi(const std::string& kubeconfig, const Options& options, Rig& rig) {
  BERTH_ASSIGN_OR_RETURN(client::RestConfig rest, client::LoadKubeconfig(kubeconfig));
  BERTH_ASSIGN_OR_RETURN(rig.transport, client::MakeTransport(rest));
  ApiTargetOptions target{.name = options.target, .requests_in_flight = options.clients};
  if (rig.stack != nullptr) target.serves = api::Resources();
  rig.target = MakeApiTarget(*rig.transport, target);
  return absl::OkStatus();
}

struct Selected {
  const WorkloadFile* file;
  const TestCase* test_case;
  const Workload* workload;

  std::string Name() const { return test_case->name + "/" + workload->name; }
};

absl::StatusOr<std::unique_ptr<Rig>> MakeRig(const Options& options, const Selected& selected) {
  auto rig = std::make_unique<Rig>();
  std::string config = options.scheduler_config;
  if (config.empty() && !selected.test_case->scheduler_config_path.empty()) {
    config = selected.file->folder + "/" + selected.test_case->scheduler_config_path;
  }
  const auto& gates = selected.workload->feature_gates;
  if (options.target == "engine") {
    const bool measured = selected.workload->threshold_selector.name != kThroughputMetric;
    BERTH_ASSIGN_OR_RETURN(
        rig->target,
        MakeEngineTarget({.config_path = config,
                          .feature_gates = gates,
                          .histograms = options.histograms || measured}));
  } else if (options.target == "stack" || options.target == "one-process") {
    std::string pattern = (options.directory.empty() ? std::filesystem::temp_directory_path()
                                                     : std::filesystem::path(options.directory)) /
                          "berth-bench-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) {
      return absl::InternalError(fmt::format("cannot make a directory {}", pattern));
    }
    rig->directory = pattern;
    const StackOptions stack = {.store = options.store, .scheduler_config = config,
                                .feature_gates = SplitGates(gates).flag,
                                .directory = rig->directory};
    if (options.target == "one-process") {
      BERTH_ASSIGN_OR_RETURN(rig->one_process, OneProcess::Start(stack));
      rig->target = MakeApiTarget(rig->one_process->transport(),
                                  {.name = options.target, .requests_in_flight = options.clients,
                                   .serves = api::Resources()});
      return rig;
    }
    BERTH_ASSIGN_OR_RETURN(Stack started, Stack::Start(stack));
    rig->stack = std::make_unique<Stack>(std::move(started));
    BERTH_RETURN_IF_ERROR(ConnectApi(rig->stack->kubeconfig(), options, *rig));
  } else {
    BERTH_RETURN_IF_ERROR(ConnectApi(options.kubeconfig, options, *rig));
  }
  return rig;
}

std::string Milliseconds(absl::Duration d) {
  return fmt::format("{:.2f}", absl::ToDoubleMilliseconds(d));
}

void PrintRow(const Measurement& m, const WorkloadResult& result, std::string_view target) {
  fmt::print("{:<52} {:<8} {:>7} {:>9.3f} {:>9.0f} {:>9} {:>9} {:>9}  {}..{}\n",
             m.name.substr(m.name.find('/') + 1), target, m.pods,
             absl::ToDoubleSeconds(m.elapsed), m.pods_per_second,
             Milliseconds(Percentile(m.latencies, 50)), Milliseconds(Percentile(m.latencies, 99)),
             m.latencies.empty() ? "-" : Milliseconds(m.latencies.back()), result.nodes_min,
             result.nodes_max);
  for (const std::string& problem : m.problems) fmt::print("  {}\n", problem);
  std::fflush(stdout);
}

void PrintHead() {
  fmt::print("{:<52} {:<8} {:>7} {:>9} {:>9} {:>9} {:>9} {:>9}  {}\n", "WORKLOAD", "TARGET", "PODS",
             "SECONDS", "PODS/S", "P50 MS", "P99 MS", "MAX MS", "PODS/NODE");
}

absl::Status WriteDataItems(const Options& options, const std::string& topic,
                            const std::vector<DataItem>& items) {
  std::error_code error;
  std::filesystem::create_directories(options.data_items, error);
  const std::string stamp = absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", RealClock::Get().Now(),
                                             absl::LocalTimeZone());
  const std::string path = fmt::format("{}/BenchmarkPerfScheduling_benchmark_{}_{}.json",
                                       options.data_items, topic, stamp);
  std::ofstream out(path);
  out << PrintDataItems(items);
  if (!out.flush()) return absl::InternalError(fmt::format("{}: cannot be written", path));
  fmt::print(stderr, "wrote {}\n", path);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<WorkloadFile>> ReadFiles(const Options& options) {
  std::vector<std::string> paths = {options.config};
  std::error_code ignored;
  if (std::filesystem::is_directory(options.config, ignored)) {
    paths = FindWorkloadFiles(options.config);
    if (paths.empty()) {
      return absl::NotFoundError(
          fmt::format("{}: no performance-config.yaml below it", options.config));
    }
  }
  std::vector<WorkloadFile> out;
  for (const std::string& path : paths) {
    BERTH_ASSIGN_OR_RETURN(WorkloadFile file, ReadWorkloads(path));
    if (!options.topic.empty()) file.topic = options.topic;
    out.push_back(std::move(file));
  }
  return out;
}

std::vector<Selected> Select(const std::vector<WorkloadFile>& files, const Options& options) {
  // As upstream's benchmark: what is labelled for it, unless something is asked for by name.
  const bool by_default = options.workload.empty() && options.labels.empty();
  const std::string labels = by_default ? "performance" : options.labels;
  std::vector<Selected> out;
  for (const WorkloadFile& file : files) {
    for (const TestCase& test_case : file.cases) {
      for (const Workload& workload : test_case.workloads) {
        const Selected one{&file, &test_case, &workload};
        const bool named = options.workload.empty() || one.Name() == options.workload ||
                           test_case.name == options.workload;
        if (named && MatchesLabels(labels, workload.labels)) out.push_back(one);
      }
    }
  }
  return out;
}

absl::StatusOr<WorkloadResult> RunOne(const Options& options, const Selected& selected,
                                      const RunOptions& run) {
  BERTH_ASSIGN_OR_RETURN(const std::unique_ptr<Rig> rig, MakeRig(options, selected));
  for (const std::string& gate : SplitGates(selected.workload->feature_gates).without_effect) {
    run.progress(fmt::format("{}: feature gate has no effect: {}", selected.Name(), gate));
  }
  auto result =
      RunWorkload(*selected.file, *selected.test_case, *selected.workload, *rig->target, run);
  // Somebody else's cluster is left as it was found, also after a failure.
  if (options.target == "cluster") {
    const absl::Status cleared = rig->target->Clear();
    if (!cleared.ok()) {
      fmt::print(stderr, "berth bench: not everything was removed: {}\n",
                 ToStd(cleared.message()));
    }
  }
  if (result.ok() && result->in_flight_events > 0) {
    return absl::InternalError(
        fmt::format("{} events are still in flight at the end", result->in_flight_events));
  }
  return result;
}

// items: by topic.
using ItemsByTopic = std::map<std::string, std::vector<DataItem>>;

bool RunAndReport(const Options& options, const Selected& selected, const RunOptions& run,
                  ItemsByTopic& items) {
  const absl::StatusOr<WorkloadResult> result = RunOne(options, selected, run);
  if (!result.ok()) {
    fmt::print(stderr, "berth bench: {}: {}\n", selected.Name(),
               ToStd(result.status().message()));
    return false;
  }
  bool good = true;
  for (const Measurement& m : result->measurements) {
    if (options.output == "table") PrintRow(m, *result, options.target);
    for (DataItem item : m.items) {
      item.labels["Target"] = options.target;
      items[selected.file->topic].push_back(std::move(item));
    }
    good = good && m.problems.empty();
  }
  return good;
}

int Report(const Options& options, const ItemsByTopic& items, bool good) {
  std::vector<DataItem> all;
  for (const auto& [topic, some] : items) {
    all.insert(all.end(), some.begin(), some.end());
    if (options.data_items.empty()) continue;
    if (const absl::Status bad = WriteDataItems(options, topic, some); !bad.ok()) {
      fmt::print(stderr, "berth bench: {}\n", ToStd(bad.message()));
      return 1;
    }
  }
  if (options.output == "json") fmt::print("{}", PrintDataItems(all));
  return good ? 0 : 1;
}

int RunSelected(const Options& options) {
  const auto files = ReadFiles(options);
  if (!files.ok()) {
    fmt::print(stderr, "berth bench: {}\n", ToStd(files.status().message()));
    return 2;
  }
  const std::vector<Selected> selected = Select(*files, options);
  if (selected.empty()) {
    fmt::print(stderr, "berth bench: no workload of {} matches; it has:\n", options.config);
    for (const WorkloadFile& file : *files) {
      for (const TestCase& c : file.cases) {
        for (const Workload& w : c.workloads) fmt::print(stderr, "  {}/{}\n", c.name, w.name);
      }
    }
    return 2;
  }
  RunOptions run;
  run.clock = &RealClock::Get();
  run.sample_interval = absl::Seconds(options.sample_interval_s);
  run.wait_limit = absl::Seconds(options.wait_limit_s);
  run.templates = options.templates;
  run.progress = [](std::string_view text) { fmt::print(stderr, "  {}\n", text); };
  ItemsByTopic items;
  bool good = true;
  if (options.output == "table") PrintHead();
  for (const Selected& s : selected) {
    for (int round = 0; round < options.repeat; ++round) {
      good = RunAndReport(options, s, run, items) && good;
    }
  }
  return Report(options, items, good);
}

void AddOptions(CLI::App& app, Options& options) {
  app.add_option("--config,--file", options.config,
                 "workload file (scheduler_perf's performance-config.yaml), or a folder of them")
      ->default_val("bench/scheduler_perf/cases");
  app.add_option("--templates", options.templates,
                 "where templates are that are not found as the file names them");
  app.add_option("--topic", options.topic,
                 "whose thresholds count, and the name of the results; default: the folder");
  app.add_option("--workload", options.workload, "CASE or CASE/WORKLOAD");
  app.add_option("--label,--labels", options.labels,
                 "filter: a,+b must be there, -c must not; default without --workload: "
                 "performance");
  app.add_option("--target", options.target,
                 "engine: the scheduler alone, no I/O. stack: our API server and scheduler as "
                 "processes, over HTTP. one-process: the same within this process, without "
                 "HTTP. cluster: any API server by --kubeconfig, with whatever scheduler "
                 "serves it")
      ->check(CLI::IsMember({"engine", "stack", "one-process", "cluster"}))
      ->capture_default_str();
  app.add_option("--kubeconfig", options.kubeconfig, "for --target cluster");
  app.add_option("--store", options.store,
                 "for --target stack and one-process: rocksdb (durable) or memory")
      ->check(CLI::IsMember({"rocksdb", "memory"}))
      ->capture_default_str();
  app.add_option("--scheduler-config", options.scheduler_config,
                 "KubeSchedulerConfiguration; default: the case's");
  app.add_flag("--histograms", options.histograms,
               "for --target engine: collect upstream's histograms too; costs some throughput");
  app.add_option("--clients", options.clients, "requests in flight")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--repeat", options.repeat, "runs of each workload")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--sample-interval", options.sample_interval_s,
                 "seconds between throughput samples (upstream: 1)")
      ->check(CLI::Range(0.01, 60.0))
      ->capture_default_str();
  app.add_option("--wait-limit", options.wait_limit_s,
                 "seconds that an operation waits for its pods (upstream: 600)")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  app.add_option("--data-items-dir", options.data_items, "write upstream's DataItems JSON there");
  app.add_option("--data-dir", options.directory,
                 "for --target stack and one-process: where the store goes");
  app.add_option("-o,--output", options.output, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
}

}  // namespace

int BenchMain(int argc, char** argv) {
  Options options;
  CLI::App app{
      "Runs workloads in Kubernetes' scheduler_perf format and reports throughput, latency and "
      "spread.\n\nExamples:\n"
      "  berth bench --workload SchedulingBasic/5000Nodes_10000Pods\n"
      "  berth bench --label integration-test,-performance\n"
      "  berth bench --target stack --store rocksdb --workload SchedulingBasic\n"
      "  berth bench --config performance-config.yaml --templates templates --label performance\n"
      "  berth bench --target cluster --kubeconfig ~/.kube/config --config "
      "performance-config.yaml\n\nThe format: bench/scheduler_perf/README.md",
      "berth bench"};
  AddOptions(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (options.target == "cluster" && options.kubeconfig.empty()) {
    fmt::print(stderr, "berth bench: --target cluster needs --kubeconfig\n");
    return 2;
  }
  SetLogLevel(Severity::kWarning);
  return RunSelected(options);
}

}  // namespace berth::bench
