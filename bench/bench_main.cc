#include "bench/bench_main.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "bench/scheduler_perf/api_target.h"
#include "bench/scheduler_perf/engine_target.h"
#include "bench/scheduler_perf/runner.h"
#include "bench/scheduler_perf/stack.h"
#include "client/http_transport.h"
#include "client/kubeconfig.h"

namespace berth::bench {
namespace {

struct Options {
  std::string file;
  std::string workload;
  std::string labels;
  std::string target = "engine";
  std::string kubeconfig;
  std::string store = "rocksdb";
  std::string config;
  std::string data_items;
  std::string output = "table";
  std::string directory;
  int clients = 32;
  int repeat = 1;
  double sample_interval_s = 1;
  bool metrics = false;
};

// What a workload runs against, and what must live as long.
struct Rig {
  std::string directory;  // removed at the end when it was made here
  std::unique_ptr<Stack> stack;
  std::unique_ptr<client::Transport> transport;
  std::unique_ptr<Target> target;
  ~Rig() {
    target.reset();
    transport.reset();
    stack.reset();
    std::error_code ignored;
    if (!directory.empty()) std::filesystem::remove_all(directory, ignored);
  }
};

absl::Status ConnectApi(const std::string& kubeconfig, const Options& options, Rig& rig) {
  BERTH_ASSIGN_OR_RETURN(client::RestConfig rest, client::LoadKubeconfig(kubeconfig));
  BERTH_ASSIGN_OR_RETURN(rig.transport, client::MakeTransport(rest));
  rig.target = MakeApiTarget(*rig.transport,
                             {.name = options.target, .requests_in_flight = options.clients});
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Rig>> MakeRig(const Options& options, const std::string& config) {
  auto rig = std::make_unique<Rig>();
  if (options.target == "engine") {
    BERTH_ASSIGN_OR_RETURN(rig->target, MakeEngineTarget(
                                            {.config_path = config, .metrics = options.metrics}));
  } else if (options.target == "stack") {
    std::string pattern = (options.directory.empty() ? std::filesystem::temp_directory_path()
                                                     : std::filesystem::path(options.directory)) /
                          "berth-bench-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) {
      return absl::InternalError(fmt::format("cannot make a directory {}", pattern));
    }
    rig->directory = pattern;
    BERTH_ASSIGN_OR_RETURN(
        Stack stack, Stack::Start({.store = options.store, .scheduler_config = config,
                                   .directory = rig->directory}));
    rig->stack = std::make_unique<Stack>(std::move(stack));
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
  if (m.below_threshold) fmt::print("  BELOW its threshold\n");
  std::fflush(stdout);
}

void PrintHead() {
  fmt::print("{:<52} {:<8} {:>7} {:>9} {:>9} {:>9} {:>9} {:>9}  {}\n", "WORKLOAD", "TARGET", "PODS",
             "SECONDS", "PODS/S", "P50 MS", "P99 MS", "MAX MS", "PODS/NODE");
}

absl::Status WriteDataItems(const std::string& directory, const std::vector<DataItem>& items) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  const std::string stamp = absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", RealClock::Get().Now(),
                                             absl::LocalTimeZone());
  const std::string path =
      fmt::format("{}/BenchmarkPerfScheduling_benchmark_berth_{}.json", directory, stamp);
  std::ofstream out(path);
  out << PrintDataItems(items);
  if (!out.flush()) return absl::InternalError(fmt::format("{}: cannot be written", path));
  fmt::print(stderr, "wrote {}\n", path);
  return absl::OkStatus();
}

struct Selected {
  const TestCase* test_case;
  const Workload* workload;
};

std::vector<Selected> Select(const WorkloadFile& file, const Options& options) {
  std::vector<Selected> out;
  for (const TestCase& test_case : file.cases) {
    for (const Workload& workload : test_case.workloads) {
      const std::string name = test_case.name + "/" + workload.name;
      const bool named = options.workload.empty() || name == options.workload ||
                         test_case.name == options.workload;
      if (named && MatchesLabels(options.labels, workload.labels)) {
        out.push_back({&test_case, &workload});
      }
    }
  }
  return out;
}

absl::StatusOr<WorkloadResult> RunOne(const Options& options, const std::string& config,
                                      const WorkloadFile& file, const Selected& selected,
                                      const RunOptions& run) {
  BERTH_RETURN_IF_ERROR(selected.test_case->supported);
  BERTH_RETURN_IF_ERROR(selected.workload->supported);
  BERTH_ASSIGN_OR_RETURN(const std::unique_ptr<Rig> rig, MakeRig(options, config));
  auto result = RunWorkload(file, *selected.test_case, *selected.workload, *rig->target, run);
  // Somebody else's cluster is left as it was found, also after a failure.
  if (options.target == "cluster") {
    const absl::Status cleared = rig->target->Clear();
    if (!cleared.ok()) {
      fmt::print(stderr, "berth bench: not everything was removed: {}\n",
                 ToStd(cleared.message()));
    }
  }
  return result;
}

int RunSelected(const Options& options) {
  const auto file = ReadWorkloads(options.file);
  if (!file.ok()) {
    fmt::print(stderr, "berth bench: {}\n", ToStd(file.status().message()));
    return 2;
  }
  const std::vector<Selected> selected = Select(*file, options);
  if (selected.empty()) {
    fmt::print(stderr, "berth bench: no workload of {} matches; it has:\n", options.file);
    for (const TestCase& c : file->cases) {
      for (const Workload& w : c.workloads) fmt::print(stderr, "  {}/{}\n", c.name, w.name);
    }
    return 2;
  }
  RunOptions run;
  run.clock = &RealClock::Get();
  run.sample_interval = absl::Seconds(options.sample_interval_s);
  run.progress = [](std::string_view text) { fmt::print(stderr, "  {}\n", text); };
  std::vector<DataItem> items;
  bool failed = false;
  if (options.output == "table") PrintHead();
  for (const Selected& s : selected) {
    for (int round = 0; round < options.repeat; ++round) {
      std::string config = options.config;
      if (config.empty() && !s.test_case->scheduler_config_path.empty()) {
        config = file->folder + "/" + s.test_case->scheduler_config_path;
      }
      const absl::StatusOr<WorkloadResult> result = RunOne(options, config, *file, s, run);
      if (!result.ok()) {
        fmt::print(stderr, "berth bench: {}/{}: {}\n", s.test_case->name, s.workload->name,
                   ToStd(result.status().message()));
        failed = true;
        continue;
      }
      for (const Measurement& m : result->measurements) {
        if (options.output == "table") PrintRow(m, *result, options.target);
        items.push_back(m.throughput);
        items.back().labels["Target"] = options.target;
        failed = failed || m.below_threshold;
      }
    }
  }
  if (options.output == "json") fmt::print("{}", PrintDataItems(items));
  if (!options.data_items.empty()) {
    if (const absl::Status bad = WriteDataItems(options.data_items, items); !bad.ok()) {
      fmt::print(stderr, "berth bench: {}\n", ToStd(bad.message()));
      return 1;
    }
  }
  return failed ? 1 : 0;
}

}  // namespace

