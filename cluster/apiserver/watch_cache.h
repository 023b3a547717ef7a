// The watch cache: everything the store holds, decoded and encoded once, fed by ONE store watch
// over the whole keyspace.
//
//   store watch --events--> WatchCache --by key prefix--> ResourceCache --> watchers, lists, gets
//                              |
//                     applied(): every revision up to it is in the caches, of every resource
//
//   (new) --Start--> loading --ready--> running --watch ended--> loading (watchers hear OnLost)
//                       ^___ retried every retry_delay ___|
//
// A consistent read asks the store for its revision once, for everybody who asks meanwhile, and
// waits until that revision is applied. A write of this server announces the message it stores, so
// that the event that comes back needs no decoding.
//
// Threads: none; everything on the API server's executor. The store's callbacks may come from
// anywhere.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>

#include "api/resource_table.h"
#include "base/executor.h"
#include "base/strings.h"
#include "cluster/apiserver/resource_cache.h"
#include "cluster/apiserver/stored_object.h"
#include "cluster/store/store.h"

namespace berth::apiserver {

// "/registry/pods/default/web-1".
std::string StoreKey(const api::Resource& resource, std::string_view namespace_,
                     std::string_view name);
// "default/web-1", or "node-1".
std::string CacheKey(const api::Resource& resource, std::string_view namespace_,
                     std::string_view name);

struct WatchCacheOptions {
  ResourceCache::Options resource;
  absl::Duration retry_delay = absl::Milliseconds(200);
  int64_t load_page_objects = 5000;
};

class WatchCache {
 public:
  using EventListener = std::function<void(const ResourceCache&, const EventPtr&)>;
  using ResetListener = std::function<void()>;

  // One cache per storage prefix of `resources`; the first row of a prefix is the stored form.
  WatchCache(Executor& executor, store::Store& store, std::span<const api::Resource> resources,
             WatchCacheOptions options);
  ~WatchCache();

  // Called after every event, once it is in the cache; and after every (re)load.
  void SetListeners(EventListener on_event, ResetListener on_reset);
  // Loads, watches, then calls `ready` once.
  void Start(Task ready);
  bool ready() const { return running_; }

  ResourceCache& For(const api::Resource& resource);
  // In the order of the resource table.
  const std::vector<std::unique_ptr<ResourceCache>>& caches() const { return caches_; }

  store::Revision applied() const { return applied_; }
  // Runs `then` once `revision` is applied: at once when it is.
  void WhenApplied(store::Revision revision, Task then);
  // What a read at `revision` waits for. None: everything acknowledged before this call; 0:
  // nothing; a number: that revision, which may just be on its way here. "Too large resource
  // version" when it is not applied within `wait_max`.
  void WhenReadable(std::optional<store::Revision> revision, absl::Duration wait_max,
                    store::DoneCallback then);
  size_t waiting() const { return waiting_.size(); }  // for a revision to be applied
  // Runs `then` when everything acknowledged before this call is applied; or with the failure.
  void WhenFresh(store::DoneCallback then);

  // `message` is what `value`, about to be written, decodes to. When the store hands the very same
  // bytes back in its event, the message becomes the cached object; it must not be touched until
  // the write has failed or Collect.
  void Announce(const Bytes& value, std::shared_ptr<google::protobuf::Message> message);
  // The write of `value` is done and applied: what the cache made of it. Null when the event did
  // not carry those bytes, or the write failed; then the message is the caller's again.
  ObjectPtr Collect(const Bytes& value);

  // Decodes what the store holds. The resourceVersion is set from `kv`.
  absl::StatusOr<ObjectPtr> Decode(const ResourceCache& cache, std::string key,
                                   const store::KeyValue& kv) const;

 private:
  struct Announced {
    Bytes value;  // keeps the address taken
    std::shared_ptr<google::protobuf::Message> message;
    ObjectPtr stored;
  };
  void Load();
  void LoadPage(std::string begin, store::Revision revision);
  void OnPage(absl::StatusOr<store::ListResult> page);
  absl::Status TakePage(store::ListResult& page);
  void FinishLoad(store::Revision revision);
  void RetryLoad(const absl::Status& why);
  void OnWatch(const absl::Status& status, store::Revision revision,
               std::vector<store::WatchEvent> events);
  void Apply(store::WatchEvent& event);
  void AdvanceTo(store::Revision revision);
  void ReadRevision();
  void OnRevision(absl::StatusOr<store::Revision> revision);
  // Runs a store callback here: at once when this is the executor, else as a task of it.
  template <typename F>
  auto Here(F callback);
  // The cache a store key belongs to, and the key within it; null when it is none of ours.
  std::pair<ResourceCache*, std::string_view> Locate(std::string_view store_key);

  Executor& executor_;
  store::Store& store_;
  const WatchCacheOptions options_;
  std::vector<std::unique_ptr<ResourceCache>> caches_;
  StringMap<ResourceCache*> by_prefix_;
  EventListener on_event_;
  ResetListener on_reset_;
  Task ready_;

  bool running_ = false;
  store::Revision applied_ = 0;
  std::map<ResourceCache*, std::vector<ObjectPtr>> loading_;
  std::unique_ptr<store::WatchHandle> watch_;

  std::multimap<store::Revision, Task> waiting_;
  std::vector<store::DoneCallback> asking_;   // share the revision read in flight
  std::vector<store::DoneCallback> asking_next_;  // came too late for it
  bool reading_revision_ = false;

  absl::flat_hash_map<const std::string*, Announced> announced_;
  Lifetime alive_;
};

}  // namespace berth::apiserver
