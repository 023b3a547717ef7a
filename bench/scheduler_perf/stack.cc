#include "bench/scheduler_perf/stack.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"

extern char** environ;

namespace berth::bench {
namespace {

constexpr int kPollsMax = 600;  // of 50 ms
constexpr auto kPoll = std::chrono::milliseconds(50);

std::string Tail(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  const std::string all = text.str();
  return all.substr(all.size() > 1000 ? all.size() - 1000 : 0);
}

bool FileHasText(const std::string& path) {
  struct stat info{};
  return stat(path.c_str(), &info) == 0 && info.st_size > 0;
}

std::vector<std::string> SchedulerArgs(const StackOptions& options,
                                       const std::string& kubeconfig) {
  if (options.null_scheduler) {
    return {"bench", "null-scheduler", "--kubeconfig", kubeconfig, "--qps",
            std::to_string(options.client_qps)};
  }
  std::vector<std::string> args = {"scheduler", "--kubeconfig", kubeconfig,
                                   "--leader-elect=false", "--secure-port", "0"};
  if (!options.scheduler_config.empty()) {
    args.insert(args.end(), {"--config", options.scheduler_config});
  }
  if (!options.feature_gates.empty()) {
    args.insert(args.end(), {"--feature-gates", options.feature_gates});
  }
  return args;
}

}  // namespace

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this != &other) {
    Stop();
    pid_ = std::exchange(other.pid_, -1);
  }
  return *this;
}

absl::StatusOr<ChildProcess> ChildProcess::Start(std::vector<std::string> args,
                                                 const std::string& log_path) {
  std::vector<char*> argv;
  std::string self = "berth";
  argv.push_back(self.data());
  for (std::string& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                   0644);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  ChildProcess child;
  const int error =
      posix_spawn(&child.pid_, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    child.pid_ = -1;
    return absl::InternalError(fmt::format("cannot start {}: {}", args[0], strerror(error)));
  }
  return child;
}

bool ChildProcess::running() const {
  if (pid_ < 0) return false;
  siginfo_t info{};
  return waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == 0;
}

absl::Duration ChildProcess::Cpu() const {
  if (pid_ < 0) return absl::ZeroDuration();
  std::ifstream in(fmt::format("/proc/{}/stat", pid_));
  std::string text;
  std::getline(in, text);
  // "pid (name) state ...": utime and stime are fields 14 and 15, in clock ticks.
  std::istringstream fields(text.substr(std::min(text.size(), text.rfind(')') + 1)));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return absl::Seconds((user + system) / static_cast<double>(sysconf(_SC_CLK_TCK)));
}

void ChildProcess::Stop() {
  if (pid_ < 0) return;
  kill(pid_, SIGTERM);
  for (int i = 0; i < 100 && running(); ++i) std::this_thread::sleep_for(kPoll);
  if (running()) kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

absl::StatusOr<Stack> Stack::Start(const StackOptions& options) {
  Stack stack;
  stack.kubeconfig_ = options.directory + "/kubeconfig";
  unlink(stack.kubeconfig_.c_str());
  const std::string server_log = options.directory + "/apiserver.log";
  const std::string scheduler_log = options.directory + "/scheduler.log";
  BERTH_ASSIGN_OR_RETURN(
      stack.apiserver_,
      ChildProcess::Start({"apiserver", "--store", options.store, "--data-dir",
                           options.directory + "/data", "--insecure-port", "0", "--kubeconfig",
                           stack.kubeconfig_},
                          server_log));
  // The kubeconfig is written once the port is open.
  for (int i = 0; i < kPollsMax && !FileHasText(stack.kubeconfig_); ++i) {
    if (!stack.apiserver_.running()) break;
    std::this_thread::sleep_for(kPoll);
  }
  if (!stack.apiserver_.running() || !FileHasText(stack.kubeconfig_)) {
    return absl::UnavailableError("the API server did not come up:\n" + Tail(server_log));
  }
  BERTH_ASSIGN_OR_RETURN(
      stack.scheduler_,
      ChildProcess::Start(SchedulerArgs(options, stack.kubeconfig_), scheduler_log));
  std::this_thread::sleep_for(kPoll);
  if (!stack.scheduler_.running()) {
    return absl::UnavailableError("the scheduler did not come up:\n" + Tail(scheduler_log));
  }
  return stack;
}

}  // namespace berth::bench
