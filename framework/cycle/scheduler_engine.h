// Engine: one scheduler. Its profiles, queue, cache and cycles, on one executor.
//
//   Engine engine(options, executor, source, sink, metrics);
//   BERTH_RETURN_IF_ERROR(engine.AddProfile(config, registry));
//   engine.Start();      // subscribes; schedules once the source is in sync
//   ...
//   engine.Stop();
//
// Scheduling cycles run one after another, each as (part of) one task; binding cycles are chains
// of completions, many at a time. Nothing here blocks and nothing reads a clock but the
// executor's, so an engine runs the same in a server, in a simulation and in a benchmark.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>

#include "base/executor.h"
#include "framework/cycle/engine_options.h"
#include "framework/cycle/explain.h"
#include "framework/cycle/metrics.h"
#include "framework/extender.h"
#include "framework/object_source.h"
#include "framework/profile/plugin_config.h"
#include "framework/registry.h"

namespace berth::framework {

// How it goes, for tests and status pages.
struct EngineCounts {
  int64_t attempts = 0, scheduled = 0, bound = 0, unschedulable = 0, errors = 0;
  int64_t bind_conflicts = 0;     // bindings the capacity check refused
  int64_t bindings_in_flight = 0;
  int64_t assumed_pods = 0;       // given a node, and not yet seen there
  int64_t nodes_evaluated = 0;    // Filter ran on them
  int64_t decisions_reused = 0;   // by the evaluation cache
  int64_t evaluations_checked = 0, evaluations_wrong = 0;  // see EvaluationCheck
  QueueCounts queue;
};

// What cache and queue have other than the source. missed: the source has it, they have not. Names
// of nodes, uids of pods; sorted.
struct CacheComparison {
  std::vector<std::string> missed_nodes, redundant_nodes, missed_pods, redundant_pods;
  bool equal() const {
    return missed_nodes.empty() && redundant_nodes.empty() && missed_pods.empty() &&
           redundant_pods.empty();
  }
};

struct EngineCore;

// Threads: everything on the executor it is given, construction and destruction too.
class Engine {
 public:
  // executor, source, sink and metrics must outlive it. metrics may be null.
  Engine(EngineOptions options, Executor& executor, ObjectSource& source, ObjectSink& sink,
         Metrics* metrics = nullptr);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Before any profile is added: who is asked beside the plugins, in this order. Those that may be
  // ignored belong behind the others.
  void SetExtenders(Extenders extenders);
  // Before Start. config.plugins: merged with the defaults (MergeWithDefaults). Errors:
  // InvalidArgument with upstream's texts; a second profile of a name.
  absl::Status AddProfile(const ProfileConfig& config, const Registry& registry);
  // At least one profile. Errors: profiles that sort the queue differently.
  absl::Status Start();
  // While it is not active it watches, and decides nothing. Active at first.
  void SetActive(bool active);
  // No cycle starts and no completion is heard any more. Idempotent.
  void Stop();

  EngineCounts counts() const;
  // "activeQ:<n>; backoffQ:<n>; unschedulablePods:<n>"
  std::string QueueSummary() const;
  // Called at the end of each scheduling attempt: the pod ("namespace/name"), the node or "".
  void OnDecision(std::function<void(std::string_view pod_key, std::string_view node)> hook);
  // What the pod's profile says about it on the cluster as it is. After Start. pod: without a node.
  Explanation Explain(std::shared_ptr<const api::core::Pod> pod);
  // Drops what is kept between decisions; they stay the same.
  void ClearEvaluations();
  // Every waiting pod is in one place; heals and counts what is not (framework/cycle/watchdog.h).
  int64_t SweepQueue();
  // Compares cache and queue with the source, and writes that and all they have to the log, piece
  // by piece (framework/cycle/cache_debugger.h). After Start.
  using CompareDone = absl::AnyInvocable<void(const CacheComparison& found)>;
  void DebugCache(CompareDone done);
  // Cache and snapshot agree with a recount from the source (tests; O(pods)).
  absl::Status CheckConsistency() const;

 private:
  friend struct EngineTestPeer;
  std::unique_ptr<EngineCore> core_;
};

}  // namespace berth::framework
