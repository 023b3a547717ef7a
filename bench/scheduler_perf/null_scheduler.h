// NullScheduler: binds each pod as soon as it is seen, to the nodes in turn, and decides nothing:
// no queue, no cache, no filters, no scores. What a rig carries with it is the ceiling of what the
// rig carries with any scheduler.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/executor.h"
#include "base/strings.h"
#include "framework/object_source.h"

namespace berth::bench {

// It sends what a scheduler sends for a pod that it places: the binding, then the Event. Pods with
// scheduling gates, and those being deleted, are left alone. A binding that is refused (the node is
// full, say) is tried on the next nodes, kTriesMax times in all.
// Threads: the executor's of source and sink.
class NullScheduler {
 public:
  static constexpr int kTriesMax = 10;

  // Both must outlive it, and it the source's events. Subscribes at once.
  NullScheduler(framework::ObjectSource& source, framework::ObjectSink& sink);
  NullScheduler(const NullScheduler&) = delete;
  NullScheduler& operator=(const NullScheduler&) = delete;

 private:
  using PodPtr = std::shared_ptr<const api::core::Pod>;
  void OnNode(const framework::ObjectEvent& event);
  void OnPod(const framework::ObjectEvent& event);
  void Bind(PodPtr pod, int tries_left);

  framework::ObjectSink& sink_;
  std::vector<std::string> nodes_;
  size_t next_node_ = 0;
  std::vector<PodPtr> early_;  // pods that came before any node
  StringSet sent_;             // uids, until they are gone
  Lifetime alive_;
};

}  // namespace berth::bench
