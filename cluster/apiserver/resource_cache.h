// The cache of one resource: every object's newest version, the last events, and who watches.
//
// Events come in revision order from the watch cache; each goes to the watchers that may care: all
// of them, except that watchers of one object (metadata.name=x) and of one node's pods
// (spec.nodeName=x) are found by index, so that thousands of node agents cost nothing.
//
// Threads: none; everything on the API server's executor.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/btree_map.h>
#include <absl/status/statusor.h>

#include "api/resource_table.h"
#include "cluster/apiserver/stored_object.h"
#include "cluster/store/store.h"

namespace berth::apiserver {

// One change of one object. Threads: immutable, any.
class CacheEvent {
 public:
  enum class Type : uint8_t { kAdded, kModified, kDeleted };
  CacheEvent(Type type, ObjectPtr object, ObjectPtr previous)
      : type_(type), object_(std::move(object)), previous_(std::move(previous)) {}
  ~CacheEvent();
  CacheEvent(const CacheEvent&) = delete;
  CacheEvent& operator=(const CacheEvent&) = delete;

  Type type() const { return type_; }
  store::Revision revision() const { return object_->revision(); }
  // kDeleted: the last state, with the revision of the deletion.
  const ObjectPtr& object() const { return object_; }
  // What was there before; null for kAdded.
  const ObjectPtr& previous() const { return previous_; }
  // The event as a watch shows it, made once per media type (JSON or protobuf).
  const Bytes& Frame(Media media) const;

 private:
  Type type_;
  ObjectPtr object_;
  ObjectPtr previous_;
  mutable std::array<std::atomic<const Bytes*>, kMediaCount> frames_{};
};
using EventPtr = std::shared_ptr<const CacheEvent>;

std::string_view EventTypeName(CacheEvent::Type type);
// One frame of a watch: `object` is Encoded of that media.
Bytes MakeFrame(Media media, std::string_view type, std::string_view object);

class CacheWatcher {
 public:
  virtual ~CacheWatcher() = default;
  virtual void OnEvent(const EventPtr& event) = 0;
  // Events may have been lost: the watch must end, its client lists again.
  virtual void OnLost() = 0;
};

// Which events a watcher may be interested in; at most one is set, empty means all.
struct Interest {
  std::string object_name;  // metadata.name
  std::string node_name;    // spec.nodeName, pods only
  std::string namespace_;
};

class ResourceCache {
 public:
  struct Options {
    // How many events are kept for watches to begin before, and how many while somebody holds
    // them; bytes of the objects as stored. Decoded and encoded an event takes about six times its
    // stored bytes.
    size_t history_events_max = 8192;
    size_t held_events_max = 100'000;
    int64_t history_bytes_max = 64 << 20;
  };
  // `resource`: the row whose message the store keeps.
  ResourceCache(const api::Resource& resource, Options options)
      : resource_(resource), options_(options) {}

  const api::Resource& resource() const { return resource_; }
  size_t size() const { return objects_.size(); }
  // Watches that are open, and how many of them are told of events at once.
  size_t watch_count() const { return watches_; }
  size_t subscriber_count() const { return subscribers_; }

  // Null when absent. Keys as StoredObject::key.
  ObjectPtr Find(std::string_view key) const;
  // The objects of a namespace (all when empty) from `first_key` on, by key, until `visit` returns
  // false.
  void Visit(std::string_view namespace_, std::string_view first_key,
             const std::function<bool(const ObjectPtr&)>& visit) const;
  // The newest revision that changed anything here.
  store::Revision last_change() const { return last_change_; }

  // --- history: events are numbered one after another, and the oldest are forgotten ---
  // The number of the first event after `revision`. ResourceExpired when the history does not reach
  // back that far.
  absl::StatusOr<uint64_t> PositionAfter(store::Revision revision) const;
  // The number the next event will have.
  uint64_t end() const { return first_ + history_.size(); }
  // Null when it has been forgotten, or is still to come (position == end()).
  EventPtr EventAt(uint64_t position) const;
  // What a reader that has come to `position` is told when it has been forgotten.
  absl::Status Forgotten() const;
  // Asks for the events from `position` on to be kept longer than they would be, within bounds.
  // One Release for each Hold, of the same position.
  void Hold(uint64_t position) { held_.insert(position); }
  void Release(uint64_t position) { held_.erase(held_.find(position)); }

  void WatchOpened() { ++watches_; }
  void WatchClosed() { --watches_; }
  void Subscribe(CacheWatcher* watcher, const Interest& interest);
  void Unsubscribe(CacheWatcher* watcher, const Interest& interest);

  // --- the watch cache's side ---
  // Replaces everything; the history begins at `revision`, watchers hear OnLost.
  void Reset(std::vector<ObjectPtr> objects, store::Revision revision);
  // An object's new version; the event it makes.
  EventPtr Put(ObjectPtr object);
  // Null when there was no such object.
  EventPtr Delete(std::string_view key, store::Revision revision);

 private:
  using Watchers = std::vector<CacheWatcher*>;
  using Index = absl::btree_map<std::string, Watchers, std::less<>>;
  void Record(const EventPtr& event);
  void Deliver(const EventPtr& event);
  void DeliverTo(const Watchers& watchers, const EventPtr& event);
  // Where watchers of this interest stand: an index and the name in it, or null for all_.
  std::pair<Index*, const std::string*> PlaceOf(const Interest& interest);

  const api::Resource& resource_;
  const Options options_;
  absl::btree_map<std::string, ObjectPtr, std::less<>> objects_;
  std::deque<EventPtr> history_;
  uint64_t first_ = 0;  // the number of its first event
  std::multiset<uint64_t> held_;
  int64_t history_bytes_ = 0;
  store::Revision history_start_ = 0;  // all events after this revision are in history_
  store::Revision last_change_ = 0;

  Watchers all_;
  Index by_object_, by_node_, by_namespace_;
  size_t watches_ = 0, subscribers_ = 0;
  bool delivering_ = false;  // entries are nulled instead of erased meanwhile
  bool holes_ = false;
};

// spec.nodeName of a pod; empty for anything else.
std::string_view NodeNameOf(const StoredObject& object);

}  // namespace berth::apiserver
