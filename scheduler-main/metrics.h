// The engine's metrics under upstream's names, labels and buckets (config.md section 6), and a few
// of our own with the prefix berth_scheduler_.
#pragma once

#include <memory>
#include <string>

#include "framework/cycle/metrics.h"
#include "scheduler-main/metric_families.h"

namespace berth::scheduler {

// Threads: the calls of framework::Metrics on one executor; Text from any thread.
class PrometheusMetrics final : public framework::Metrics {
 public:
  PrometheusMetrics();
  ~PrometheusMetrics() override;

  // The Prometheus text format, version 0.0.4.
  std::string Text() const;
  // What there is, shown yet or not.
  const MetricRegistry& registry() const;

  // leader_election_master_status{name}: of the lease.
  void Leading(std::string_view lease, bool leads);

  bool WantsDurations() const override { return true; }
  void ScheduleAttempt(std::string_view profile, framework::AttemptResult result,
                       absl::Duration duration) override;
  void SchedulingAlgorithm(absl::Duration duration) override;
  void PodScheduled(int32_t attempts, absl::Duration sli, bool was_flushed) override;
  void ExtensionPoint(std::string_view point, framework::Code code, std::string_view profile,
                      absl::Duration duration) override;
  void PluginExecution(std::string_view plugin, std::string_view point, framework::Code code,
                       absl::Duration duration) override;
  Tally* PluginEvaluations(std::string_view plugin, std::string_view point,
                           std::string_view profile) override;
  void PermitWait(framework::Code code, absl::Duration duration) override;
  void QueueViolation(std::string_view kind) override;
  void PreemptionAttempt() override;
  void PreemptionVictims(int64_t count) override;
  void PreemptionExecuted(bool failed, absl::Duration duration) override;
  void VolumeStageFailed(std::string_view operation) override;
  void DeviceConditionsAwaited(std::string_view profile, std::string_view driver,
                               std::string_view status, absl::Duration duration) override;
  void QueueIncoming(std::string_view queue, std::string_view event) override;
  void PendingPods(std::string_view queue, int64_t count) override;
  void UnschedulablePods(std::string_view plugin, std::string_view profile, int delta) override;
  void InFlightEvents(std::string_view event, int64_t delta) override;
  void QueueingHint(std::string_view plugin, std::string_view event, std::string_view hint,
                    absl::Duration duration) override;
  void EventHandling(std::string_view event, absl::Duration duration) override;
  void CacheSize(int64_t nodes, int64_t pods, int64_t assumed_pods) override;
  void BindingsInFlight(int64_t count) override;
  void BindConflict(std::string_view profile) override;
  void Decision(bool reused, int64_t nodes_evaluated) override;
  Tally* Reused(std::string_view point, std::string_view profile) override;
  void EvaluationChecked(bool right) override;
  void EvaluationCache(int64_t entries, int64_t bytes) override;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace berth::scheduler
