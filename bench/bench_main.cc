#include "bench/bench_main.h"

#include <cstdio>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "base/log.h"
#include "base/strings.h"
#include "bench/compare.h"
#include "bench/null_scheduler_command.h"
#include "bench/options.h"
#include "bench/session.h"

namespace berth::bench {
namespace {

constexpr const char* kAbout =
    "Runs workloads in Kubernetes' scheduler_perf format and reports throughput, latency and "
    "placement, with everything they depend on.\n\n"
    "The figure is pods / (last pod seen bound - first create sent).\n\nExamples:\n"
    "  berth bench --workload SchedulingBasic/5000Nodes_10000Pods --repeat 5\n"
    "  berth bench --label integration-test,-performance\n"
    "  berth bench --target stack --store rocksdb --workload SchedulingBasic --client-qps 5000\n"
    "  berth bench --workload SchedulingBasic/5000Nodes_10000Pods --null-scheduler\n"
    "  berth bench --workload SchedulingBasic/5000Nodes_10000Pods --rate 1000,5000,20000 "
    "--svg curve.svg\n"
    "  berth bench --repeat 5 --workload SchedulingBasic -o json >before.json\n"
    "  berth bench compare before.json after.json\n"
    "  berth bench --config performance-config.yaml --templates templates --label performance\n"
    "  berth bench --target cluster --kubeconfig ~/.kube/config --config "
    "performance-config.yaml\n\nThe format, and what comes out: bench/scheduler_perf/README.md";

CLI::App* AddCompare(CLI::App& app, CompareOptions& options) {
  CLI::App* compare = app.add_subcommand(
      "compare", "Says what changed between two files of `berth bench -o json` beyond noise");
  compare->footer(
      "A figure changed when its median moved by at least --min-change and the repetitions of both "
      "sides lie apart as they would by chance in at most --chance of cases (Mann-Whitney). Take "
      "both files with --repeat 5 or more; fewer than four repetitions cannot tell.\n\n"
      "Exit code: 0; 1 beyond --fail-beyond; 2 a file cannot be read.\n\nExamples:\n"
      "  berth bench compare before.json after.json\n"
      "  berth bench compare --calibrated --fail-beyond 2 bench/baselines/reduced.json new.json");
  compare->add_option("before", options.before, "file of `berth bench -o json`")->required();
  compare->add_option("after", options.after, "file of `berth bench -o json`")->required();
  compare->add_flag("--calibrated", options.calibrated,
                    "takes out how fast the machine was: divides times and rates by a fixed loop "
                    "that ran around each repetition");
  compare->add_option("--min-change", options.min_change, "smaller changes are none")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  compare->add_option("--chance", options.chance, "of calling noise a change")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  compare->add_flag("--all", options.all, "shows figures that did not change, too");
  compare->add_option("--fail-beyond", options.fail_beyond,
                      "exit code 1 when pods a second or CPU a pod are more than so many times "
                      "worse by their best repetition, a workload is missing, or its scenario does "
                      "not happen any more")
      ->check(CLI::Range(1.0, 1000.0));
  return compare;
}

int Complain(const absl::Status& status, int code) {
  fmt::print(stderr, "berth bench: {}\n", ToStd(status.message()));
  return code;
}

}  // namespace

int BenchMain(int argc, char** argv) {
  Options options;
  CLI::App app{kAbout, "berth bench"};
  AddOptions(app, options);
  CompareOptions comparison;
  const CLI::App* compare = AddCompare(app, comparison);
  CLI::App* null = app.add_subcommand("null-scheduler", "What --null-scheduler runs at the stack");
  null->group("");  // not for people
  std::string kubeconfig;
  double qps = 0;
  null->add_option("--kubeconfig", kubeconfig)->required();
  null->add_option("--qps", qps);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  SetLogLevel(Severity::kWarning);
  if (compare->parsed()) return RunCompare(comparison);
  if (null->parsed()) {
    const absl::Status status = RunNullScheduler(kubeconfig, qps);
    return status.ok() ? 0 : Complain(status, 1);
  }
  if (const absl::Status bad = CheckOptions(options); !bad.ok()) return Complain(bad, 2);
  return RunSession(options);
}

}  // namespace berth::bench
