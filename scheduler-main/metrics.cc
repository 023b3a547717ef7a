#include "scheduler-main/metrics.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace berth::scheduler {
namespace {

double Seconds(absl::Duration duration) { return absl::ToDoubleSeconds(duration); }

}  // namespace

struct PrometheusMetrics::Families {
  MetricRegistry registry;

  CounterFamily<2> attempts{
      registry, "scheduler_schedule_attempts_total",
      "Attempts to schedule pods, by result: scheduled, unschedulable, error.",
      {"result", "profile"}};
  HistogramFamily<2> attempt_duration{
      registry, "scheduler_scheduling_attempt_duration_seconds",
      "From the start of a cycle to its end, binding included.",
      {"result", "profile"}, ExponentialBuckets(0.001, 2, 15)};
  HistogramFamily<0> algorithm_duration{
      registry, "scheduler_scheduling_algorithm_duration_seconds",
      "Time to choose a node.",
      {}, ExponentialBuckets(0.001, 2, 15)};
  HistogramFamily<3> point_duration{
      registry, "scheduler_framework_extension_point_duration_seconds",
      "Time to run all plugins of an extension point.",
      {"extension_point", "status", "profile"}, ExponentialBuckets(0.0001, 2, 12)};
  HistogramFamily<3> plugin_duration{
      registry, "scheduler_plugin_execution_duration_seconds",
      "Time of one plugin at an extension point, of one cycle in ten.",
      {"plugin", "extension_point", "status"}, ExponentialBuckets(0.00001, 1.5, 20)};
  CounterFamily<3> plugin_evaluations{
      registry, "scheduler_plugin_evaluation_total",
      "Calls of a plugin: PreFilter and PreScore once an attempt, Filter and Score once a node.",
      {"plugin", "extension_point", "profile"}};
  GaugeFamily<1> pending_pods{
      registry, "scheduler_pending_pods",
      "Pods that wait, by queue: active, backoff, unschedulable, gated.",
      {"queue"}};
  CounterFamily<2> queue_incoming{
      registry, "scheduler_queue_incoming_pods_total",
      "Pods that entered a queue, by the event that brought them.",
      {"queue", "event"}};
  GaugeFamily<2> unschedulable_pods{
      registry, "scheduler_unschedulable_pods",
      "Pods that wait because a plugin rejected them.",
      {"plugin", "profile"}};
  GaugeFamily<1> inflight_events{
      registry, "scheduler_inflight_events",
      "Events kept for pods that are being scheduled.",
      {"event"}};
  HistogramFamily<3> hint_duration{
      registry, "scheduler_queueing_hint_execution_duration_seconds",
      "Time of one queueing hint.",
      {"plugin", "event", "hint"}, ExponentialBuckets(0.00001, 1.5, 20)};
  HistogramFamily<1> event_duration{
      registry, "scheduler_event_handling_duration_seconds",
      "Time to take in one change of the cluster.",
      {"event"}, ExponentialBuckets(0.0001, 2, 12)};
  HistogramFamily<1> sli_duration{
      registry, "scheduler_pod_scheduling_sli_duration_seconds",
      "From a pod's first place in the active queue to its binding.",
      {"attempts"}, ExponentialBuckets(0.01, 2, 20)};
  HistogramFamily<0> pod_attempts{
      registry, "scheduler_pod_scheduling_attempts",
      "Attempts it took to schedule a pod.",
      {}, ExponentialBuckets(1, 2, 5)};
  CounterFamily<0> after_flush{
      registry, "scheduler_pod_scheduled_after_flush_total",
      "Pods scheduled after the flush of old unschedulable pods, not by an event."};
  CounterFamily<1> queue_violations{
      registry, "berth_queue_violations_total",
      "Waiting pods found in no place or in two, and put right.",
      {"kind"}};
  CounterFamily<0> preemption_attempts{
      registry, "scheduler_preemption_attempts_total",
      "Pods that fitted nowhere and looked for room to be made."};
  HistogramFamily<0> preemption_victims{
      registry, "scheduler_preemption_victims",
      "Pods chosen to make room for one.",
      {}, ExponentialBuckets(1, 2, 7)};
  CounterFamily<1> preemption_runs{
      registry, "scheduler_preemption_goroutines_execution_total",
      "Preemptions carried out, by result: success, error.",
      {"result"}};
  HistogramFamily<1> preemption_run_duration{
      registry, "scheduler_preemption_goroutines_duration_seconds",
      "From the start of a preemption's evictions to the last answer.",
      {"result"}, ExponentialBuckets(0.01, 2, 20)};
  CounterFamily<1> volume_stage_errors{
      registry, "scheduler_volume_scheduling_stage_error_total",
      "Errors of VolumeBinding, by stage: predicate, assume, bind.",
      {"operation"}};
  CounterFamily<3> device_conditions{
      registry, "scheduler_dra_bindingconditions_allocations_total",
      "Allocations whose devices have binding conditions, per driver and attempt.",
      {"profile", "driver", "status"}};
  HistogramFamily<3> device_conditions_wait{
      registry, "scheduler_dra_bindingconditions_wait_duration_seconds",
      "Time a pod waited for the binding conditions of its devices.",
      {"profile", "driver", "status"}, ExponentialBuckets(0.1, 2, 14)};
  HistogramFamily<1> permit_wait{
      registry, "scheduler_permit_wait_duration_seconds",
      "Time pods waited on permit.",
      {"result"}, ExponentialBuckets(0.001, 2, 15)};
  GaugeFamily<1> cache_size{
      registry, "scheduler_cache_size",
      "Nodes, pods and assumed pods in the cache.",
      {"type"}};
  GaugeFamily<1> goroutines{
      registry, "scheduler_goroutines",
      "Work under way by operation; here: binding cycles.",
      {"operation"}};
  GaugeFamily<1> leading{
      registry, "leader_election_master_status",
      "Whether this process holds the lease.",
      {"name"}};

