#include "scheduler-main/metrics.h"

#include <array>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "base/strings.h"

namespace berth::scheduler {
namespace {

using prometheus::Counter;
using prometheus::Gauge;
using prometheus::Histogram;

// n buckets from `start`, each `factor` times the one before.
std::vector<double> Exponential(double start, double factor, int n) {
  std::vector<double> out;
  for (double bound = start; n > 0; --n, bound *= factor) out.push_back(bound);
  return out;
}

// One metric with labels. Children are found by label values without taking the family's lock.
template <typename T, size_t N>
class Metric {
 public:
  using Names = std::array<std::string_view, N>;
  Metric(prometheus::Family<T>& family, Names names, std::vector<double> buckets = {})
      : family_(family), names_(names), buckets_(std::move(buckets)) {
    if constexpr (N == 0) At({});  // shown from the start, as 0
  }

  T& At(const std::array<std::string_view, N>& values) {
    key_.clear();
    for (std::string_view value : values) key_.append(value).append(1, '\0');
    auto it = children_.find(std::string_view(key_));
    if (it != children_.end()) return *it->second;
    prometheus::Labels labels;
    for (size_t i = 0; i < N; ++i) labels.emplace(names_[i], values[i]);
    T* child = nullptr;
    if constexpr (std::is_same_v<T, Histogram>) {
      child = &family_.Add(labels, buckets_);
    } else {
      child = &family_.Add(labels);
    }
    children_.emplace(key_, child);
    return *child;
  }

 private:
  prometheus::Family<T>& family_;
  const Names names_;
  const std::vector<double> buckets_;
  StringMap<T*> children_;
  std::string key_;
};

prometheus::Family<Counter>& CounterFamily(prometheus::Registry& registry, const char* name,
                                           const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}
prometheus::Family<Gauge>& GaugeFamily(prometheus::Registry& registry, const char* name,
                                       const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}
prometheus::Family<Histogram>& HistogramFamily(prometheus::Registry& registry, const char* name,
                                               const char* help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
}

double Seconds(absl::Duration duration) { return absl::ToDoubleSeconds(duration); }

}  // namespace

struct PrometheusMetrics::Families {
  prometheus::Registry registry;

