// Reflector: keeps a local copy of one resource equal to the server's, through every failure.
//
//                      initial events end        ends well, connection lost
//   (new) --Start--> listing -------------> watching -----------------> waiting --(backoff)--+
//                     ^  |  \                 |  ^                                           |
//                     |  |   \ list refused,  |  +------- watch again from the revision -----+
//                     |  |    \ lost, older   |
//                     |  |     +-> waiting    +-- 410 Expired, a frame that cannot be read,
//                     |  |         |              relist_period passed
//                     +--(backoff)-+              |
//                     +---------------------------+
// (a server that has no such resource: nothing is there, and waiting for absent_period)
//
// Listing is a streaming list (a watch with sendInitialEvents, which continues as the watch), or,
// where the server refuses that or stays silent, a paged list followed by a watch.
//
// Revisions only grow: a list older than what has been seen (a lagging server) is refused and asked
// for again; events older than what has been seen are dropped. A watch resumes one revision below
// the last event unless a bookmark has passed it, because several objects may change in one
// revision and the connection may have broken between them; the target drops repeats.
//
// Source: client-go tools/cache/reflector.go.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/executor.h"
#include "base/random.h"
#include "client/api_client.h"

namespace berth::client {

struct ReflectorOptions {
  std::string namespace_ = {};      // empty: all
  std::string label_selector = {};
  std::string field_selector = {};
  bool streaming_list = true;
  int64_t page_limit = 500;    // of a paged list
  // Lists anew after this, and up to half more, however healthy the watch looks: a lost event is
  // found so.
  absl::Duration relist_period = absl::Minutes(10);
  absl::Duration backoff_min = absl::Milliseconds(200);  // doubled each time, times [1, 2)
  absl::Duration backoff_max = absl::Seconds(30);
  // A streaming list that says nothing for this long is given up for a paged one.
  absl::Duration silence_max = absl::Seconds(10);
  // The server may not have this resource at all (404): then there is nothing of it, and the server
  // is asked again after absent_period. Otherwise that is a failure like others.
  bool may_be_absent = false;
  absl::Duration absent_period = absl::Minutes(1);
  int64_t watch_timeout_s = 300;  // the server ends a watch after this, up to twice
  uint64_t seed = 1;              // of jitter
};

// The copy. Called on the client's executor.
class ReflectorTarget {
 public:
  // Everything there is at `revision`; it replaces what the copy holds.
  virtual void Replace(std::vector<ObjectPtr> objects, int64_t revision) = 0;
  // An event: kAdded, kModified or kDeleted.
  virtual void Apply(WatchFrame::Type type, ObjectPtr object, int64_t revision) = 0;
  // Everything up to `revision` has been delivered.
  virtual void Advance(int64_t revision) = 0;

 protected:
  ~ReflectorTarget() = default;
};

// Threads: the client's executor only, construction and destruction included.
class Reflector {
 public:
  struct Stats {
    int64_t lists = 0;          // that were accepted
    int64_t watches = 0;        // opened
    int64_t failures = 0;       // lists refused or lost, watches that ended badly
    int64_t lists_too_old = 0;  // refused for their revision
  };

  Reflector(ApiClient& client, const api::Resource& resource, ReflectorTarget& target,
            ReflectorOptions options);
  ~Reflector();

  void Start();
  // The revision up to which everything has been seen.
  int64_t revision() const { return complete_revision_; }
  const Stats& stats() const { return stats_; }

 private:
  enum class State { kIdle, kListing, kWatching, kWaiting };

  void List();
  void ListByStream();
  void ListPage(std::string continue_token);
  void OnPage(absl::StatusOr<ObjectList> page);
  // False: too old; then the reflector is waiting.
  bool Accept(std::vector<ObjectPtr> objects, int64_t revision);
  void Watch();
  void OpenStream(WatchOptions options);
  void OnFrames(std::vector<WatchFrame> frames);
  void OnInitialFrame(WatchFrame& frame);
  void OnFrame(WatchFrame& frame);
  void OnStreamClosed(absl::Status status);
  void OnListFailed(const absl::Status& status);
  void OnAbsent();
  // Leaves what is going on; callbacks of it will do nothing.
  void Abandon();
  void WaitThen(void (Reflector::*next)(), absl::Duration at_least);
  void Arm(TimerId& timer, absl::Duration delay, void (Reflector::*then)());
  void Disarm(TimerId& timer);
  void OnSilence();
  void OnRelist();
  void OnWatchdog();
  absl::Duration NextBackoff();
  void LogFailure(std::string_view doing, const absl::Status& status);

  ApiClient& client_;
  Executor& executor_;
  const api::Resource& resource_;
  ReflectorTarget& target_;
  const ReflectorOptions options_;
  Random random_;
  State state_ = State::kIdle;
  bool streaming_supported_;
  bool paging_ = true;
  bool absent_ = false;  // as the server said last
  uint64_t epoch_ = 0;                 // of the operation going on
  std::unique_ptr<Stream> stream_;
  std::vector<ObjectPtr> pages_;
  std::map<std::string, ObjectPtr> initial_;  // of a streaming list, by namespace/name
  bool initial_phase_ = false;
  bool heard_ = false;                 // a frame since the silence timer was set
  int64_t seen_revision_ = 0;          // the newest one of any event or list
  int64_t complete_revision_ = 0;      // nothing up to it is missing
  absl::Time watch_since_ = absl::InfinitePast();
  int backoff_step_ = 0;
  int silences_ = 0;                   // streaming lists given up
  TimerId silence_timer_ = 0, relist_timer_ = 0, wait_timer_ = 0, watchdog_timer_ = 0;
  Stats stats_;
  Lifetime lifetime_;
};

}  // namespace berth::client
