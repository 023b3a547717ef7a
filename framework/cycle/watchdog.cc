#include "framework/cycle/watchdog.h"

#include <string>
#include <string_view>
#include <vector>

#include "api/pod_phase.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/log.h"

namespace berth::framework {
namespace {

using api::core::Pod;

// It wants a node, and may still get one.
bool Waits(const Pod& pod) {
  return pod.spec().node_name().empty() && !pod.metadata().has_deletion_timestamp() &&
         !api::IsTerminal(pod);
}

bool IsBeingDecided(const EngineCore& core, std::string_view uid) {
  return core.queue->in_flight().Has(uid) || core.cache.IsAssumed(uid);
}

}  // namespace

Watchdog::Watchdog(EngineCore& core) : core_(core) {
  if (core.options.watchdog_period <= absl::ZeroDuration()) return;
  timer_ = std::make_unique<PeriodicTimer>(core.executor, core.options.watchdog_period,
                                           [this] { Sweep(); });
}

void Watchdog::Report(const PodPtr& pod, std::string_view kind, std::string_view note) {
  BERTH_LOG(kError, "queue violation kind={} pod={} note=\"{}\"", kind, pod->key, note);
  core_.metrics.QueueViolation(kind);
  core_.sink.Event({.regarding = pod->shared_object(),
                    .related = nullptr,
                    .type = "Warning",
                    .reason = "SchedulerHealed",
                    .action = "Scheduling",
                    .note = std::string(note),
                    .reporting_controller = pod->scheduler_name});
}

int64_t Watchdog::Sweep() {
  if (core_.stopped || !core_.source.Synced()) return 0;
  std::vector<PodPtr> lost, doubled, stale;
  core_.source.ForEach(api::ResourceOf<Pod>(), {}, [&](const ObjectPtr& object) {
    const auto& pod = static_cast<const Pod&>(*object);
    if (!Waits(pod) || core_.UnitOf(pod.spec().scheduler_name()) == nullptr) return;
    const api::meta::ObjectMeta& metadata = pod.metadata();
    if (IsBeingDecided(core_, metadata.uid())) return;
    const std::string key = metadata.namespace_() + "/" + metadata.name();
    const QueueEntry* entry = core_.queue->Find(key);
    if (entry != nullptr && entry->pod->uid == metadata.uid()) return;
    lost.push_back(PodInfo::Make(std::static_pointer_cast<const Pod>(object)));
  });
  core_.queue->ForEach([&](const QueueEntry& entry) {
    const ObjectPtr object = core_.source.Get(api::ResourceOf<Pod>(), entry.pod->namespace_name,
                                              entry.pod->name);
    const auto* pod = static_cast<const Pod*>(object.get());
    if (pod == nullptr || pod->metadata().uid() != entry.pod->uid ||
        !pod->spec().node_name().empty()) {
      stale.push_back(entry.pod);
    } else if (IsBeingDecided(core_, entry.pod->uid)) {
      doubled.push_back(entry.pod);
    }
  });
  for (const PodPtr& pod : stale) {
    Report(pod, "stale", "the pod waits for no node and was still queued; it is no more");
    core_.queue->Delete(pod->key, pod->uid);
  }
  for (const PodPtr& pod : doubled) {
    Report(pod, "doubled", "the pod was queued while it was being scheduled; it is no more");
    core_.queue->Delete(pod->key, pod->uid);
  }
  for (const PodPtr& pod : lost) {
    Report(pod, "lost", "the scheduler had lost sight of the pod; it is queued again");
    core_.queue->Add(pod);
  }
  if (!lost.empty()) core_.Kick();
  return std::ssize(lost) + std::ssize(doubled) + std::ssize(stale);
}

}  // namespace berth::framework