  Metric<Counter, 2> attempts{
      CounterFamily(registry, "scheduler_schedule_attempts_total",
                    "Attempts to schedule pods, by result: scheduled, unschedulable, error."),
      {"result", "profile"}};
  Metric<Histogram, 2> attempt_duration{
      HistogramFamily(registry, "scheduler_scheduling_attempt_duration_seconds",
                      "From the start of a cycle to its end, binding included."),
      {"result", "profile"}, Exponential(0.001, 2, 15)};
  Metric<Histogram, 0> algorithm_duration{
      HistogramFamily(registry, "scheduler_scheduling_algorithm_duration_seconds",
                      "Time to choose a node."),
      {}, Exponential(0.001, 2, 15)};
  Metric<Histogram, 3> point_duration{
      HistogramFamily(registry, "scheduler_framework_extension_point_duration_seconds",
                      "Time to run all plugins of an extension point."),
      {"extension_point", "status", "profile"}, Exponential(0.0001, 2, 12)};
  Metric<Histogram, 3> plugin_duration{
      HistogramFamily(registry, "scheduler_plugin_execution_duration_seconds",
                      "Time of one plugin at an extension point, of one cycle in ten."),
      {"plugin", "extension_point", "status"}, Exponential(0.00001, 1.5, 20)};
  Metric<Counter, 3> plugin_evaluations{
      CounterFamily(registry, "scheduler_plugin_evaluation_total",
                    "Cycles in which a plugin was asked, by extension point."),
      {"plugin", "extension_point", "profile"}};
  Metric<Gauge, 1> pending_pods{
      GaugeFamily(registry, "scheduler_pending_pods",
                  "Pods that wait, by queue: active, backoff, unschedulable, gated."),
      {"queue"}};
  Metric<Counter, 2> queue_incoming{
      CounterFamily(registry, "scheduler_queue_incoming_pods_total",
                    "Pods that entered a queue, by the event that brought them."),
      {"queue", "event"}};
  Metric<Gauge, 2> unschedulable_pods{
      GaugeFamily(registry, "scheduler_unschedulable_pods",
                  "Pods that wait because a plugin rejected them."),
      {"plugin", "profile"}};
  Metric<Gauge, 1> inflight_events{
      GaugeFamily(registry, "scheduler_inflight_events",
                  "Events kept for pods that are being scheduled."),
      {"event"}};
  Metric<Histogram, 3> hint_duration{
      HistogramFamily(registry, "scheduler_queueing_hint_execution_duration_seconds",
                      "Time of one queueing hint."),
      {"plugin", "event", "hint"}, Exponential(0.00001, 1.5, 20)};
  Metric<Histogram, 1> event_duration{
      HistogramFamily(registry, "scheduler_event_handling_duration_seconds",
                      "Time to take in one change of the cluster."),
      {"event"}, Exponential(0.0001, 2, 12)};
  Metric<Histogram, 1> sli_duration{
      HistogramFamily(registry, "scheduler_pod_scheduling_sli_duration_seconds",
                      "From a pod's first place in the active queue to its binding."),
      {"attempts"}, Exponential(0.01, 2, 20)};
  Metric<Histogram, 0> pod_attempts{
      HistogramFamily(registry, "scheduler_pod_scheduling_attempts",
                      "Attempts it took to schedule a pod."),
      {}, Exponential(1, 2, 5)};
  Metric<Counter, 0> after_flush{
      CounterFamily(registry, "scheduler_pod_scheduled_after_flush_total",
                    "Pods scheduled after the flush of old unschedulable pods, not by an event."),
      {}};
  Metric<Counter, 1> queue_violations{
      CounterFamily(registry, "berth_queue_violations_total",
                    "Waiting pods found in no place or in two, and put right."),
      {"kind"}};
  Metric<Counter, 0> preemption_attempts{
      CounterFamily(registry, "scheduler_preemption_attempts_total",
                    "Pods that fitted nowhere and looked for room to be made."),
      {}};
  Metric<Histogram, 0> preemption_victims{
      HistogramFamily(registry, "scheduler_preemption_victims",
                      "Pods chosen to make room for one."),
      {}, Exponential(1, 2, 7)};
  Metric<Histogram, 1> permit_wait{
      HistogramFamily(registry, "scheduler_permit_wait_duration_seconds",
                      "Time pods waited on permit."),
      {"result"}, Exponential(0.001, 2, 15)};
  Metric<Gauge, 1> cache_size{
      GaugeFamily(registry, "scheduler_cache_size", "Nodes, pods and assumed pods in the cache."),
      {"type"}};
  Metric<Gauge, 1> goroutines{
      GaugeFamily(registry, "scheduler_goroutines",
                  "Work under way by operation; here: binding cycles."),
      {"operation"}};

