#include "scheduler-main/scheduler_main.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include <unistd.h>

#include <absl/synchronization/notification.h>
#include <fmt/core.h>

#include "base/log.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/structured_log.h"
#include "base/thread_executor.h"
#include "client/kubeconfig.h"
#include "scheduler-main/flags.h"
#include "scheduler-main/scheduler.h"
#include "scheduler-main/status_routes.h"
#include "scheduler-main/status_server.h"

namespace berth {
namespace scheduler {
namespace {

constexpr absl::Duration kResignTimeout = absl::Seconds(5);

using Plugins = std::vector<framework::PluginEntry>;

absl::StatusOr<Configuration> LoadConfig(const Flags& flags, const Plugins& plugins) {
  BERTH_ASSIGN_OR_RETURN(Configuration config, ReadConfig(flags.config_file, flags.pod_groups));
  ApplyFlags(flags, config);
  BERTH_RETURN_IF_ERROR(ValidateConfig(config));
  std::vector<std::string> names;
  for (const framework::PluginEntry& plugin : plugins) names.push_back(plugin.name);
  BERTH_RETURN_IF_ERROR(CompleteProfiles(config, names));
  for (const auto& override : flags.profile_tie_break) {
    const std::string& name = override.first;
    const bool known =
        std::any_of(config.profiles.begin(), config.profiles.end(),
                    [&](const auto& profile) { return profile.scheduler_name == name; });
    if (!known) {
      return absl::InvalidArgumentError(
          ToAbsl(fmt::format("--tie-break: no profile is named \"{}\"", name)));
    }
  }
  return config;
}

absl::Status WriteTo(const std::string& path, const std::string& text) {
  if (path == "-") {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return std::fflush(stdout) == 0 ? absl::OkStatus()
                                    : absl::UnavailableError("standard output is closed");
  }
  std::ofstream file(path, std::ios::trunc);
  file << text;
  file.close();
  if (!file) return absl::UnavailableError(ToAbsl(fmt::format("{} cannot be written", path)));
  return absl::OkStatus();
}

absl::StatusOr<client::RestConfig> FindServer(const Flags& flags, const Configuration& config) {
  const std::string& file = !config.client_connection.kubeconfig.empty()
                                ? config.client_connection.kubeconfig
                                : flags.kubeconfig;
  client::RestConfig rest;
  if (!file.empty()) {
    BERTH_ASSIGN_OR_RETURN(rest, client::LoadKubeconfig(file));
  } else if (flags.master.empty()) {
    const char* host = std::getenv("KUBERNETES_SERVICE_HOST");
    const char* port = std::getenv("KUBERNETES_SERVICE_PORT");
    auto in_cluster = client::InClusterConfig(host != nullptr ? host : "",
                                              port != nullptr ? port : "");
    if (!in_cluster.ok()) {
      return absl::FailedPreconditionError(
          ToAbsl(fmt::format("no API server: give --kubeconfig or --master, or run in a pod ({})",
                             ToStd(in_cluster.status().message()))));
    }
    rest = *std::move(in_cluster);
  }
  if (!flags.master.empty()) rest.server = flags.master;
  return rest;
}

std::string HostName() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

// "https://127.0.0.1:6443/base" -> "127.0.0.1:6443"
std::string HostOf(const std::string& url) {
  const size_t scheme = url.find("://");
  const size_t begin = scheme == url.npos ? 0 : scheme + 3;
  return url.substr(begin, url.find('/', begin) - begin);
}

SchedulerOptions OptionsOf(const Flags& flags, Configuration config, Plugins plugins,
                           const client::RestConfig& rest) {
  SchedulerOptions options;
  options.config = std::move(config);
  options.plugins = std::move(plugins);
  options.tie_break = flags.tie_break;
  options.profile_tie_break = flags.profile_tie_break;
  options.adaptive_sampling = flags.adaptive_sampling;
  options.verify_evaluations = flags.verify_evaluations;
  options.unschedulable_max = flags.unschedulable_max;
  options.nominated_node_name_for_expectation =
      flags.gates.Enabled("NominatedNodeNameForExpectation");
  options.pod_groups = flags.pod_groups;
  options.devices = flags.devices;
  options.host_name = HostName();
  options.server_host = HostOf(rest.server);
  options.seed = RandomSeed();
  options.identity = fmt::format("{}_{:016x}{:016x}", options.host_name, RandomSeed(),
                                 RandomSeed());
  return options;
}

// What is asked for and not done is said once, at the start.
void LogWhatIsMissing(const Flags& flags, const Configuration& config) {
  for (const std::string& flag : flags.ignored) {
    BERTH_LOG(kWarning, "flag has no effect flag={}", flag);
  }
  for (const std::string& gate : flags.gates.WithoutEffect()) {
    BERTH_LOG(kWarning, "feature gate has no effect gate={}", gate);
  }
  const std::string& kubeconfig = config.client_connection.kubeconfig;
  if (!flags.kubeconfig.empty() && !kubeconfig.empty() && kubeconfig != flags.kubeconfig) {
    BERTH_LOG(kWarning, "--kubeconfig is not used: the configuration file names its own file={}",
              kubeconfig);
  }
}

// Blocked in every thread from here on, and taken by WaitForStop.
sigset_t BlockSignals() {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGINT, SIGTERM, SIGUSR2}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

void WaitForStop(const sigset_t& signals, ThreadExecutor& executor, Scheduler& scheduler) {
  while (true) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) continue;
    if (signal != SIGUSR2) {
      BERTH_LOG(kInfo, "stopping signal={}", signal);
      break;
    }
    executor.Post([&scheduler] {
      scheduler.DebugCache([](const framework::CacheComparison& found) {
        BERTH_LOG(kInfo, "cache compared with the API result={}",
                  found.equal() ? "equal" : "mismatch");
      });
    });
  }
  for (int signal : {SIGINT, SIGTERM}) {
    std::signal(signal, [](int) { std::_Exit(1); });
  }
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

// So that the next one need not wait for the lease to end.
void Resign(ThreadExecutor& executor, Scheduler& scheduler) {
  const auto resigned = std::make_shared<absl::Notification>();
  executor.Post([&scheduler, resigned] { scheduler.Resign([resigned] { resigned->Notify(); }); });
  resigned->WaitForNotificationWithTimeout(kResignTimeout);
}

absl::Status Serve(const Flags& flags, const sigset_t& signals, ThreadExecutor& executor,
                   Scheduler& scheduler) {
  std::unique_ptr<StatusServer> server;
  if (flags.secure_port != 0) {
    auto started = StatusServer::Start(
        flags.bind_address, flags.secure_port,
        StatusRoutes(scheduler, [&executor](Task task) { executor.Run(std::move(task)); }));
    if (!started.ok()) {
      return absl::UnavailableError(ToAbsl(
          fmt::format("health and metrics: {}; choose another --secure-port, or 0 for none",
                      ToStd(started.status().message()))));
    }
    server = *std::move(started);
    BERTH_LOG(kInfo, "status served over plain HTTP address={}:{}", flags.bind_address,
              server->port());
  }
  absl::Status status, ended;
  executor.Run([&] {
    status = scheduler.StartByElection([&ended](absl::Status why) {
      ended = std::move(why);
      kill(getpid(), SIGTERM);  // whoever waits for signals ends all
    });
  });
  BERTH_RETURN_IF_ERROR(status);
  WaitForStop(signals, executor, scheduler);
  executor.Run([&] { status = ended; });
  Resign(executor, scheduler);
  return status;
}

absl::Status Run(const Flags& flags, Plugins plugins) {
  BERTH_ASSIGN_OR_RETURN(Configuration config, LoadConfig(flags, plugins));
  if (!flags.write_config_to.empty()) return WriteTo(flags.write_config_to, WriteConfig(config));
  BERTH_ASSIGN_OR_RETURN(client::RestConfig rest, FindServer(flags, config));
  LogWhatIsMissing(flags, config);
  const sigset_t signals = BlockSignals();
  BERTH_ASSIGN_OR_RETURN(std::unique_ptr<client::Transport> transport,
                         client::MakeTransport(rest));
  ThreadExecutor executor("scheduler");
  absl::StatusOr<std::unique_ptr<Scheduler>> scheduler;
  executor.Run([&] {
    scheduler = Scheduler::Create(OptionsOf(flags, std::move(config), std::move(plugins), rest),
                                  *transport, executor);
  });
  if (!scheduler.ok()) return scheduler.status();
  BERTH_LOG(kInfo, "scheduling server={}", rest.server);
  absl::Status status = Serve(flags, signals, executor, **scheduler);
  executor.Run([&] { scheduler->reset(); });
  transport.reset();  // completions in flight find nobody
  executor.Stop();
  return status;
}

}  // namespace
}  // namespace scheduler

int SchedulerMain(int argc, char** argv, std::vector<framework::PluginEntry> plugins) {
  auto parsed = scheduler::ParseFlags(argc, argv);
  if (const int* code = std::get_if<int>(&parsed)) return *code;
  const auto& flags = std::get<scheduler::Flags>(parsed);
  SetVerbosity(flags.verbosity);
  if (flags.logging_format == "json") SetLogFormat(LogFormat::kJson);
  const absl::Status status = scheduler::Run(flags, std::move(plugins));
  if (status.ok()) return 0;
  fmt::print(stderr, "berth scheduler: {}\n", ToStd(status.message()));
  return 1;
}

}  // namespace berth
