// `berth up`: everything in one process.
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "cluster/up/cluster.h"
#include "program/checks.h"
#include "program/command.h"
#include "program/node_flags.h"
#include "program/signals.h"
#include "scheduler-main/feature_gates.h"

namespace berth::program {
namespace {

struct UpFlags {
  NodeFlags nodes;
  std::string data_dir, kubeconfig, config, log_file;
  std::string feature_gates;
  std::string store = "rocksdb", binding_check = "on", event_ttl = "1h";
  int port = 8001;
  int64_t first_revision = 1;
  std::vector<std::string> schedulers;
  bool plain = false;
};

absl::StatusOr<up::ClusterOptions> Options(const UpFlags& flags) {
  up::ClusterOptions options;
  BERTH_ASSIGN_OR_RETURN(options.plane.event_ttl,
                         DurationOf("--event-ttl", flags.event_ttl, absl::Seconds(1)));
  options.plane.store = *up::ParseStoreKind(flags.store);
  options.plane.data_dir = flags.data_dir;
  options.plane.port = flags.port;
  options.plane.binding_check = flags.binding_check == "on";
  options.plane.first_revision = flags.first_revision;
  options.kubeconfig = flags.kubeconfig;
  options.simulate_nodes = flags.nodes.count > 0 || !flags.nodes.template_file.empty();
  BERTH_ASSIGN_OR_RETURN(options.nodes, MakeAgentOptions(flags.nodes));
  BERTH_ASSIGN_OR_RETURN(const auto gates, scheduler::FeatureGates::Parse(flags.feature_gates));
  BERTH_ASSIGN_OR_RETURN(const auto pod_groups, gates.PodGroups());
  BERTH_ASSIGN_OR_RETURN(const auto devices, gates.Devices());
  BERTH_ASSIGN_OR_RETURN(const scheduler::Configuration config,
                         scheduler::ReadConfig(flags.config, pod_groups));
  BERTH_ASSIGN_OR_RETURN(auto plan, up::SchedulerPlan(config, flags.schedulers));
  for (scheduler::Configuration& one : plan) {
    scheduler::SchedulerOptions& scheduler = options.schedulers.emplace_back();
    scheduler.config = std::move(one);
    scheduler.pod_groups = pod_groups;
    scheduler.devices = devices;
    scheduler.nominated_node_name_for_expectation =
        gates.Enabled("NominatedNodeNameForExpectation");
    scheduler.seed = RandomSeed();
  }
  return options;
}

// Shows the samples of a cluster until a stop is asked for.
class Display {
 public:
  Display(const UpFlags& flags, up::Cluster& cluster)
      : cluster_(cluster), live_(!flags.plain && isatty(STDOUT_FILENO) == 1),
        screen_({.server = cluster.url(),
                 .store = flags.data_dir.empty() ? flags.store
                                                 : flags.store + " in " + flags.data_dir,
                 .kubeconfig = flags.kubeconfig,
                 .started = RealClock::Get().Now()}) {
    if (live_) Write(up::EnterScreen());
  }
  ~Display() {
    if (live_) Write(up::LeaveScreen());
  }

  void Run(StopSignals& signals) {
    constexpr int kLinesEvery = 10;  // ticks
    for (int tick = 0;; ++tick) {
      screen_.Add(cluster_.TakeSample());
      if (live_) {
        winsize size{};
        ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
        const int columns = size.ws_col == 0 ? 80 : size.ws_col;
        const int rows = size.ws_row == 0 ? 24 : size.ws_row;
        Write(up::Frame(screen_.Render(columns, rows, true)));
      } else if (tick % kLinesEvery == 0 || ChangedNodes()) {
        Write(screen_.Line() + "\n");
      }
      if (signals.Wait(absl::Milliseconds(500))) break;
    }
    last_line_ = screen_.Line();
  }
  const std::string& last_line() const { return last_line_; }

 private:
  // The moment when all nodes are there is worth a line of its own.
  bool ChangedNodes() {
    const bool ready = screen_.AllNodesReady();
    return std::exchange(ready_, ready) != ready;
  }
  static void Write(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }

