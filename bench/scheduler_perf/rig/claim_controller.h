// ClaimController: what the resource claim controller and the garbage collector do for pods with
// resource claims, in memory: claims are made from templates and named in the pod's status; when a
// pod is gone, its reservations are taken back, what nobody reserves is deallocated, and the pod's
// own claims go too.
// Source: pkg/controller/resourceclaim.
#pragma once

#include <cstdint>
#include <string>

#include "api/schema/core_v1_pod.pb.h"
#include "base/executor.h"
#include "bench/scheduler_perf/rig/memory_api.h"
#include "framework/memory_world.h"
#include "framework/object_source.h"

namespace berth::bench {

// Threads: the executor's only.
class ClaimController {
 public:
  // All must outlive it. Subscribes at once; what it does is a task of its own each time, so that
  // whoever else listens hears of changes in their order.
  ClaimController(Executor& executor, framework::MemoryWorld& world, MemoryApi& api);

 private:
  void OnPod(const framework::ObjectEvent& event);
  void OnTemplate(const framework::ObjectEvent& event);
  // Makes what claims the pod still needs from templates that are there.
  void MakeClaims(const api::core::Pod& pod);
  std::string MakeClaim(const api::core::Pod& pod, const api::core::PodResourceClaim& wanted);
  void Release(const api::core::Pod& pod, const std::string& claim_name);

  Executor& executor_;
  framework::MemoryWorld& world_;
  MemoryApi& api_;
  int64_t made_ = 0;
};

}  // namespace berth::bench
