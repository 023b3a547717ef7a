// RemoteWorld: a MemoryWorld of another executor and its MemoryApi, as an engine sees them from its
// own: a copy that follows the events, as an informer's, and a sink whose calls travel there and
// whose answers travel back. Both ways many at a time: what one task says leaves together after it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_set.h>

#include "api/resource_table.h"
#include "base/executor.h"
#include "bench/scheduler_perf/rig/memory_api.h"
#include "framework/memory_world.h"
#include "framework/object_source.h"

namespace berth::bench {

// What tasks of one executor have to say to another. Threads: Put on `from` only.
template <typename Item>
class Mailbox {
 public:
  // deliver: called on `to` for each item, in order. Everything outlives what is on its way.
  Mailbox(Executor& from, Executor& to, std::function<void(Item&)> deliver)
      : from_(from), to_(to), deliver_(std::move(deliver)) {}

  void Put(Item item) {
    waiting_.push_back(std::move(item));
    if (waiting_.size() == 1) from_.Post([this] { Send(); });
  }

 private:
  void Send() {
    to_.Post([this, items = std::exchange(waiting_, {})]() mutable {
      for (Item& item : items) deliver_(item);
    });
  }

  Executor& from_;
  Executor& to_;
  const std::function<void(Item&)> deliver_;
  std::vector<Item> waiting_;
};

// Threads: `here`. Errors and order of events are the world's; answers come after the events that
// the call made.
class RemoteWorld final : public framework::ObjectSource, public framework::ObjectSink {
 public:
  // there: the world's and the api's. Both executors are stopped before this goes.
  RemoteWorld(Executor& here, Executor& there, framework::MemoryWorld& world, MemoryApi& api);

  // ObjectSource
  void Subscribe(const api::Resource& resource, framework::ObjectHandler handler) override;
  bool Synced() const override { return lists_awaited_ == 0; }
  framework::ObjectPtr Get(const api::Resource& resource, std::string_view namespace_,
                           std::string_view name) const override {
    return copy_.Get(resource, namespace_, name);
  }
  void ForEach(const api::Resource& resource, std::string_view namespace_,
               const std::function<void(const framework::ObjectPtr&)>& visit) const override {
    copy_.ForEach(resource, namespace_, visit);
  }
  int64_t Revision(const api::Resource& resource) const override {
    return copy_.Revision(resource);
  }

  // ObjectSink
  void Bind(const api::core::Pod& pod, std::string_view node_name, Done done) override;
  void Create(const api::Resource& resource, framework::ObjectPtr object,
              ObjectDone done) override;
  void Update(const api::Resource& resource, framework::ObjectPtr object,
              std::string_view subresource, ObjectDone done) override;
  void Patch(const api::Resource& resource, std::string_view namespace_, std::string_view name,
             std::string patch, std::string_view subresource, Done done) override;
  void Delete(const api::Resource& resource, std::string_view namespace_, std::string_view name,
              std::string_view uid, Done done) override;
  void Event(framework::EventNote) override {}  // nobody keeps them

 private:
  struct News {
    const api::Resource* resource = nullptr;  // null: it is an answer
    framework::ObjectEvent event;
    Task answer;
  };
  void Hear(News& news);
  void SendHome(framework::ObjectPtr object);
  // The same completion, to be called `there`.
  Done Returning(Done done);
  ObjectDone Returning(ObjectDone done);

  framework::MemoryWorld& world_;
  MemoryApi& api_;
  framework::MemoryWorld copy_;
  absl::flat_hash_set<const api::Resource*> followed_;
  int lists_awaited_ = 0;
  Mailbox<Task> calls_;
  Mailbox<News> news_;
  // What the copy has no more: freed where it was made, which is cheaper, and not at the expense of
  // who is measured. First it is kept until nobody here holds it, by all that is likely.
  std::vector<framework::ObjectPtr> leaving_, left_before_;
};

}  // namespace berth::bench
