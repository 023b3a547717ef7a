#include "bench/options.h"

namespace berth::bench {
namespace {

void AddWhat(CLI::App& app, Options& options) {
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
}

void AddTarget(CLI::App& app, Options& options) {
  app.add_option("--target", options.target,
                 "engine: the scheduler alone, no I/O. stack: our API server and scheduler as "
                 "processes, over HTTP. one-process: the same within this process, without "
                 "HTTP. cluster: any API server by --kubeconfig, with whatever scheduler "
                 "serves it")
      ->check(CLI::IsMember({"engine", "stack", "one-process", "cluster"}))
      ->capture_default_str();
  app.add_flag("--null-scheduler", options.null_scheduler,
               "engine, stack: instead of the scheduler, one that binds each pod at once to the "
               "next node and decides nothing: what the rig alone can carry");
  app.add_option("--kubeconfig", options.kubeconfig, "for --target cluster");
  app.add_option("--store", options.store,
                 "for --target stack and one-process: rocksdb (durable) or memory")
      ->check(CLI::IsMember({"rocksdb", "memory"}))
      ->capture_default_str();
  app.add_option("--data-dir", options.directory, 
                 "for --target stack and one-process: where the store goes");
  app.add_option("--scheduler-config", options.scheduler_config,
                 "KubeSchedulerConfiguration; default: the case's");
  app.add_option("--clients", options.clients, "requests in flight")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--client-qps", options.client_qps,
                 "stack, cluster: requests a second, of the bench's client and of the stack's "
                 "scheduler each; default: no limit. Upstream's rig has 5000")
      ->check(CLI::Range(1.0, 1e9));
}

void AddMeasuring(CLI::App& app, Options& options) {
  app.add_option("--repeat", options.repeat,
                 "runs of each workload, each on a new rig; the median counts")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--measure-pods", options.measure_pods,
                 "so many measured pods, whatever the workload says; they must fit its nodes")
      ->check(CLI::Range(int64_t{1}, int64_t{100'000'000}));
  app.add_option("--min-seconds", options.min_seconds,
                 "goes over a workload again, each time on a new rig, until so many seconds are "
                 "measured; pods and seconds of all rounds make one figure")
      ->check(CLI::Range(0.0, 86400.0));
  app.add_option("--rate", options.rates,
                 "offered load: the measured pods come at these rates, one after the other; "
                 "pods a second, as 1000,2000,4000")
      ->delimiter(',')
      ->check(CLI::Range(1.0, 1e7));
  app.add_option("--rate-seconds", options.rate_seconds, "how long each rate is offered")
      ->check(CLI::Range(0.1, 86400.0))
      ->capture_default_str();
  app.add_option("--svg", options.svg, "with --rate: draws offered against bound into this file");
  app.add_flag("--histograms", options.histograms,
               "for --target engine: collect upstream's histograms too; costs some throughput");
  app.add_option("--sample-interval", options.sample_interval_s,
                 "seconds between throughput samples (upstream: 1)")
      ->check(CLI::Range(0.01, 60.0))
      ->capture_default_str();
  app.add_option("--wait-limit", options.wait_limit_s,
                 "seconds that an operation waits for its pods (upstream: 600)")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
}

}  // namespace

void AddOptions(CLI::App& app, Options& options) {
  AddWhat(app, options);
  AddTarget(app, options);
  AddMeasuring(app, options);
  app.add_option("--data-items-dir", options.data_items, "write upstream's DataItems JSON there");
  app.add_option("-o,--output", options.output,
                 "table, or json: everything about each result, for `berth bench compare`")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
}

absl::Status CheckOptions(const Options& options) {
  const auto bad = [](const char* what) { return absl::InvalidArgumentError(what); };
  const bool cluster = options.target == "cluster";
  if (cluster && options.kubeconfig.empty()) return bad("--target cluster needs --kubeconfig");
  if (options.null_scheduler && options.target != "engine" && options.target != "stack") {
    return bad("--null-scheduler: take --target engine or stack; a cluster has its own scheduler");
  }
  if (options.target == "engine" && options.client_qps) {
    return bad("--client-qps: --target engine has no client; take --target stack or cluster");
  }
  if (!options.svg.empty() && options.rates.empty()) {
    return bad("--svg draws the curve of --rate; say which rates, as --rate 1000,2000,4000");
  }
  if (!options.rates.empty() && (options.measure_pods || options.min_seconds > 0)) {
    return bad("--rate with --rate-seconds says how many pods come; leave out --measure-pods and "
               "--min-seconds");
  }
  return absl::OkStatus();
}

}  // namespace berth::bench
