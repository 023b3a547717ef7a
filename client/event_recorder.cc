#include "client/event_recorder.h"

#include <algorithm>

#include <fmt/format.h>

#include "api/errors.h"
#include "api/object.h"
#include "api/schema/core_v1_selectors.pb.h"
#include "api/schema/events_v1.pb.h"
#include "api/time_text.h"
#include "base/log.h"
#include "base/strings.h"

namespace berth::client {
namespace {

constexpr size_t kNoteMax = 1024;
constexpr size_t kBucketsMax = 4096;

const api::Resource& EventsResource() {
  static const api::Resource& row = *api::FindResource("events.k8s.io", "v1", "events");
  return row;
}

void SetMicroTime(api::meta::MicroTime& out, absl::Time time) {
  out.set_seconds(absl::ToUnixSeconds(time));
  const int64_t nanos = absl::ToUnixNanos(time) - out.seconds() * 1'000'000'000;
  out.set_nanos(static_cast<int32_t>(nanos / 1000 * 1000));
}

absl::Time TimeOf(const api::meta::MicroTime& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

void AppendReference(std::string& key, const api::core::ObjectReference& reference) {
  for (const std::string* part :
       {&reference.kind(), &reference.namespace_(), &reference.name(), &reference.uid(),
        &reference.api_version(), &reference.resource_version(), &reference.field_path()}) {
    key.append(*part).push_back('\0');
  }
}

// What makes two events the same one.
std::string KeyOf(const api::events::Event& event) {
  std::string key;
  key.reserve(256);
  for (const std::string* part : {&event.type(), &event.action(), &event.reason(),
                                  &event.reporting_controller(), &event.reporting_instance()}) {
    key.append(*part).push_back('\0');
  }
  AppendReference(key, event.regarding());
  if (event.has_related()) AppendReference(key, event.related());
  return key;
}

}  // namespace

struct EventRecorder::Entry {
  api::events::Event event;
  std::string key;        // in known_; empty once forgotten
  bool queued = false;
  bool writing = false;
  bool dirty = false;     // changed since what is being written
  bool created = false;   // the server has it, as far as we know
  int tries = 0;
  std::list<EntryPtr>::iterator age;

