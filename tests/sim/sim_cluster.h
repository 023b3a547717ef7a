// A whole cluster on one thread, under virtual time, from one seed: memory store, API server, two
// schedulers, node agents, watching clients and an operator, each a process that can crash, each
// client behind a network that misbehaves.
//
//   SimCluster cluster(SimOptions::FromSeed(17), probes);
//   SimResult result = cluster.Run();   // busy, then healed, then quiet
//
// The invariants (invariants.h) are checked after every event. Once healed, the cluster must come
// to rest within a bounded time, with everything where it belongs: see Unmet in sim_rest.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/sim_executor.h"
#include "tests/sim/invariants.h"
#include "tests/sim/probes.h"
#include "tests/sim/sim_options.h"

namespace berth::sim {

struct SimResult {
  std::vector<std::string> problems;  // empty: all is well
  std::vector<std::string> story;     // of a failure: the last events
  uint64_t hash = 0;                  // of the course
  uint64_t content_hash = 0;          // of what is stored at the end
  int64_t steps = 0;
  absl::Duration rest_after;          // virtual time from healed to quiet
  int64_t created = 0, bound_while_busy = 0;  // pods
};

class SimCluster {
 public:
  SimCluster(SimOptions options, Probes& probes);
  ~SimCluster();
  SimCluster(const SimCluster&) = delete;
  SimCluster& operator=(const SimCluster&) = delete;

  // Once. echo: prints the story as it goes.
  SimResult Run(bool echo = false);

 private:
  struct Server;
  struct Link;
  struct SchedulerProcess;
  struct AgentProcess;
  struct Witness;
  struct People;

  void StartServer();
  void StopServer();
  void StartScheduler(size_t index);
  void StartAgent(size_t index);
  void Open(Link& link, std::string name, std::string scheduler);
  std::vector<Link*> Links();
  std::vector<std::string> NodesOf(size_t agent) const;

  // Crashes, partitions and compactions, until healed.
  void Begin();
  void EndCalm();
  void Every(absl::Duration mean, void (SimCluster::*what)());
  void CrashServer();
  void CrashScheduler();
  void CrashAgent();
  void Partition();
  void CompactStore();
  absl::Duration Downtime();

  void Heal();
  bool Drive(absl::Duration time);
  // What keeps the cluster from being at rest, or is wrong there.
  std::vector<std::string> Unmet();
  void CheckPods(std::vector<std::string>& unmet);
  void CheckPending(const PodView& pod, std::vector<std::string>& unmet);
  void CheckBound(const PodView& pod, std::vector<std::string>& unmet);
  void CheckServer(std::vector<std::string>& unmet);
  void CheckCopies(std::vector<std::string>& unmet);
  void CheckEvaluations(const SchedulerProcess& process);
  void CountProbes();

  const SimOptions options_;
  Probes& probes_;
  SimLoop loop_;
  Random chaos_random_, network_random_, store_random_;
  std::unique_ptr<Executor> chaos_;
  std::unique_ptr<Executor> store_executor_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Observer> observer_;
  std::unique_ptr<Server> server_;
  std::vector<std::unique_ptr<SchedulerProcess>> schedulers_;  // null: down
  std::vector<std::unique_ptr<AgentProcess>> agents_;          // null: down
  std::vector<std::unique_ptr<Witness>> witnesses_;
  std::unique_ptr<People> people_;
  uint64_t starts_ = 0;  // of processes, ever
  bool calm_ = options_.calm > absl::ZeroDuration();
  bool healed_ = false;
};

}  // namespace berth::sim
