// How long an extension point took, told to the metrics at its end.
#pragma once

#include <string_view>

#include "base/clock.h"
#include "framework/cycle/metrics.h"
#include "framework/status.h"

namespace berth::framework {

// From its making until End, if that is ever called: for what ends in a completion.
class PointSpan {
 public:
  PointSpan(Metrics& metrics, const Clock& clock, std::string_view point,
            std::string_view profile)
      : metrics_(metrics.WantsDurations() ? &metrics : nullptr),
        clock_(&clock),
        point_(point),
        profile_(profile) {
    if (metrics_ != nullptr) begin_ = clock_->Now();
  }
  void End(Code code) {
    if (metrics_ == nullptr) return;
    metrics_->ExtensionPoint(point_, code, profile_, clock_->Now() - begin_);
    metrics_ = nullptr;
  }
  // Nothing is told.
  void Abandon() { metrics_ = nullptr; }

 private:
  Metrics* metrics_;
  const Clock* clock_;
  std::string_view point_, profile_;
  absl::Time begin_;
};

// Until it goes.
class PointTimer {
 public:
  PointTimer(Metrics& metrics, const Clock& clock, std::string_view point,
             std::string_view profile)
      : span_(metrics, clock, point, profile) {}
  ~PointTimer() { span_.End(code_); }
  PointTimer(const PointTimer&) = delete;
  PointTimer& operator=(const PointTimer&) = delete;
  // Returns the status it is told, so that a return statement can name both.
  Status Ended(Status status) {
    code_ = status.code();
    return status;
  }
  void Ended(Code code) { code_ = code; }
  // Nothing is told.
  void Abandon() { span_.Abandon(); }

 private:
  PointSpan span_;
  Code code_ = Code::kSuccess;
};

}  // namespace berth::framework