  CounterFamily<1> bind_conflicts{
      registry, "berth_scheduler_bind_conflicts_total",
      "Bindings that the server's capacity check refused.",
      {"profile"}};
  CounterFamily<1> decisions{
      registry, "berth_scheduler_decisions_total",
      "Decisions, by how they were reached: evaluated or reused.",
      {"how"}};
  CounterFamily<2> reused{
      registry, "berth_reused_total",
      "Nodes whose verdict (Filter) or scores (Score) a decision took from what is kept.",
      {"extension_point", "profile"}};
  CounterFamily<1> evaluation_checks{
      registry, "berth_evaluation_checks_total",
      "Shared decisions that were checked against the plain path: right or wrong.",
      {"result"}};
  CounterFamily<0> nodes_evaluated{
      registry, "berth_scheduler_nodes_evaluated_total",
      "Nodes that filters ran on."};
  GaugeFamily<0> evaluation_entries{
      registry, "berth_scheduler_evaluation_cache_entries",
      "Signatures whose evaluation is kept."};
  GaugeFamily<0> evaluation_bytes{
      registry, "berth_scheduler_evaluation_cache_bytes",
      "Memory of kept evaluations."};
};

PrometheusMetrics::PrometheusMetrics() : families_(std::make_unique<Families>()) {}
PrometheusMetrics::~PrometheusMetrics() = default;

std::string PrometheusMetrics::Text() const { return families_->registry.Text(); }
const MetricRegistry& PrometheusMetrics::registry() const { return families_->registry; }

void PrometheusMetrics::Leading(std::string_view lease, bool leads) {
  families_->leading.At({lease}).Set(leads ? 1 : 0);
}

void PrometheusMetrics::ScheduleAttempt(std::string_view profile,
                                        framework::AttemptResult result,
                                        absl::Duration duration) {
  const std::string_view name = framework::AttemptResultName(result);
  families_->attempts.At({name, profile}).Add();
  families_->attempt_duration.At({name, profile}).Observe(Seconds(duration));
}

void PrometheusMetrics::SchedulingAlgorithm(absl::Duration duration) {
  families_->algorithm_duration.At({}).Observe(Seconds(duration));
}

void PrometheusMetrics::PodScheduled(int32_t attempts, absl::Duration sli, bool was_flushed) {
  families_->pod_attempts.At({}).Observe(attempts);
  static constexpr std::array<std::string_view, 16> kAttempts = {
      "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15+"};
  const std::string_view label = kAttempts[static_cast<size_t>(std::clamp(attempts, 0, 15))];
  families_->sli_duration.At({label}).Observe(Seconds(sli));
  if (was_flushed) families_->after_flush.At({}).Add();
}

