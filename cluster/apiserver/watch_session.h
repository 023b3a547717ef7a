// Watches: what a client that asked for watch=true is sent.
//
//   (request) --as new as asked--> catching up --------------------> live --> end
//                                  initial objects, or history;
//                                  [BOOKMARK initial-events-end];
//                                  what happened meanwhile
//
// Frames are made once per event and shared by all watchers who see the object whole and
// unfiltered; selectors turn an object that enters into ADDED and one that leaves into DELETED.
// Nobody is waited for: a client that falls behind its byte budget is cut off by the writer, and
// comes back with a list or an older revision. Source: apiserver/pkg/storage/cacher.
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
  // What is there when a watch begins is sent in chunks of about this size, and no faster than the
  // client takes them: at most this much is left unsent.
  int64_t chunk_bytes = 256 << 10;
  int64_t unsent_bytes_max = 1 << 20;
  absl::Duration pace = absl::Milliseconds(5);
  // Events that come meanwhile wait; a watch with more of them is ended.
  size_t backlog_events_max = 100'000;
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
             api::FieldSelector fields);
  void Remove(uint64_t id);
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
