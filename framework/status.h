// Status: a plugin's verdict about a pod, not an error of the program (that is absl::Status).
//
//   return Unschedulable("node(s) didn't have free ports for the requested pod ports");
//   static const Status* const kTainted = new Status(Unresolvable(kReason));  return *kTainted;
//
// One pointer wide; null means Success, so the happy path costs nothing, and copies share.
// Source: kube-scheduler framework/interface.go (Status); framework.md section 1.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/status/status.h>

namespace berth::framework {

// Numbers and names are upstream's; both are visible in metrics.
enum class Code : uint8_t {
  kSuccess = 0,
  kError = 1,                         // internal failure; retried with error backoff
  kUnschedulable = 2,                 // not now; evicting pods may help
  kUnschedulableAndUnresolvable = 3,  // evicting pods cannot help on this node
  kWait = 4,                          // Permit only
  kSkip = 5,                          // per extension point
  kPending = 6,                       // rejected, waiting for something outside
};
inline constexpr size_t kCodeCount = 7;
std::string_view CodeName(Code code);  // "UnschedulableAndUnresolvable"

// Threads: a Status may be copied and read from any thread; WithPlugin makes its own copy.
class Status {
 public:
  Status() = default;  // Success
  Status(Code code, std::vector<std::string> reasons);
  Status(const Status& other) : rep_(other.rep_) { Ref(); }
  Status(Status&& other) noexcept : rep_(std::exchange(other.rep_, nullptr)) {}
  Status& operator=(Status other) noexcept {
    std::swap(rep_, other.rep_);
    return *this;
  }
  ~Status() { Unref(); }

  // Error with a cause. An OK status gives Success.
  static Status FromError(const absl::Status& error);

  bool ok() const { return rep_ == nullptr; }
  Code code() const { return rep_ == nullptr ? Code::kSuccess : rep_->code; }
  bool IsRejected() const {
    const Code c = code();
    return c == Code::kUnschedulable || c == Code::kUnschedulableAndUnresolvable ||
           c == Code::kPending;
  }
  bool IsSkip() const { return code() == Code::kSkip; }
  bool IsWait() const { return code() == Code::kWait; }

  // The cause's text first, when there is one; empty for Success.
  std::vector<std::string> Reasons() const;
  std::string Message() const;  // Reasons joined by ", "
  // Who returned it: set by the runtime, not by plugins. Empty when nobody did.
  std::string_view plugin() const;
  Status WithPlugin(std::string_view plugin) const;
  // Two verdicts that share their representation are the same verdict (cheap histogram key).
  const void* identity() const { return rep_; }
  friend bool operator==(const Status& a, const Status& b);  // code, reasons, plugin

 private:
  struct Rep {
    std::atomic<int32_t> references{1};
    Code code;
    std::string error;  // the cause's text
    std::vector<std::string> reasons;
    std::string plugin;
  };
  void Ref() {
    if (rep_ != nullptr) rep_->references.fetch_add(1, std::memory_order_relaxed);
  }
  void Unref() {
    if (rep_ != nullptr && rep_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      delete rep_;
    }
  }
  Rep* rep_ = nullptr;
};

inline Status Success() { return Status(); }
Status Unschedulable(std::string_view reason);
Status Unresolvable(std::string_view reason);  // UnschedulableAndUnresolvable
Status Skip();
Status Wait(std::string_view reason = {});
Status Pending(std::string_view reason);
Status Error(std::string_view text);

}  // namespace berth::framework
