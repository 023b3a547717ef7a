// Watches: what a client that asked for watch=true is sent.
//
//   (request) --as new as asked--> catching up ----------------------> live --> end
//                                  initial objects;          ^           |
//                                  [BOOKMARK                 |           |
//                                     initial-events-end];   +-----------+
//                                  events of the history     too much is unsent
//
// Live, a watch is told of events as they happen. A client that does not take them costs no more
// work: its watch stops being told, and reads on in the history once the client has taken what it
// has. Meanwhile the history keeps that place, within its bounds; if it has been forgotten, the
// watch ends with an ERROR event, 410 Expired.
//
// Frames are made once per event and shared by all watchers who see the object whole and
// unfiltered; selectors turn an object that enters into ADDED and one that leaves into DELETED.
// Source: apiserver/pkg/storage/cacher.
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "api/selectors.h"
#include "base/executor.h"
#include "base/random.h"
#include "cluster/apiserver/call.h"
#include "cluster/apiserver/request_options.h"
#include "cluster/apiserver/watch_cache.h"

namespace berth::apiserver {

struct WatchOptions {
  absl::Duration bookmark_period = absl::Minutes(1);
  // A watch without timeoutSeconds lives between this and twice this.
  absl::Duration timeout_min = absl::Minutes(30);
  // What is there when a watch begins is sent in chunks of about this size.
  int64_t chunk_bytes = 64 << 10;
  // With more than this unsent a watch is sent nothing until its client has taken it all.
  int64_t unsent_bytes_max = 128 << 10;
  // Events of the history looked at before others get their turn; more than a store brings at once.
  int events_per_turn = 1024;
  // How long a watch waits for a revision that is still to come.
  absl::Duration read_wait = absl::Seconds(3);
};

// All watches of a server. Threads: none; everything on the API server's executor.
class WatchSessions {
 public:
  WatchSessions(Executor& executor, WatchCache& cache, Random& random, WatchOptions options);
  ~WatchSessions();

  void Start(CallPtr call);
  // Ends all of them properly.
  void CloseAll();
  size_t size() const { return sessions_.size(); }

 private:
  class Session;
  void Begin(CallPtr call, ListOptions options, api::LabelSelector labels,
             api::FieldSelector fields, const absl::Status& readable);
  void Remove(uint64_t id);
  void Drained(uint64_t id);
  void SendBookmarks();

  Executor& executor_;
  WatchCache& cache_;
  Random& random_;
  const WatchOptions options_;
  uint64_t next_id_ = 1;
  std::map<uint64_t, std::unique_ptr<Session>> sessions_;
  std::unique_ptr<PeriodicTimer> bookmarks_;
  Lifetime alive_;
};

}  // namespace berth::apiserver
