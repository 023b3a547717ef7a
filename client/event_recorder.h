// EventRecorder: tells people what happened to an object, as events.k8s.io/v1 Events.
//
// Repeats (the same type, reason, action, regarding, related and reporter; the note does not count)
// become one series: the second one patches count 2 into the first's Event, further ones only count
// until refresh_period or, when the series has been quiet for finish_time, once more at its end.
//
//   Record --new--> create ------------> known --quiet for finish_time--> forgotten
//             \--known, single--> patch (series count 2) --> series --quiet--> patch, forgotten
//
// Never blocks and never fails: what does not fit in the queue, what the server refuses, and what a
// single object says too often (burst per object, then one per refill_period) is dropped and
// counted. While the server cannot be reached a write is tried again, tries_max times in all.
// Source: client-go tools/events (event_broadcaster, event_recorder), tools/record's spam filter.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "api/fwd.h"
#include "base/executor.h"
#include "base/random.h"
#include "base/strings.h"
#include "client/api_client.h"

namespace berth::client {

struct EventRecorderOptions {
  std::string reporting_instance = "berth";  // upstream: controller-hostname
  int64_t queue_max = 20'000;    // events waiting to be written
  int64_t known_max = 10'000;    // remembered for their repeats; the oldest is forgotten first
  int in_flight_max = 32;
  int in_flight_batched_max = 256;  // where the client sends batches
  absl::Duration finish_time = absl::Minutes(6);
  absl::Duration refresh_period = absl::Minutes(30);
  absl::Duration retry_delay = absl::Seconds(10);  // times [1, 1.25)
  int tries_max = 12;
  int burst = 25;                // Events about one object; 0: no limit
  absl::Duration refill_period = absl::Minutes(5);
  uint64_t seed = 1;             // of jitter
};

struct EventNote {
  std::string type = {};    // "Normal" or "Warning"
  std::string reason = {};  // "Scheduled"
  std::string action = {};  // "Binding"
  std::string note = {};    // cut to 1024 bytes
  std::string reporting_controller = {};
};

// Threads: the client's executor only.
class EventRecorder {
 public:
  struct Stats {
    int64_t recorded = 0;  // calls of Record
    int64_t created = 0, patched = 0;
    int64_t repeated = 0;  // counted in a series without a write
    int64_t dropped_full = 0, dropped_spam = 0, dropped_refused = 0;
  };

  EventRecorder(ApiClient& client, EventRecorderOptions options);
  ~EventRecorder();

  // regarding: an object of a kind in the resource table, or a reference. related: may be null.
  void Record(const google::protobuf::Message& regarding,
              const google::protobuf::Message* related, EventNote note);
  void Record(const api::core::ObjectReference& regarding,
              const api::core::ObjectReference* related, EventNote note);

  const Stats& stats() const { return stats_; }
  int64_t waiting() const { return static_cast<int64_t>(queue_.size()); }

 private:
  struct Entry;
  struct Bucket {
    double tokens;
    absl::Time filled;
  };
  using EntryPtr = std::shared_ptr<Entry>;

  bool Spam(const std::string& source);
  void Remember(const std::string& key, const EntryPtr& entry);
  void Forget(const EntryPtr& entry);
  void Enqueue(EntryPtr entry);
  void Pump();
  void Write(const EntryPtr& entry);
  void Create(const EntryPtr& entry);
  void PatchSeries(const EntryPtr& entry);
  void Written(const EntryPtr& entry, const absl::Status& status, bool was_patch);
  void ArmSweep();
  void Sweep();

  ApiClient& client_;
  Executor& executor_;
  const EventRecorderOptions options_;
  Random random_;
  StringMap<EntryPtr> known_;
  std::list<EntryPtr> by_age_;  // of known_, oldest first
  std::deque<EntryPtr> queue_;
  StringMap<Bucket> buckets_;
  std::deque<std::string> bucket_order_;
  int in_flight_ = 0;
  int64_t name_nanos_ = 0;
  absl::Time refreshed_;
  TimerId sweep_timer_ = 0;
  Stats stats_;
  Lifetime lifetime_;
};

// The reference of an object: apiVersion, kind, namespace, name, uid, resourceVersion.
api::core::ObjectReference ReferenceTo(const google::protobuf::Message& object);

}  // namespace berth::client
