// Metrics: what the engine tells of itself, as events. scheduler-main turns them into upstream's
// Prometheus metrics; tests record them; the default ignores them.
// Names and labels: kube-scheduler metrics/metrics.go; queue.md section 13.
#pragma once

#include <cstdint>
#include <string_view>

#include <absl/time/time.h>

#include "base/tally.h"
#include "framework/status.h"

namespace berth::framework {

enum class AttemptResult : uint8_t { kScheduled, kUnschedulable, kError };
inline std::string_view AttemptResultName(AttemptResult result) {
  switch (result) {
    case AttemptResult::kScheduled: return "scheduled";
    case AttemptResult::kUnschedulable: return "unschedulable";
    case AttemptResult::kError: return "error";
  }
  return "error";
}

// Threads: called on the engine's executor. Views live for the call only. Calls must be cheap.
class Metrics {
 public:
  virtual ~Metrics() = default;
  // False: nobody looks at durations of extension points and plugins, so none are measured.
  virtual bool WantsDurations() const { return false; }

  // schedule_attempts_total{result,profile}, scheduling_attempt_duration_seconds{result,profile}
  virtual void ScheduleAttempt(std::string_view /*profile*/, AttemptResult, absl::Duration) {}
  // scheduling_algorithm_duration_seconds
  virtual void SchedulingAlgorithm(absl::Duration) {}
  // pod_scheduling_attempts, pod_scheduling_sli_duration_seconds{attempts},
  // pod_scheduled_after_flush_total
  virtual void PodScheduled(int32_t /*attempts*/, absl::Duration /*sli*/,
                            bool /*was_flushed*/) {}
  // framework_extension_point_duration_seconds{extension_point,status,profile}
  virtual void ExtensionPoint(std::string_view /*point*/, Code, std::string_view /*profile*/,
                              absl::Duration) {}
  // plugin_execution_duration_seconds{plugin,extension_point,status}
  virtual void PluginExecution(std::string_view /*plugin*/, std::string_view /*point*/, Code,
                               absl::Duration) {}
  // plugin_evaluation_total{plugin,extension_point,profile}: where the calls of one plugin are
  // counted; it lives as long as this does. Null: nobody looks.
  virtual Tally* PluginEvaluations(std::string_view /*plugin*/, std::string_view /*point*/,
                                   std::string_view /*profile*/) {
    return nullptr;
  }
  // permit_wait_duration_seconds{result}
  virtual void PermitWait(Code, absl::Duration) {}

  // preemption_attempts_total
  virtual void PreemptionAttempt() {}
  // preemption_victims
  virtual void PreemptionVictims(int64_t /*count*/) {}
  // preemption_goroutines_duration_seconds{result}, preemption_goroutines_execution_total{result}:
  // the evictions of one preemption, from the first to the last answer.
  virtual void PreemptionExecuted(bool /*failed*/, absl::Duration) {}

  // volume_scheduling_stage_error_total{operation}: predicate, assume, bind
  virtual void VolumeStageFailed(std::string_view /*operation*/) {}
  // dra_bindingconditions_allocations_total{profile,driver,status},
  // dra_bindingconditions_wait_duration_seconds{profile,driver,status}: success, failure, timeout
  virtual void DeviceConditionsAwaited(std::string_view /*profile*/, std::string_view /*driver*/,
                                       std::string_view /*status*/, absl::Duration) {}

  // queue_incoming_pods_total{queue,event}
  virtual void QueueIncoming(std::string_view /*queue*/, std::string_view /*event*/) {}
  // pending_pods{queue}: active, backoff, unschedulable, gated
  virtual void PendingPods(std::string_view /*queue*/, int64_t /*count*/) {}
  // unschedulable_pods{plugin,profile}
  virtual void UnschedulablePods(std::string_view /*plugin*/, std::string_view /*profile*/,
                                 int /*delta*/) {}
  // inflight_events{event}; "PodPopped" for popped pods
  virtual void InFlightEvents(std::string_view /*event*/, int64_t /*delta*/) {}
  // queueing_hint_execution_duration_seconds{plugin,event,hint}: Queue, QueueSkip, Error
  virtual void QueueingHint(std::string_view /*plugin*/, std::string_view /*event*/,
                            std::string_view /*hint*/, absl::Duration) {}
  // event_handling_duration_seconds{event}
  virtual void EventHandling(std::string_view /*event*/, absl::Duration) {}
  // cache_size{type}: nodes, pods, assumed_pods
  virtual void CacheSize(int64_t /*nodes*/, int64_t /*pods*/, int64_t /*assumed_pods*/) {}
  // goroutines{operation="binding"}: binding cycles under way
  virtual void BindingsInFlight(int64_t /*count*/) {}

  // berth's own: pods that were not in exactly one place: lost, doubled, stale.
  virtual void QueueViolation(std::string_view /*kind*/) {}
  // berth's own: bindings the server's capacity check refused.
  virtual void BindConflict(std::string_view /*profile*/) {}
  // berth's own: how decisions were reached. reused: from the evaluation cache.
  virtual void Decision(bool /*reused*/, int64_t /*nodes_evaluated*/) {}
  // berth's own, berth_reused_total{extension_point,profile}: nodes whose verdict (Filter) or
  // scores (Score) a decision took from what is kept; as PluginEvaluations.
  virtual Tally* Reused(std::string_view /*point*/, std::string_view /*profile*/) {
    return nullptr;
  }
  // berth's own, berth_evaluation_checks_total{result}: shared decisions that were checked against
  // the plain path: right, wrong.
  virtual void EvaluationChecked(bool /*right*/) {}
  virtual void EvaluationCache(int64_t /*entries*/, int64_t /*bytes*/) {}
};

}  // namespace berth::framework
