#include "plugins/priority_sort/priority_sort.h"

#include "framework/queued_pod_info.h"

namespace berth::plugins::priority_sort {

absl::StatusOr<std::unique_ptr<framework::Plugin>> PrioritySort::Create(
    const framework::PluginArgs&, framework::Handle&) {
  return std::make_unique<PrioritySort>();
}

bool PrioritySort::Less(const framework::QueuedPodInfo& a,
                        const framework::QueuedPodInfo& b) const {
  if (a.pod->priority != b.pod->priority) return a.pod->priority > b.pod->priority;
  return a.timestamp < b.timestamp;
}

}  // namespace berth::plugins::priority_sort