  absl::Time last_seen() const {
    return TimeOf(event.has_series() ? event.series().last_observed_time() : event.event_time());
  }
};

api::core::ObjectReference ReferenceTo(const google::protobuf::Message& object) {
  api::core::ObjectReference reference;
  const api::Resource& resource = api::ResourceOfDescriptor(object);
  const api::meta::ObjectMeta& metadata = api::MetaOf(object);
  reference.set_api_version(resource.api_version());
  reference.set_kind(std::string(resource.kind));
  if (!metadata.namespace_().empty()) reference.set_namespace_(metadata.namespace_());
  reference.set_name(metadata.name());
  if (!metadata.uid().empty()) reference.set_uid(metadata.uid());
  if (!metadata.resource_version().empty()) {
    reference.set_resource_version(metadata.resource_version());
  }
  return reference;
}

EventRecorder::EventRecorder(ApiClient& client, EventRecorderOptions options)
    : client_(client),
      executor_(client.executor()),
      options_(std::move(options)),
      random_(options_.seed),
      refreshed_(executor_.clock().Now()) {}

EventRecorder::~EventRecorder() {
  lifetime_.End();
  if (sweep_timer_ != 0) executor_.Cancel(sweep_timer_);
}

void EventRecorder::Record(const google::protobuf::Message& regarding,
                           const google::protobuf::Message* related, EventNote note) {
  const api::core::ObjectReference reference = ReferenceTo(regarding);
  if (related == nullptr) return Record(reference, nullptr, std::move(note));
  const api::core::ObjectReference other = ReferenceTo(*related);
  Record(reference, &other, std::move(note));
}

void EventRecorder::Record(const api::core::ObjectReference& regarding,
                           const api::core::ObjectReference* related, EventNote note) {
  ++stats_.recorded;
  const absl::Time now = executor_.clock().Now();
  auto entry = std::make_shared<Entry>();
  api::events::Event& event = entry->event;
  api::meta::ObjectMeta& metadata = *event.mutable_metadata();
  // The time is what makes the name unique: two events at one instant get two names.
  name_nanos_ = std::max(absl::ToUnixNanos(now), name_nanos_ + 1);
  metadata.set_name(fmt::format("{}.{:x}", regarding.name(), name_nanos_));
  metadata.set_namespace_(regarding.namespace_().empty() ? "default" : regarding.namespace_());
  SetMicroTime(*event.mutable_event_time(), now);
  event.set_reporting_controller(std::move(note.reporting_controller));
  event.set_reporting_instance(options_.reporting_instance);
  event.set_action(std::move(note.action));
  event.set_reason(std::move(note.reason));
  *event.mutable_regarding() = regarding;
  if (related != nullptr) *event.mutable_related() = *related;
  if (note.note.size() > kNoteMax) note.note.resize(kNoteMax);
  event.set_note(std::move(note.note));
  event.set_type(std::move(note.type));

  std::string key = KeyOf(event);
  if (const auto it = known_.find(key); it != known_.end()) {
    EntryPtr known = it->second;
    api::events::EventSeries& series = *known->event.mutable_series();
    const bool first_repeat = series.count() == 0;
    series.set_count(first_repeat ? 2 : series.count() + 1);
    SetMicroTime(*series.mutable_last_observed_time(), now);
    if (!first_repeat) {
      ++stats_.repeated;
      return;
    }
    return Enqueue(std::move(known));
  }
  std::string source = event.reporting_controller();
  source.push_back('\0');
  AppendReference(source, regarding);
  if (Spam(source)) {
    ++stats_.dropped_spam;
    return;
  }
  Remember(key, entry);
  Enqueue(std::move(entry));
}

// Events about one object, by one reporter: `burst`, then one each refill_period.
bool EventRecorder::Spam(const std::string& source) {
  if (options_.burst <= 0) return false;
  const absl::Time now = executor_.clock().Now();
  auto [it, fresh] =
      buckets_.try_emplace(source, Bucket{static_cast<double>(options_.burst), now});
  if (fresh) {
    bucket_order_.push_back(source);
    if (bucket_order_.size() > kBucketsMax) {
      buckets_.erase(bucket_order_.front());
      bucket_order_.pop_front();
      it = buckets_.find(source);
    }
  }
  Bucket& bucket = it->second;
  const double refilled = absl::FDivDuration(now - bucket.filled, options_.refill_period);
  bucket.tokens = std::min<double>(options_.burst, bucket.tokens + refilled);
  bucket.filled = now;
  if (bucket.tokens < 1) return true;
  bucket.tokens -= 1;
  return false;
}

void EventRecorder::Remember(const std::string& key, const EntryPtr& entry) {
  if (static_cast<int64_t>(known_.size()) >= options_.known_max) {
    const EntryPtr oldest = by_age_.front();
    Forget(oldest);
    if (oldest->event.series().count() > 2) Enqueue(oldest);  // its final count
  }
  entry->key = key;
  entry->age = by_age_.insert(by_age_.end(), entry);
  known_.emplace(key, entry);
  ArmSweep();
}

void EventRecorder::Forget(const EntryPtr& entry) {
  if (entry->key.empty()) return;
  by_age_.erase(entry->age);
  known_.erase(entry->key);
  entry->key.clear();
}

// --- writing -----------------------------------------------------------------------------------

void EventRecorder::Enqueue(EntryPtr entry) {
  if (entry->queued) return;
  if (entry->writing) {
    entry->dirty = true;
    return;
  }
  if (static_cast<int64_t>(queue_.size()) >= options_.queue_max) {
    ++stats_.dropped_full;
    if (!entry->created) Forget(entry);  // the next one of its kind is a new event
    return;
  }
  entry->queued = true;
  queue_.push_back(std::move(entry));
  Pump();
}

void EventRecorder::Pump() {
  const int in_flight_max =
      client_.Batching() ? options_.in_flight_batched_max : options_.in_flight_max;
  while (!queue_.empty() && in_flight_ < in_flight_max) {
    EntryPtr entry = std::move(queue_.front());
    queue_.pop_front();
    entry->queued = false;
    Write(entry);
  }
}

void EventRecorder::Write(const EntryPtr& entry) {
  ++in_flight_;
  entry->writing = true;
  entry->dirty = false;
  ++entry->tries;
  if (entry->created && entry->event.has_series()) {
    PatchSeries(entry);
  } else {
    Create(entry);
  }
}

void EventRecorder::Create(const EntryPtr& entry) {
  client_.CreateOnly(EventsResource(), entry->event.metadata().namespace_(), entry->event,
                     [this, entry, alive = lifetime_.Watch()](const absl::Status& status) {
                       if (!alive.expired()) Written(entry, status, false);
                     });
}

void EventRecorder::PatchSeries(const EntryPtr& entry) {
  const api::events::EventSeries& series = entry->event.series();
  std::string patch =
      fmt::format(R"({{"series":{{"count":{},"lastObservedTime":"{}"}}}})", series.count(),
                  api::FormatMicroTime(series.last_observed_time()));
  const api::meta::ObjectMeta& metadata = entry->event.metadata();
  client_.PatchOnly(EventsResource(), metadata.namespace_(), metadata.name(),
                    PatchType::kStrategicMerge, std::move(patch), {},
                    [this, entry, alive = lifetime_.Watch()](const absl::Status& status) {
                      if (!alive.expired()) Written(entry, status, true);
                    });
}

void EventRecorder::Written(const EntryPtr& entry, const absl::Status& status, bool was_patch) {
  --in_flight_;
  entry->writing = false;
  if (status.ok() || (!was_patch && api::IsAlreadyExists(status))) {
    // A creation that answers "already exists" is one whose first answer was lost.
    ++(was_patch ? stats_.patched : stats_.created);
    entry->created = true;
    entry->tries = 0;
    if (entry->dirty) Enqueue(entry);
  } else if (was_patch && api::IsNotFound(status)) {
    entry->created = false;  // its time to live has passed: it begins anew, with the series
    Enqueue(entry);
  } else if (!api::IsUnanswered(status)) {
    BERTH_LOG(kWarning, "event refused reason={} regarding={}/{} err=\"{}\"",
              entry->event.reason(), entry->event.regarding().namespace_(),
              entry->event.regarding().name(), ToStd(status.message()));
    ++stats_.dropped_refused;
    Forget(entry);
  } else if (entry->tries >= options_.tries_max) {
    ++stats_.dropped_full;
    Forget(entry);
  } else {
    const absl::Duration delay = options_.retry_delay * (1 + random_.Unit() / 4);
    executor_.PostAfter(delay, [this, entry, alive = lifetime_.Watch()] {
      if (!alive.expired()) Enqueue(entry);
    });
  }
  Pump();
}

// --- the ends of series ------------------------------------------------------------------------

void EventRecorder::ArmSweep() {
  if (sweep_timer_ != 0 || known_.empty()) return;
  sweep_timer_ = executor_.PostAfter(options_.finish_time, [this, alive = lifetime_.Watch()] {
    if (alive.expired()) return;
    sweep_timer_ = 0;
    Sweep();
    ArmSweep();
  });
}

void EventRecorder::Sweep() {
  const absl::Time now = executor_.clock().Now();
  const bool refresh = now - refreshed_ >= options_.refresh_period;
  if (refresh) refreshed_ = now;
  for (auto it = by_age_.begin(); it != by_age_.end();) {
    const EntryPtr entry = *it++;
    const bool quiet = now - entry->last_seen() >= options_.finish_time;
    if (quiet) Forget(entry);
    if (entry->event.has_series() && (quiet || refresh)) Enqueue(entry);
  }
}

}  // namespace berth::client
