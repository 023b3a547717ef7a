// The engine's metrics under upstream's names, labels and buckets (config.md section 6), and a few
// of our own with the prefix berth_scheduler_.
#pragma once

#include <memory>
#include <string>

#include "framework/cycle/metrics.h"

namespace berth::scheduler {

// Threads: the calls of framework::Metrics on one executor; Text from any thread.
class PrometheusMetrics final : public framework::Metrics {
 public:
  PrometheusMetrics();
  ~PrometheusMetrics() override;

  // The Prometheus text format, version 0.0.4.
  std::string Text() const;

  bool WantsDurations() const override { return true; }
  void ScheduleAttempt(std::string_view profile, framework::AttemptResult result,
                       absl::Duration duration) override;
  void SchedulingAlgorithm(absl::Duration duration) override;
  void PodScheduled(int32_t attempts, absl::Duration sli, bool was_flushed) override;
  void ExtensionPoint(std::string_view point, framework::Code code, std::string_view profile,
                      absl::Duration duration) override;
  void PluginExecution(std::string_view plugin, std::string_view point, framework::Code code,
                       absl::Duration duration) override;
  void PluginEvaluation(std::string_view plugin, std::string_view point,
                        std::string_view profile) override;
  void PermitWait(framework::Code code, absl::Duration duration) override;
  void QueueViolation(std::string_view kind) override;
  void PreemptionAttempt() override;
  void PreemptionVictims(int64_t count) override;
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
  void EvaluationCache(int64_t entries, int64_t bytes) override;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace berth::scheduler
