// Metrics as a test looks at them: how often what was told.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include <fmt/core.h>

#include "framework/cycle/metrics.h"

namespace berth::framework::testing {

class MetricRecorder final : public Metrics {
 public:
  bool WantsDurations() const override { return true; }
  void ExtensionPoint(std::string_view point, Code code, std::string_view,
                      absl::Duration) override {
    ++points[fmt::format("{} {}", point, CodeName(code))];
  }
  void PluginExecution(std::string_view plugin, std::string_view point, Code,
                       absl::Duration) override {
    ++executions[fmt::format("{} {}", plugin, point)];
    ++executions_total;
  }
  Tally* PluginEvaluations(std::string_view plugin, std::string_view point,
                           std::string_view) override {
    return &evaluations[fmt::format("{} {}", plugin, point)];
  }
  Tally* Reused(std::string_view point, std::string_view) override {
    return &reused[std::string(point)];
  }
  void PermitWait(Code code, absl::Duration duration) override {
    permit_waits[std::string(CodeName(code))] += duration;
  }
  void PreemptionExecuted(bool failed, absl::Duration) override {
    ++preemptions[failed ? "error" : "success"];
  }
  void VolumeStageFailed(std::string_view operation) override {
    ++volume_errors[std::string(operation)];
  }
  void DeviceConditionsAwaited(std::string_view, std::string_view driver, std::string_view status,
                               absl::Duration waited) override {
    conditions[fmt::format("{} {}", driver, status)] += waited;
  }
  void EventHandling(std::string_view event, absl::Duration) override {
    ++handled[std::string(event)];
  }

  int64_t Evaluations(const std::string& name) const {
    const auto it = evaluations.find(name);
    return it == evaluations.end() ? -1 : it->second.value();
  }
  int64_t Points(const std::string& name) const {
    const auto it = points.find(name);
    return it == points.end() ? 0 : it->second;
  }

  std::map<std::string, int64_t> points, executions, preemptions, volume_errors, handled;
  std::map<std::string, Tally> evaluations, reused;
  std::map<std::string, absl::Duration> permit_waits, conditions;
  int64_t executions_total = 0;
};

}  // namespace berth::framework::testing
