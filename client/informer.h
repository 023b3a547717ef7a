// Informer: a local, ordered copy of one resource, and handlers that hear every change of it.
//
//   Informer pods(client, ResourceOf<core::Pod>(), {.field_selector = "spec.nodeName="});
//   pods.AddHandler([](const InformerEvent& event) { ... });
//   pods.OnSynced([] { ... });
//   pods.Start();
//   std::shared_ptr<const core::Pod> pod = pods.Get<core::Pod>("default", "web-1");
//
// Per object, handlers hear kAdd, then kUpdate any number of times, then kDelete, each with the
// object they heard of last as the old one; versions of an object never go back. States between
// two that are heard may be skipped (after a relist). A relist that finds something different from
// what the watch told emits the difference and counts it as healed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/object_map.h"
#include "client/reflector.h"

namespace berth::client {

struct InformerEvent {
  enum class Kind : uint8_t { kAdd, kUpdate, kDelete };
  Kind kind = Kind::kAdd;
  ObjectPtr old_object;  // null for kAdd
  ObjectPtr new_object;  // null for kDelete
  int64_t revision = 0;  // of the change; of the list when a list brought it
};
using InformerHandler = std::function<void(const InformerEvent&)>;

// Threads: the client's executor only, construction and destruction included.
class Informer final : private ReflectorTarget {
 public:
  struct Stats {
    int64_t objects = 0;
    int64_t events = 0;  // told to handlers
    int64_t healed = 0;  // of them, changes a watch should have told and a relist found
  };

  Informer(ApiClient& client, const api::Resource& resource, ReflectorOptions options = {});
  ~Informer();

  // Once. Handlers may be added before and after.
  void Start() { reflector_.Start(); }
  // First hears kAdd for everything that is there, inside this call. Handlers of one event run in
  // the order they were added. A handler must not add handlers, nor destroy the informer.
  void AddHandler(InformerHandler handler);
  // Runs `then` when the first complete list has been told to the handlers; at once if it has.
  void OnSynced(Task then);
  bool synced() const { return synced_; }

  // Null when absent.
  ObjectPtr Get(std::string_view namespace_, std::string_view name) const;
  template <typename T>
  std::shared_ptr<const T> Get(std::string_view namespace_, std::string_view name) const {
    return std::static_pointer_cast<const T>(Get(namespace_, name));
  }
  // By namespace, then name. Empty namespace: all.
  void ForEach(std::string_view namespace_,
               const std::function<void(const ObjectPtr&)>& visit) const;
  size_t size() const { return objects_.size(); }

  // Everything up to this revision is in the copy.
  int64_t revision() const { return reflector_.revision(); }
  const api::Resource& resource() const { return resource_; }
  Stats stats() const;
  const Reflector::Stats& reflector_stats() const { return reflector_.stats(); }

 private:
  void Replace(std::vector<ObjectPtr> objects, int64_t revision) override;
  void Apply(WatchFrame::Type type, ObjectPtr object, int64_t revision) override;
  void Advance(int64_t revision) override { known_revision_ = revision; }
  // True when it was news.
  bool Put(ObjectPtr object, int64_t revision);
  void Remove(std::string_view namespace_, std::string_view name, int64_t revision);
  void Tell(const InformerEvent& event);

  const api::Resource& resource_;
  api::ObjectMap<ObjectPtr> objects_;
  std::vector<InformerHandler> handlers_;
  std::vector<Task> on_synced_;
  bool synced_ = false;
  int64_t known_revision_ = 0;  // what has been told covers everything up to about here
  Stats stats_;
  Reflector reflector_;
};

}  // namespace berth::client
