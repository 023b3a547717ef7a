// Scheduler: one scheduler against one API server: client, informers, engine, metrics.
//
//   SchedulerOptions options;
//   options.config = *DecodeConfig(text);
//   auto scheduler = Scheduler::Create(std::move(options), transport, executor);   // on executor
//   BERTH_RETURN_IF_ERROR((*scheduler)->Start());
//
// A process may run several; each has its own engine, cache and informers, so that they race as
// separate processes do. Nothing blocks, and time comes from the executor: it runs the same in a
// server (HTTP transport, thread executor), in `berth up` and in the simulation (in-process
// transport, simulated executor).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "base/executor.h"
#include "client/transport.h"
#include "framework/cycle/scheduler_engine.h"
#include "framework/registry.h"
#include "scheduler-main/config.h"
#include "scheduler-main/extender/http_extender.h"

namespace berth::scheduler {

struct SchedulerOptions {
  Configuration config;                          // as DecodeConfig leaves it
  std::vector<framework::PluginEntry> plugins;   // beside the in-tree ones
  framework::TieBreak tie_break = framework::TieBreak::kRoundRobin;
  std::map<std::string, framework::TieBreak, std::less<>> profile_tie_break;  // by profile
  bool adaptive_sampling = false;
  absl::Duration unschedulable_max = absl::Minutes(5);
  bool nominated_node_name_for_expectation = true;
  framework::PodGroupFeatures pod_groups;        // also given to ReadConfig: they add plugins
  framework::DeviceFeatures devices;
  // Engine settings that have no place in upstream's file.
  int64_t evaluation_cache_bytes = int64_t{256} << 20;
  double verify_evaluations = 0;  // a share, in [0, 1]
  std::string host_name = "berth";               // in events: "default-scheduler-<host>"
  std::string identity = "berth";                // among those that compete for the lease
  ExtenderTransport extender_transport;          // how extenders are reached; unset: over sockets
  std::string server_host = "localhost";         // in the metrics of requests
  bool metrics = true;                           // false: none are kept, MetricsText is empty
  uint64_t seed = 1;
};

// What the engine is told of them.
framework::EngineOptions EngineOptionsOf(const SchedulerOptions& options);

// Checks the configuration and completes its profiles. Errors: those of Scheduler::Create.
absl::Status CompleteOptions(SchedulerOptions& options);
// Those of the options' configuration; before the profiles.
absl::Status AddExtenders(const SchedulerOptions& options, Executor& executor,
                          framework::Engine& engine);
// The plugins of this build and the profiles of completed options. registry: outlives the engine.
absl::Status AddProfiles(const SchedulerOptions& options, framework::Registry& registry,
                         framework::Engine& engine);

// Threads: its executor only, construction and destruction included, unless said otherwise.
class Scheduler {
 public:
  // transport and executor must outlive it. Errors: InvalidArgument for a configuration that does
  // not validate, a profile that cannot be built (upstream's texts) or an extender's bad address.
  static absl::StatusOr<std::unique_ptr<Scheduler>> Create(SchedulerOptions options,
                                                           client::Transport& transport,
                                                           Executor& executor);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Starts to watch; schedules once the first lists are there.
  absl::Status Start();
  // Starts to watch and, where the configuration asks for it, to compete for the lease; schedules
  // while it leads. on_end: this process is to end, and why: Aborted when another one leads; what
  // Start said when it failed after the election (delayCacheUntilActive). At most once.
  absl::Status StartByElection(absl::AnyInvocable<void(absl::Status)> on_end);
  // Gives up the lease, if it has one; then done, always.
  void Resign(Task done);
  // No cycle starts and no completion is heard any more. Idempotent.
  void Stop();

  framework::EngineCounts counts() const;
  std::string QueueSummary() const;
  absl::Status CheckConsistency() const;
  // Engine::DebugCache: compares with what was seen of the cluster, and dumps, to the log.
  void DebugCache(framework::Engine::CompareDone done);
  // It may decide: it leads, or there is no election.
  bool leading() const;
  // All pods it has seen.
  std::vector<framework::ObjectPtr> Pods() const;
  // What it has seen of the cluster (tests and status pages).
  const framework::ObjectSource& source() const;
  // Called at the end of each scheduling attempt: the pod ("namespace/name"), the node or "".
  void OnDecision(std::function<void(std::string_view pod_key, std::string_view node)> hook);

  // From any thread.
  bool synced() const;
  // False: it leads and has not renewed its lease for too long.
  bool lease_is_healthy() const;
  std::string MetricsText() const;
  const Configuration& config() const;  // completed; does not change

 private:
  struct Parts;
  explicit Scheduler(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace berth::scheduler
