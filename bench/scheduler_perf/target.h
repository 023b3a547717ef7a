// Target: what a workload is driven against. The runner is a program's edge, so these calls block.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "api/resource_table.h"
#include "bench/scheduler_perf/pod_ledger.h"
#include "framework/object_source.h"

namespace berth::bench {

using framework::ObjectPtr;

// Threads: any; operations in the background run beside the runner's own.
class Target {
 public:
  virtual ~Target() = default;
  // "engine", "stack", "cluster": for the report.
  virtual std::string_view Name() const = 0;
  // Unimplemented, naming the kind, where objects of it cannot be kept.
  virtual absl::Status Serves(const api::Resource& resource) const = 0;

  // Sends all, many at a time; returns when every request was answered. Objects have names.
  virtual absl::Status Create(const api::Resource& resource, std::vector<ObjectPtr> objects) = 0;
  // By namespace and name. subresource: "", "status" or "resize".
  virtual absl::Status Update(const api::Resource& resource, ObjectPtr object,
                              std::string_view subresource) = 0;
  // grace_s: instead of the object's own.
  virtual absl::Status Delete(const api::Resource& resource, std::string_view namespace_,
                              std::string_view name, std::optional<int64_t> grace_s) = 0;
  // All pods of the filter at once.
  virtual absl::Status DeletePods(const PodFilter& filter, std::optional<int64_t> grace_s) = 0;
  // Ordered by namespace and name. Empty namespace: all.
  virtual absl::StatusOr<std::vector<ObjectPtr>> List(const api::Resource& resource,
                                                      std::string_view namespace_) = 0;

  virtual PodLedger& pods() = 0;
  // The scheduler's metrics in the Prometheus text format; empty where they cannot be had.
  virtual std::string MetricsText() = 0;
  // Whatever the scheduler has begun is finished, where the target can tell.
  virtual void Settle() {}
  // Deletes what the workload made, where that matters; the next workload starts empty.
  virtual absl::Status Clear() = 0;
};

}  // namespace berth::bench
