#include "cluster/node/pod_runner.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/object.h"
#include "api/pod_phase.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/log.h"
#include "cluster/node/pod_status.h"

namespace berth::node {

using api::core::Pod;

struct PodRunner::Record {
  PodPtr object;  // the newest seen
  NodeRecord* node = nullptr;
  PodPlan plan;
  PodProgress progress;
  PodLoad load;
  TimerId timer = 0;
  absl::Time timer_at = absl::InfiniteFuture();
  uint32_t pod_offset = 0;   // address held
  bool accepted = false;     // progress is meaningful
  bool restored = false;     // a run of this program before had accepted it
  bool holds_load = false;
  std::optional<Stage> counted;  // in counters_, as this stage
  bool write_queued = false;
  bool delete_queued = false;
  bool deleted = false;      // the API agreed
  bool gone = false;         // not in records_ any more
};

namespace {

std::string KeyOf(const Pod& pod) {
  return fmt::format("{}/{}", pod.metadata().namespace_(), pod.metadata().name());
}

int64_t PodRevision(const Pod& pod) {
  return api::RevisionOf(pod.metadata().resource_version());
}

bool IsDeleting(const Pod& pod) { return pod.metadata().has_deletion_timestamp(); }

}  // namespace

PodRunner::PodRunner(Executor& executor, client::ApiClient& client, NodeTable& table,
                     PodRunnerOptions options)
    : executor_(executor), client_(client), table_(table), options_(options),
      pump_(executor, options_.in_flight_max) {}

PodRunner::~PodRunner() {
  for (auto& [key, record] : records_) {
    if (record->timer != 0) executor_.Cancel(record->timer);
  }
}

bool PodRunner::Quiet() const {
  return pump_.queued() == 0 && pump_.in_flight() == 0 &&
         std::all_of(records_.begin(), records_.end(),
                     [](const auto& entry) { return entry.second->timer == 0; });
}

void PodRunner::Upsert(PodPtr pod) {
  NodeRecord* node = table_.Find(pod->spec().node_name());
  if (node == nullptr) return;
  RecordPtr& slot = records_[KeyOf(*pod)];
  if (slot && slot->object->metadata().uid() != pod->metadata().uid()) {
    // Of two pods with one name the later one counts.
    if (PodRevision(*pod) < PodRevision(*slot->object)) return;
    Forget(*slot);
    slot = nullptr;
  }
  if (!slot) {
    slot = std::make_shared<Record>();
    slot->node = node;
    ++counters_.pods;
  } else if (PodRevision(*pod) < PodRevision(*slot->object)) {
    return;
  }
  slot->object = std::move(pod);
  if (!started_) return;
  const RecordPtr record = slot;
  if (!record->accepted) Accept(*record);
  Work(record);
}

void PodRunner::Removed(const Pod& pod) {
  const auto it = records_.find(KeyOf(pod));
  if (it == records_.end() || it->second->object->metadata().uid() != pod.metadata().uid()) return;
  Forget(*it->second);
  records_.erase(it);
}

void PodRunner::Replace(std::vector<PodPtr> pods) {
  StringSet there;
  for (const PodPtr& pod : pods) {
    if (table_.Find(pod->spec().node_name())) there.insert(pod->metadata().uid());
  }
  std::vector<PodPtr> gone;
  for (const auto& [key, record] : records_) {
    if (!there.contains(record->object->metadata().uid())) gone.push_back(record->object);
  }
  for (const PodPtr& pod : gone) Removed(*pod);
  for (PodPtr& pod : pods) Upsert(std::move(pod));
}

void PodRunner::Start() {
  if (std::exchange(started_, true)) return;
  std::vector<RecordPtr> all;
  for (const auto& [key, record] : records_) all.push_back(record);
  const auto order = [](const Record& record) {
    const auto& meta = record.object->metadata();
    return std::tuple(!AlreadyAccepted(*record.object), meta.creation_timestamp().seconds(),
                      std::string_view(meta.namespace_()), std::string_view(meta.name()));
  };
  std::sort(all.begin(), all.end(),
            [&](const RecordPtr& a, const RecordPtr& b) { return order(*a) < order(*b); });
  for (const RecordPtr& record : all) {
    Accept(*record);
    Work(record);
  }
}

// Gives the pod its place on the node, or refuses it.
void PodRunner::Accept(Record& record) {
  const Pod& pod = *record.object;
  const absl::Time now = executor_.clock().Now();
  record.accepted = true;
  record.restored = AlreadyAccepted(pod);
  if (!record.restored) ++counters_.seen;
  record.plan = MakePlan(pod, options_.lifecycle);
  record.progress = Restore(pod, record.plan, now);
  if (const uint32_t offset = PodOffset(record.node->index, pod.status().pod_ip());
      offset != 0 && !Ended(record.progress.stage)) {
    record.pod_offset = offset;
    record.node->pod_offsets.set(offset);
  }
  if (Ended(record.progress.stage)) return;
  if (IsDeleting(pod) && !AlreadyAccepted(pod)) return;  // it will not be started any more
  record.load = LoadOf(pod);
  if (!AlreadyAccepted(pod)) {
    auto refusal = record.node->load.Check(pod, record.load, record.node->facts,
                                           table_.AllocatableOf(*record.node));
    if (refusal) {
      BERTH_LOG(kInfo, "pod refused pod={} node={} reason={} message=\"{}\"", KeyOf(pod),
                record.node->seat.name, refusal->reason, refusal->message);
      ++counters_.refused;
      return Reject(record.progress, *std::move(refusal), now);
    }
  }
  record.node->load.Add(record.load);
  record.holds_load = true;
}

void PodRunner::Release(Record& record) {
  if (std::exchange(record.holds_load, false)) record.node->load.Remove(record.load);
  if (record.pod_offset != 0) record.node->pod_offsets.reset(record.pod_offset);
  record.pod_offset = 0;
}

void PodRunner::Forget(Record& record) {
  Release(record);
  if (record.timer != 0) executor_.Cancel(record.timer);
  record.timer = 0;
  record.gone = true;
  if (record.counted) CountStage(*record.counted, -1);
  --counters_.pods;
}

void PodRunner::CountStage(Stage stage, int64_t by) {
  if (stage == Stage::kRunning || stage == Stage::kBackingOff) counters_.running += by;
  if (stage == Stage::kSucceeded) counters_.succeeded += by;
  if (stage == Stage::kFailed || stage == Stage::kRejected) counters_.failed += by;
}

void PodRunner::Count(Record& record) {
  const Stage stage = record.progress.stage;
  if (record.counted == stage) return;
  const bool ran = record.counted == Stage::kRunning || record.counted == Stage::kBackingOff;
  const bool known = !record.counted && record.restored;
  if (stage == Stage::kRunning && !ran && !known) ++counters_.started;
  if (record.counted) CountStage(*record.counted, -1);
  CountStage(stage, 1);
  record.counted = stage;
}

// Brings one pod up to date: what is due happens, what must be told is queued.
void PodRunner::Work(const RecordPtr& record) {
  if (record->gone || !record->accepted) return;
  const Pod& pod = *record->object;
  const absl::Time now = executor_.clock().Now();
  if (IsDeleting(pod)) {
    Stop(record->plan, record->progress,
         absl::Seconds(pod.metadata().deletion_grace_period_seconds()), now);
  }
  const absl::Time next = Advance(record->plan, record->progress, now);
  Count(*record);
  const bool ended = Ended(record->progress.stage);
  if (ended && !record->deleted && IsDeleting(pod)) {
    // Whoever holds a finalizer learns how the pod ended before it goes.
    if (pod.metadata().finalizers().empty() || api::IsTerminal(pod)) {
      QueueDelete(record);
    } else {
      QueueWrite(record);
    }
  } else if (!ended || !IsDeleting(pod)) {
    if (WorthWriting(*record, next) && !SameStatus(Wanted(*record), pod.status())) {
      QueueWrite(record);
    }
  }
  if (ended) Release(*record);
  Arm(record, next);
}

bool PodRunner::WorthWriting(const Record& record, absl::Time next) const {
  const bool passing = record.progress.stage == Stage::kStarting ||
                       record.progress.stage == Stage::kInitializing;
  return !passing || next > executor_.clock().Now() + options_.report_after;
}

void PodRunner::Arm(const RecordPtr& record, absl::Time when) {
  if (record->timer != 0) {
    if (record->timer_at == when) return;
    executor_.Cancel(record->timer);
    record->timer = 0;
  }
  if (when == absl::InfiniteFuture()) return;
  record->timer_at = when;
  record->timer = executor_.PostAt(when, [this, alive = lifetime_.Watch(), record] {
    if (alive.expired()) return;
    record->timer = 0;
    Work(record);
  });
}

api::core::PodStatus PodRunner::Wanted(Record& record) {
  const Pod& pod = *record.object;
  PodAddresses addresses{.host_ip = HostIp(record.node->index), .pod_ip = {}};
  if (UsesHostNetwork(pod)) {
    addresses.pod_ip = addresses.host_ip;
  } else if (pod.status().pod_ip().empty() && record.progress.stage != Stage::kStarting &&
             record.holds_load) {
    if (record.pod_offset == 0) record.pod_offset = TakePodOffset(*record.node);
    if (record.pod_offset != 0) addresses.pod_ip = PodIp(record.node->index, record.pod_offset);
  }
  return BuildStatus(pod, record.plan, record.progress, addresses, executor_.clock().Now());
}

// --- writes --------------------------------------------------------------------------------------

void PodRunner::QueueWrite(const RecordPtr& record) {
  if (std::exchange(record->write_queued, true)) return;
  pump_.Submit([this, record](RequestPump::Done done) { WriteStatus(record, std::move(done)); });
}

void PodRunner::WriteStatus(const RecordPtr& record, RequestPump::Done done) {
  api::core::PodStatus status;
  if (!record->gone) status = Wanted(*record);
  if (record->gone || SameStatus(status, record->object->status())) {
    record->write_queued = false;
    return done(true);
  }
  Pod pod = *record->object;
  *pod.mutable_status() = std::move(status);
  client_.UpdateStatus<Pod>(
      pod, [this, record, alive = lifetime_.Watch(),
            done = std::move(done)](absl::StatusOr<PodPtr> written) mutable {
        if (alive.expired()) return;
        record->write_queued = false;
        const bool healthy = !api::IsTransient(written.status());
        if (written.ok()) {
          ++counters_.status_writes;
          if (!record->gone) TakeAnswer(record, *std::move(written));
        } else if (api::IsConflict(written.status())) {
          ++counters_.conflicts;
          return Reread(record, std::move(done));
        } else if (!healthy) {
          QueueWrite(record);
        } else if (api::IsDenied(written.status())) {
          BERTH_LOG(kWarning, "pod status not written, trying again pod={} err=\"{}\"",
                    KeyOf(*record->object), ToStd(written.status().message()));
          QueueWrite(record);
          return done(false);
        } else if (!api::IsNotFound(written.status())) {
          BERTH_LOG(kWarning, "pod status not written pod={} err=\"{}\"", KeyOf(*record->object),
                    ToStd(written.status().message()));
        }
        done(healthy);
      });
}

void PodRunner::Reread(const RecordPtr& record, RequestPump::Done done) {
  const auto& meta = record->object->metadata();
  client_.Get<Pod>(meta.namespace_(), meta.name(),
                   [this, record, alive = lifetime_.Watch(),
                    done = std::move(done)](absl::StatusOr<PodPtr> pod) mutable {
                     if (alive.expired()) return;
                     const bool healthy = !api::IsTransient(pod.status());
                     // What is not there any more, the informer will tell.
                     if (pod.ok() && !record->gone) TakeAnswer(record, *std::move(pod));
                     if (!healthy && !record->gone) QueueWrite(record);
                     done(healthy);
                   });
}

// The answer may be older than what the watch brought while no other write was let through: the
// pod is looked at either way.
void PodRunner::TakeAnswer(const RecordPtr& record, PodPtr pod) {
  const PodPtr before = record->object;
  Upsert(std::move(pod));
  if (!record->gone && record->object == before) Work(record);
}

void PodRunner::QueueDelete(const RecordPtr& record) {
  if (std::exchange(record->delete_queued, true)) return;
  pump_.Submit([this, record](RequestPump::Done done) { Delete(record, std::move(done)); });
}

void PodRunner::Delete(const RecordPtr& record, RequestPump::Done done) {
  if (record->gone) return done(true);
  const auto& meta = record->object->metadata();
  client_.Delete(api::ResourceOf<Pod>(), meta.namespace_(), meta.name(),
                 {.uid = meta.uid(), .resource_version = {}, .grace_period_s = 0,
                  .propagation = {}},
                 [this, record, alive = lifetime_.Watch(),
                  done = std::move(done)](const absl::Status& status) mutable {
                   if (alive.expired()) return;
                   record->delete_queued = false;
                   const bool healthy = !api::IsTransient(status);
                   if (status.ok() || api::IsNotFound(status) || api::IsConflict(status)) {
                     record->deleted = true;
                     counters_.deleted += status.ok() ? 1 : 0;
                   } else if (!healthy) {
                     QueueDelete(record);
                   } else {
                     BERTH_LOG(kWarning, "pod not deleted pod={} err=\"{}\"",
                               KeyOf(*record->object), ToStd(status.message()));
                   }
                   done(healthy);
                 });
}

}  // namespace berth::node