  Metric<Counter, 1> bind_conflicts{
      CounterFamily(registry, "berth_scheduler_bind_conflicts_total",
                    "Bindings that the server's capacity check refused."),
      {"profile"}};
  Metric<Counter, 1> decisions{
      CounterFamily(registry, "berth_scheduler_decisions_total",
                    "Decisions, by how they were reached: evaluated or reused."),
      {"how"}};
  Metric<Counter, 0> nodes_evaluated{
      CounterFamily(registry, "berth_scheduler_nodes_evaluated_total",
                    "Nodes that filters ran on."),
      {}};
  Metric<Gauge, 0> evaluation_entries{
      GaugeFamily(registry, "berth_scheduler_evaluation_cache_entries",
                  "Signatures whose evaluation is kept."),
      {}};
  Metric<Gauge, 0> evaluation_bytes{
      GaugeFamily(registry, "berth_scheduler_evaluation_cache_bytes",
                  "Memory of kept evaluations."),
      {}};
};

PrometheusMetrics::PrometheusMetrics() : families_(std::make_unique<Families>()) {}
PrometheusMetrics::~PrometheusMetrics() = default;

std::string PrometheusMetrics::Text() const {
  return prometheus::TextSerializer().Serialize(families_->registry.Collect());
}

void PrometheusMetrics::ScheduleAttempt(std::string_view profile,
                                        framework::AttemptResult result,
                                        absl::Duration duration) {
  const std::string_view name = framework::AttemptResultName(result);
  families_->attempts.At({name, profile}).Increment();
  families_->attempt_duration.At({name, profile}).Observe(Seconds(duration));
}

void PrometheusMetrics::SchedulingAlgorithm(absl::Duration duration) {
  families_->algorithm_duration.At({}).Observe(Seconds(duration));
}

void PrometheusMetrics::PodScheduled(int32_t attempts, absl::Duration sli, bool was_flushed) {
  families_->pod_attempts.At({}).Observe(attempts);
  const std::string label = attempts >= 15 ? "15+" : std::to_string(attempts);
  families_->sli_duration.At({label}).Observe(Seconds(sli));
  if (was_flushed) families_->after_flush.At({}).Increment();
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

void PrometheusMetrics::PluginEvaluation(std::string_view plugin, std::string_view point,
                                         std::string_view profile) {
  families_->plugin_evaluations.At({plugin, point, profile}).Increment();
}

void PrometheusMetrics::PermitWait(framework::Code code, absl::Duration duration) {
  families_->permit_wait.At({framework::CodeName(code)}).Observe(Seconds(duration));
}

void PrometheusMetrics::QueueViolation(std::string_view kind) {
  families_->queue_violations.At({kind}).Increment();
}

void PrometheusMetrics::PreemptionAttempt() { families_->preemption_attempts.At({}).Increment(); }

void PrometheusMetrics::PreemptionVictims(int64_t count) {
  families_->preemption_victims.At({}).Observe(static_cast<double>(count));
}

void PrometheusMetrics::QueueIncoming(std::string_view queue, std::string_view event) {
  families_->queue_incoming.At({queue, event}).Increment();
}

void PrometheusMetrics::PendingPods(std::string_view queue, int64_t count) {
  families_->pending_pods.At({queue}).Set(static_cast<double>(count));
}

void PrometheusMetrics::UnschedulablePods(std::string_view plugin, std::string_view profile,
                                          int delta) {
  families_->unschedulable_pods.At({plugin, profile}).Increment(delta);
}

void PrometheusMetrics::InFlightEvents(std::string_view event, int64_t delta) {
  families_->inflight_events.At({event}).Increment(static_cast<double>(delta));
}

void PrometheusMetrics::QueueingHint(std::string_view plugin, std::string_view event,
                                     std::string_view hint, absl::Duration duration) {
  families_->hint_duration.At({plugin, event, hint}).Observe(Seconds(duration));
}

void PrometheusMetrics::EventHandling(std::string_view event, absl::Duration duration) {
  families_->event_duration.At({event}).Observe(Seconds(duration));
}

void PrometheusMetrics::CacheSize(int64_t nodes, int64_t pods, int64_t assumed_pods) {
  families_->cache_size.At({"nodes"}).Set(static_cast<double>(nodes));
  families_->cache_size.At({"pods"}).Set(static_cast<double>(pods));
  families_->cache_size.At({"assumed_pods"}).Set(static_cast<double>(assumed_pods));
}

void PrometheusMetrics::BindingsInFlight(int64_t count) {
  families_->goroutines.At({"binding"}).Set(static_cast<double>(count));
}

void PrometheusMetrics::BindConflict(std::string_view profile) {
  families_->bind_conflicts.At({profile}).Increment();
}

void PrometheusMetrics::Decision(bool reused, int64_t nodes_evaluated) {
  families_->decisions.At({reused ? "reused" : "evaluated"}).Increment();
  families_->nodes_evaluated.At({}).Increment(static_cast<double>(nodes_evaluated));
}

void PrometheusMetrics::EvaluationCache(int64_t entries, int64_t bytes) {
  families_->evaluation_entries.At({}).Set(static_cast<double>(entries));
  families_->evaluation_bytes.At({}).Set(static_cast<double>(bytes));
}

}  // namespace berth::scheduler
