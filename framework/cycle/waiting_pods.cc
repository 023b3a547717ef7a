#include "framework/cycle/waiting_pods.h"

#include <fmt/core.h>

namespace berth::framework {
namespace {

// 1500, 1000 -> "1.5"
std::string Decimal(int64_t value, int64_t unit) {
  std::string text = std::to_string(value / unit);
  int64_t rest = value % unit;
  if (rest == 0) return text;
  text += '.';
  while (rest > 0) {
    unit /= 10;
    text += static_cast<char>('0' + rest / unit);
    rest %= unit;
  }
  return text;
}

}  // namespace

std::string GoDuration(absl::Duration duration) {
  int64_t nanos = absl::ToInt64Nanoseconds(duration);
  if (nanos == 0) return "0s";
  std::string text = nanos < 0 ? "-" : "";
  if (nanos < 0) nanos = -nanos;
  if (nanos < 1'000) return text + std::to_string(nanos) + "ns";
  if (nanos < 1'000'000) return text + Decimal(nanos, 1'000) + "µs";
  if (nanos < 1'000'000'000) return text + Decimal(nanos, 1'000'000) + "ms";
  const int64_t minutes = nanos / 60'000'000'000;
  if (minutes >= 60) text += fmt::format("{}h", minutes / 60);
  if (minutes > 0) text += fmt::format("{}m", minutes % 60);
  return text + Decimal(nanos % 60'000'000'000, 1'000'000'000) + "s";
}

std::vector<std::string> WaitingPodImpl::PendingPlugins() const {
  std::vector<std::string> names;
  for (const auto& [plugin, timer] : pending_) names.push_back(plugin);
  return names;
}

void WaitingPodImpl::Await(const std::vector<std::pair<std::string, absl::Duration>>& waits) {
  for (const auto& [plugin, timeout] : waits) {
    pending_[plugin] = executor_.PostAfter(
        timeout, [weak = weak_from_this(), name = plugin, wait = timeout] {
          const auto self = weak.lock();
          if (!self) return;
          self->Reject(name, fmt::format("rejected due to timeout after waiting {} at plugin {}",
                                         GoDuration(wait), name));
        });
  }
}

void WaitingPodImpl::Allow(std::string_view plugin) {
  auto it = pending_.find(plugin);
  if (it == pending_.end()) return;
  executor_.Cancel(it->second);
  pending_.erase(it);
  if (pending_.empty()) Signal(Success());
}

void WaitingPodImpl::Reject(std::string_view plugin, std::string_view message) {
  Signal(Unschedulable(message).WithPlugin(plugin));
}

void WaitingPodImpl::Preempt(std::string_view plugin, std::string_view message) {
  Signal(Error(message).WithPlugin(plugin));
}

void WaitingPodImpl::OnSignal(StatusDone done) {
  if (signalled_) return done(status_);
  done_ = std::move(done);
}

void WaitingPodImpl::Signal(Status status) {
  if (signalled_) return;
  signalled_ = true;
  status_ = std::move(status);
  StopTimers();
  if (!done_) return;
  // Not inside the call of whoever signals: it may be going through the waiting pods.
  executor_.Post([self = shared_from_this()] {
    StatusDone done = std::move(self->done_);
    done(self->status_);
  });
}

void WaitingPodImpl::StopTimers() {
  for (const auto& [plugin, timer] : pending_) executor_.Cancel(timer);
  pending_.clear();
}

std::shared_ptr<WaitingPodImpl> WaitingPods::Add(
    PodPtr pod, const std::vector<std::pair<std::string, absl::Duration>>& waits) {
  const std::string uid = pod->uid;
  auto waiting = std::make_shared<WaitingPodImpl>(executor_, std::move(pod));
  waiting->Await(waits);
  pods_.insert_or_assign(uid, waiting);
  return waiting;
}

std::shared_ptr<WaitingPodImpl> WaitingPods::Find(std::string_view uid) const {
  auto it = pods_.find(uid);
  return it == pods_.end() ? nullptr : it->second;
}

void WaitingPods::Remove(std::string_view uid) {
  auto it = pods_.find(uid);
  if (it != pods_.end()) pods_.erase(it);
}

void WaitingPods::ForEach(const std::function<void(WaitingPod&)>& visit) const {
  const auto pods = pods_;
  for (const auto& [uid, pod] : pods) visit(*pod);
}

bool WaitingPods::Reject(std::string_view uid) {
  const auto waiting = Find(uid);
  if (!waiting) return false;
  waiting->Reject("", "removed");
  return true;
}

}  // namespace berth::framework