  up::Cluster& cluster_;
  const bool live_;
  bool ready_ = false;
  up::StatusScreen screen_;
  std::string last_line_;
};

int Run(UpFlags flags) {
  StopSignals signals;
  if (flags.store == "rocksdb" && flags.data_dir.empty()) {
    return Fail(absl::InvalidArgumentError(
        "the rocksdb store needs --data-dir DIR (or: --store memory, which keeps nothing)"));
  }
  if (flags.kubeconfig.empty()) {
    flags.kubeconfig = flags.data_dir.empty() ? "berth.kubeconfig" : flags.data_dir + "/kubeconfig";
  }
  // Log lines would tear the screen apart.
  const bool live = !flags.plain && isatty(STDOUT_FILENO) == 1;
  if (live && flags.log_file.empty()) {
    flags.log_file = flags.data_dir.empty() ? "berth.log" : flags.data_dir + "/berth.log";
  }
  auto options = Options(flags);
  if (!options.ok()) return Fail(options.status());
  if (!flags.log_file.empty() && !LogToFile(flags.log_file.c_str())) {
    return Fail(absl::UnavailableError(fmt::format("cannot write {}", flags.log_file)));
  }
  auto cluster = up::Cluster::Start(*std::move(options));
  if (!cluster.ok()) return Fail(cluster.status());
  if (!live) {
    fmt::print("serving on {}\nexport KUBECONFIG={}\n", (*cluster)->url(), flags.kubeconfig);
    std::fflush(stdout);
  }
  std::string last_line;
  {
    Display display(flags, **cluster);
    signals.on_dump = [&] { (*cluster)->DebugCaches(); };
    display.Run(signals);
    last_line = display.last_line();
  }
  if (live) fmt::print("{}\n", last_line);
  fmt::print("stopping; a further Ctrl-C exits at once\n");
  std::fflush(stdout);
  cluster->reset();
  return 0;
}

}  // namespace

void AddUp(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("up", "Runs a whole cluster: API server, store, schedulers, nodes");
  command->footer(
      "Examples:\n"
      "  berth up --nodes 5 --data-dir /tmp/berth --kubeconfig /tmp/berth.kubeconfig\n"
      "  berth up --nodes 1000 --store memory --scheduler default-scheduler --scheduler second\n"
      "\nCtrl-C stops it cleanly, a second one at once; the same command on the same data\n"
      "directory brings everything back. Pods choose by spec.schedulerName; each --scheduler has\n"
      "its own engine, cache and watches.\n");
  const auto flags = std::make_shared<UpFlags>();
  command->add_option("--nodes", flags->nodes.count,
                      "Simulated nodes; 0: as the template says, none without one")
      ->check(Plain(CLI::Range(int64_t{0}, node::kNodesMax)))->capture_default_str();
  command->add_option("--data-dir", flags->data_dir,
                      "Directory of the store, the log and the lock; one process at a time");
  command->add_option("--port", flags->port, "Plain HTTP on 127.0.0.1; 0: any free one")
      ->check(Plain(CLI::Range(0, 65535)))->capture_default_str();
  command->add_option("--kubeconfig", flags->kubeconfig,
                      "Is written; default: DATA_DIR/kubeconfig, or ./berth.kubeconfig");
  command->add_option("--scheduler", flags->schedulers,
                      "Name of a scheduler; repeat it for several side by side. Runs the profile "
                      "of that name in --config, or the first one under that name");
  command->add_option("--config", flags->config, "KubeSchedulerConfiguration file");
  command->add_option("--feature-gates", flags->feature_gates,
                      "Of the schedulers: GenericWorkload=true,GangScheduling=true");
  command->add_option("--store", flags->store, "rocksdb (durable) or memory")
      ->check(Plain(CLI::IsMember({"rocksdb", "memory"})))->capture_default_str();
  command->add_option("--binding-check", flags->binding_check,
                      "on: a binding that does not fit its node is refused with 409; "
                      "off: upstream's behaviour")
      ->check(Plain(CLI::IsMember({"on", "off"})))->capture_default_str();
  command->add_option("--first-revision", flags->first_revision,
                      "Where a new store begins. After its data was lost, $(date +%s%6N) makes "
                      "clients that are still there list anew")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--event-ttl", flags->event_ttl, "How long Events are kept")
      ->capture_default_str();
  command->add_option("--log-file", flags->log_file,
                      "Default: standard error, or DATA_DIR/berth.log on a terminal");
  command->add_flag("--plain", flags->plain, "Lines instead of a screen, on a terminal too");
  AddNodeFlags(*command, flags->nodes);
  command->callback([flags, &action] { action = [flags] { return Run(*flags); }; });
}

}  // namespace berth::program
