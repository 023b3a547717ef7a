// WaitingPods: pods whose Permit plugins asked to wait, until all of them allow, one rejects, a
// timer fires, or somebody preempts.
// Source: kube-scheduler framework/runtime/waiting_pods_map.go; framework.md section 2.6.
//
//   Add -> WAITING --- Allow by every plugin ------------------> Success
//             +------- Reject, timeout ------------------------> Unschedulable
//             +------- Preempt --------------------------------> Error
//   Only the first signal counts; it goes to whoever called OnSignal, then or later.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/executor.h"
#include "framework/handle.h"
#include "framework/plugin.h"

namespace berth::framework {

class WaitingPodImpl final : public WaitingPod,
                             public std::enable_shared_from_this<WaitingPodImpl> {
 public:
  WaitingPodImpl(Executor& executor, PodPtr pod) : executor_(executor), pod_(std::move(pod)) {}
  ~WaitingPodImpl() override { StopTimers(); }

  const PodInfo& pod() const override { return *pod_; }
  std::vector<std::string> PendingPlugins() const override;
  void Allow(std::string_view plugin) override;
  void Reject(std::string_view plugin, std::string_view message) override;
  void Preempt(std::string_view plugin, std::string_view message) override;

  void Await(const std::vector<std::pair<std::string, absl::Duration>>& waits);
  // Called once, at once when the signal is there already.
  void OnSignal(StatusDone done);
  bool signalled() const { return signalled_; }

 private:
  void Signal(Status status);
  void StopTimers();
  Executor& executor_;
  PodPtr pod_;
  std::map<std::string, TimerId, std::less<>> pending_;  // plugin -> its timer
  bool signalled_ = false;
  Status status_;
  StatusDone done_;
};

// Threads: the engine's executor.
class WaitingPods {
 public:
  explicit WaitingPods(Executor& executor) : executor_(executor) {}
  std::shared_ptr<WaitingPodImpl> Add(
      PodPtr pod, const std::vector<std::pair<std::string, absl::Duration>>& waits);
  std::shared_ptr<WaitingPodImpl> Find(std::string_view uid) const;  // null when it does not wait
  void Remove(std::string_view uid);
  // By uid, in order; pods may be signalled meanwhile.
  void ForEach(const std::function<void(WaitingPod&)>& visit) const;
  // "removed", by nobody. False when it does not wait.
  bool Reject(std::string_view uid);

 private:
  Executor& executor_;
  std::map<std::string, std::shared_ptr<WaitingPodImpl>, std::less<>> pods_;
};

// A duration as Go prints it: "10s", "1m30s", "1.5s", "0s".
std::string GoDuration(absl::Duration duration);

}  // namespace berth::framework