int BenchMain(int argc, char** argv) {
  Options options;
  CLI::App app{
      "Runs workloads in Kubernetes' scheduler_perf format and reports throughput, latency and "
      "spread.\n\nExamples:\n"
      "  berth bench --workload SchedulingBasic/5000Nodes_10000Pods\n"
      "  berth bench --target stack --store rocksdb --labels performance\n"
      "  berth bench --target cluster --kubeconfig ~/.kube/config --file performance-config.yaml\n",
      "berth bench"};
  app.add_option("--file", options.file, "workload file (scheduler_perf format)")
      ->default_val("bench/workloads/performance-config.yaml");
  app.add_option("--workload", options.workload, "CASE or CASE/WORKLOAD; default: all");
  app.add_option("--labels", options.labels, "label filter: a,+b,-c");
  app.add_option("--target", options.target,
                 "engine: the scheduler alone, no I/O. stack: our API server and scheduler as "
                 "processes, over HTTP. cluster: any API server by --kubeconfig, with whatever "
                 "scheduler serves it")
      ->check(CLI::IsMember({"engine", "stack", "cluster"}))
      ->capture_default_str();
  app.add_option("--kubeconfig", options.kubeconfig, "for --target cluster");
  app.add_option("--store", options.store, "for --target stack: rocksdb (durable) or memory")
      ->check(CLI::IsMember({"rocksdb", "memory"}))
      ->capture_default_str();
  app.add_option("--config", options.config, "KubeSchedulerConfiguration; default: the case's");
  app.add_flag("--metrics", options.metrics,
               "for --target engine: keep metrics, as the scheduler program does");
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
  app.add_option("--data-items-dir", options.data_items, "write upstream's DataItems JSON there");
  app.add_option("--data-dir", options.directory, "for --target stack: where the store goes");
  app.add_option("-o,--output", options.output, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
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
