// PointTimer: how long an extension point took, told to the metrics when it goes.
#pragma once

#include <string_view>

#include "base/clock.h"
#include "framework/cycle/metrics.h"
#include "framework/status.h"

namespace berth::framework {

class PointTimer {
 public:
  PointTimer(Metrics& metrics, const Clock& clock, std::string_view point,
             std::string_view profile)
      : metrics_(metrics.WantsDurations() ? &metrics : nullptr),
        clock_(clock),
        point_(point),
        profile_(profile) {
    if (metrics_ != nullptr) begin_ = clock_.Now();
  }
  ~PointTimer() {
    if (metrics_ == nullptr) return;
    metrics_->ExtensionPoint(point_, code_, profile_, clock_.Now() - begin_);
  }
  PointTimer(const PointTimer&) = delete;
  PointTimer& operator=(const PointTimer&) = delete;
  // Returns the status it is told, so that a return statement can name both.
  Status Ended(Status status) {
    code_ = status.code();
    return status;
  }
  // Nothing is told.
  void Abandon() { metrics_ = nullptr; }

 private:
  Metrics* metrics_;
  const Clock& clock_;
  std::string_view point_, profile_;
  Code code_ = Code::kSuccess;
  absl::Time begin_;
};

}  // namespace berth::framework
