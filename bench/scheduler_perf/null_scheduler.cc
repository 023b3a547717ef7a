#include "bench/scheduler_perf/null_scheduler.h"

#include <utility>

#include <fmt/core.h>

#include "api/object.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"

namespace berth::bench {

using api::core::Pod;
using framework::ObjectEvent;

NullScheduler::NullScheduler(framework::ObjectSource& source, framework::ObjectSink& sink)
    : sink_(sink) {
  source.Subscribe(api::ResourceOf<api::core::Node>(),
                   [this](const ObjectEvent& event) { OnNode(event); });
  source.Subscribe(api::ResourceOf<Pod>(), [this](const ObjectEvent& event) { OnPod(event); });
}

void NullScheduler::OnNode(const ObjectEvent& event) {
  if (event.kind == ObjectEvent::Kind::kUpdated) return;
  if (event.kind == ObjectEvent::Kind::kDeleted) {
    std::erase(nodes_, api::MetaOf(*event.old_object).name());
    return;
  }
  nodes_.push_back(api::MetaOf(*event.new_object).name());
  for (PodPtr& pod : std::exchange(early_, {})) Bind(std::move(pod), kTriesMax);
}

void NullScheduler::OnPod(const ObjectEvent& event) {
  if (event.new_object == nullptr) {
    sent_.erase(api::MetaOf(*event.old_object).uid());
    return;
  }
  auto pod = std::static_pointer_cast<const Pod>(event.new_object);
  const bool waits = pod->spec().node_name().empty() && pod->spec().scheduling_gates().empty() &&
                     !pod->metadata().has_deletion_timestamp();
  if (!waits || !sent_.insert(pod->metadata().uid()).second) return;
  Bind(std::move(pod), kTriesMax);
}

void NullScheduler::Bind(PodPtr pod, int tries_left) {
  if (nodes_.empty()) return early_.push_back(std::move(pod));
  const std::string node = nodes_[next_node_++ % nodes_.size()];
  const Pod& bound = *pod;
  sink_.Bind(bound, node, [this, node, tries_left, pod = std::move(pod),
                           alive = alive_.Watch()](absl::Status status) {
    if (alive.expired()) return;
    if (!status.ok()) {
      if (tries_left > 1) Bind(pod, tries_left - 1);
      return;
    }
    sink_.Event({.regarding = pod,
                 .related = nullptr,
                 .type = "Normal",
                 .reason = "Scheduled",
                 .action = "Binding",
                 .note = fmt::format("Successfully assigned {}/{} to {}",
                                     pod->metadata().namespace_(), pod->metadata().name(), node),
                 .reporting_controller = pod->spec().scheduler_name()});
  });
}

}  // namespace berth::bench
