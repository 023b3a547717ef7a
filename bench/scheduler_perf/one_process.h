// The stack under test within this process: API server, store and scheduler, each on its threads,
// and in-process transports instead of sockets. What it is faster by than Stack is the price of
// HTTP and of three processes.
#pragma once

#include <memory>

#include <absl/status/statusor.h>

#include "base/thread_executor.h"
#include "bench/scheduler_perf/stack.h"
#include "cluster/apiserver/in_process_transport.h"
#include "cluster/up/cluster.h"

namespace berth::bench {

class OneProcess {
 public:
  // Up when requests are served. Errors: of the configuration and of the store.
  static absl::StatusOr<std::unique_ptr<OneProcess>> Start(const StackOptions& options);
  // Whatever uses the transport goes first.
  ~OneProcess();
  OneProcess(const OneProcess&) = delete;
  OneProcess& operator=(const OneProcess&) = delete;

  client::Transport& transport() { return *transport_; }

 private:
  OneProcess() = default;
  std::unique_ptr<up::Cluster> cluster_;
  ThreadExecutor client_{"bench-client"};  // decodes what the transport brings
  std::unique_ptr<apiserver::InProcessTransport> transport_;
};

}  // namespace berth::bench
