#include "bench/null_scheduler_command.h"

#include <csignal>
#include <memory>

#include "base/status_macros.h"
#include "base/thread_executor.h"
#include "bench/scheduler_perf/null_scheduler.h"
#include "client/api_client.h"
#include "client/event_recorder.h"
#include "client/kubeconfig.h"
#include "scheduler-main/api_sink.h"
#include "scheduler-main/informer_source.h"

namespace berth::bench {
namespace {

constexpr uint64_t kJitterSeed = 1;  // of the informers'

}  // namespace

absl::Status RunNullScheduler(const std::string& kubeconfig, double qps) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  BERTH_ASSIGN_OR_RETURN(const client::RestConfig rest, client::LoadKubeconfig(kubeconfig));
  BERTH_ASSIGN_OR_RETURN(const auto transport, client::MakeTransport(rest));
  // As the scheduler's own.
  struct Parts {
    Parts(client::Transport& transport, Executor& executor, double qps)
        : client(transport, executor,
                 {.user_agent = "berth-null-scheduler",
                  .qps = qps,
                  .burst = static_cast<int>(qps)}),
          recorder(client, {.reporting_instance = "berth-null-scheduler"}),
          source(client, kJitterSeed),
          sink(client, recorder),
          scheduler(source, sink) {}
    client::ApiClient client;
    client::EventRecorder recorder;
    scheduler::InformerSource source;
    scheduler::ApiSink sink;
    NullScheduler scheduler;
  };
  ThreadExecutor executor("null");
  std::unique_ptr<Parts> parts;
  executor.Run([&] { parts = std::make_unique<Parts>(*transport, executor, qps); });
  int signal = 0;
  while (sigwait(&signals, &signal) != 0) {
  }
  executor.Run([&] { parts.reset(); });
  return absl::OkStatus();
}

}  // namespace berth::bench
