// Target: what a workload is driven against. The runner is a program's edge, so these calls block.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "api/fwd.h"

namespace berth::bench {

// When a pod was created (its request was sent) and when its binding was seen.
struct PodTimes {
  absl::Time created, scheduled;
};

// Threads: used by the runner's one thread.
class Target {
 public:
  virtual ~Target() = default;
  // "engine", "stack", "cluster": for the report.
  virtual std::string_view Name() const = 0;
  virtual absl::Status CreateNamespace(const api::core::Namespace& namespace_) = 0;
  // All of them; returns when every request was answered (and the scheduler's side has seen the
  // nodes, where the target can tell).
  virtual absl::Status CreateNodes(const std::vector<api::core::Node>& nodes) = 0;
  // Sends all, many at a time; returns when every request was answered.
  virtual absl::Status CreatePods(const std::vector<api::core::Pod>& pods) = 0;
  // Pods of a namespace seen with a node so far.
  virtual int64_t Scheduled(std::string_view namespace_) const = 0;
  // Waits until Scheduled(namespace_) >= count or the deadline. True when reached.
  virtual bool AwaitScheduled(std::string_view namespace_, int64_t count, absl::Time deadline) = 0;
  // Of every pod of the namespace that is scheduled.
  virtual std::vector<PodTimes> Times(std::string_view namespace_) const = 0;
  // node name -> pods, over everything.
  virtual std::map<std::string, int64_t> PodsPerNode() const = 0;
  // Deletes what the workload made, where that matters; the next workload starts empty.
  virtual absl::Status Clear() = 0;
};

}  // namespace berth::bench