void PrometheusMetrics::ExtensionPoint(std::string_view point, framework::Code code,
                                       std::string_view profile, absl::Duration duration) {
  families_->point_duration.At({point, framework::CodeName(code), profile})
      .Observe(Seconds(duration));
}

void PrometheusMetrics::PluginExecution(std::string_view plugin, std::string_view point,
                                        framework::Code code, absl::Duration duration) {
  families_->plugin_duration.At({plugin, point, framework::CodeName(code)})
      .Observe(Seconds(duration));
}

Tally* PrometheusMetrics::PluginEvaluations(std::string_view plugin, std::string_view point,
                                            std::string_view profile) {
  return &families_->plugin_evaluations.At({plugin, point, profile});
}

Tally* PrometheusMetrics::Reused(std::string_view point, std::string_view profile) {
  return &families_->reused.At({point, profile});
}

void PrometheusMetrics::PermitWait(framework::Code code, absl::Duration duration) {
  families_->permit_wait.At({framework::CodeName(code)}).Observe(Seconds(duration));
}

void PrometheusMetrics::QueueViolation(std::string_view kind) {
  families_->queue_violations.At({kind}).Add();
}

void PrometheusMetrics::PreemptionAttempt() { families_->preemption_attempts.At({}).Add(); }

void PrometheusMetrics::PreemptionVictims(int64_t count) {
  families_->preemption_victims.At({}).Observe(static_cast<double>(count));
}

void PrometheusMetrics::PreemptionExecuted(bool failed, absl::Duration duration) {
  const std::string_view result = failed ? "error" : "success";
  families_->preemption_runs.At({result}).Add();
  families_->preemption_run_duration.At({result}).Observe(Seconds(duration));
}

void PrometheusMetrics::VolumeStageFailed(std::string_view operation) {
  families_->volume_stage_errors.At({operation}).Add();
}

void PrometheusMetrics::DeviceConditionsAwaited(std::string_view profile, std::string_view driver,
                                                std::string_view status,
                                                absl::Duration duration) {
  families_->device_conditions.At({profile, driver, status}).Add();
  families_->device_conditions_wait.At({profile, driver, status}).Observe(Seconds(duration));
}

void PrometheusMetrics::QueueIncoming(std::string_view queue, std::string_view event) {
  families_->queue_incoming.At({queue, event}).Add();
}

void PrometheusMetrics::PendingPods(std::string_view queue, int64_t count) {
  families_->pending_pods.At({queue}).Set(count);
}

void PrometheusMetrics::UnschedulablePods(std::string_view plugin, std::string_view profile,
                                          int delta) {
  families_->unschedulable_pods.At({plugin, profile}).Add(delta);
}

void PrometheusMetrics::InFlightEvents(std::string_view event, int64_t delta) {
  families_->inflight_events.At({event}).Add(delta);
}

void PrometheusMetrics::QueueingHint(std::string_view plugin, std::string_view event,
                                     std::string_view hint, absl::Duration duration) {
  families_->hint_duration.At({plugin, event, hint}).Observe(Seconds(duration));
}

void PrometheusMetrics::EventHandling(std::string_view event, absl::Duration duration) {
  families_->event_duration.At({event}).Observe(Seconds(duration));
}

void PrometheusMetrics::CacheSize(int64_t nodes, int64_t pods, int64_t assumed_pods) {
  families_->cache_size.At({"nodes"}).Set(nodes);
  families_->cache_size.At({"pods"}).Set(pods);
  families_->cache_size.At({"assumed_pods"}).Set(assumed_pods);
}

void PrometheusMetrics::BindingsInFlight(int64_t count) {
  families_->goroutines.At({"binding"}).Set(count);
}

void PrometheusMetrics::BindConflict(std::string_view profile) {
  families_->bind_conflicts.At({profile}).Add();
}

void PrometheusMetrics::Decision(bool reused, int64_t nodes_evaluated) {
  families_->decisions.At({reused ? "reused" : "evaluated"}).Add();
  families_->nodes_evaluated.At({}).Add(nodes_evaluated);
}

void PrometheusMetrics::EvaluationChecked(bool right) {
  families_->evaluation_checks.At({right ? "right" : "wrong"}).Add();
}

void PrometheusMetrics::EvaluationCache(int64_t entries, int64_t bytes) {
  families_->evaluation_entries.At({}).Set(entries);
  families_->evaluation_bytes.At({}).Set(bytes);
}

}  // namespace berth::scheduler
