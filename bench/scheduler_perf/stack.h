// The stack under test as processes of its own: `berth apiserver` and `berth scheduler`, started
// from this very program, on a free port and a fresh data directory.
#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

namespace berth::bench {

// A child process; destroying it sends SIGTERM and waits (SIGKILL after 5 s).
class ChildProcess {
 public:
  ChildProcess() = default;
  ChildProcess(ChildProcess&& other) noexcept : pid_(other.pid_) { other.pid_ = -1; }
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess() { Stop(); }

  // argv[0] is this program; output goes to `log_path`.
  static absl::StatusOr<ChildProcess> Start(std::vector<std::string> args,
                                            const std::string& log_path);
  bool running() const;
  // CPU time it has used so far; zero when it is not running.
  absl::Duration Cpu() const;
  void Stop();

 private:
  int pid_ = -1;
};

struct StackOptions {
  std::string store = "rocksdb";    // or "memory"
  std::string scheduler_config;     // empty: defaults
  std::string feature_gates;        // the scheduler's: "A=true,B=false"
  std::string directory;            // for data and logs; must exist
  bool null_scheduler = false;      // in the scheduler's place; heeds neither config nor gates
  double client_qps = 0;            // of the null scheduler, which has no config. 0: no limit
};

class Stack {
 public:
  // Up when the API server says it is ready. Errors quote the end of the log.
  static absl::StatusOr<Stack> Start(const StackOptions& options);
  const std::string& kubeconfig() const { return kubeconfig_; }
  absl::Duration Cpu() const { return apiserver_.Cpu() + scheduler_.Cpu(); }

 private:
  Stack() = default;
  std::string kubeconfig_;
  ChildProcess apiserver_, scheduler_;  // the scheduler goes first
};

}  // namespace berth::bench
