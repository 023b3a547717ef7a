#include "bench/scheduler_perf/rig/remote_world.h"

#include "api/object.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/meta_v1.pb.h"

namespace berth::bench {

using framework::ObjectEvent;
using framework::ObjectPtr;

namespace {

constexpr size_t kLeavingMax = 256;

}  // namespace

RemoteWorld::RemoteWorld(Executor& here, Executor& there, framework::MemoryWorld& world,
                         MemoryApi& api)
    : world_(world),
      api_(api),
      copy_(here),
      calls_(here, there, [](Task& call) { call(); }),
      news_(there, here, [this](News& news) { Hear(news); }) {}

void RemoteWorld::SendHome(ObjectPtr object) {
  if (object == nullptr) return;
  leaving_.push_back(std::move(object));
  if (leaving_.size() < kLeavingMax) return;
  calls_.Put([gone = std::exchange(left_before_, std::exchange(leaving_, {}))] {});
}

void RemoteWorld::Hear(News& news) {
  if (news.resource == nullptr) return news.answer();
  if (news.event.kind == ObjectEvent::Kind::kDeleted) {
    const auto& metadata = api::MetaOf(*news.event.old_object);
    return copy_.Remove(*news.resource, metadata.namespace_(), metadata.name());
  }
  copy_.Put(*news.resource, std::move(news.event.new_object));
}

void RemoteWorld::Subscribe(const api::Resource& resource, framework::ObjectHandler handler) {
  copy_.Subscribe(resource, std::move(handler));
  if (!followed_.insert(&resource).second) return;
  copy_.Subscribe(resource, [this](const ObjectEvent& event) { SendHome(event.old_object); });
  ++lists_awaited_;
  calls_.Put([this, &resource] {
    world_.Subscribe(resource, [this, &resource](const ObjectEvent& event) {
      // What an event replaces, the copy knows.
      const bool deleted = event.kind == ObjectEvent::Kind::kDeleted;
      news_.Put({.resource = &resource,
                 .event = {.kind = event.kind,
                           .old_object = deleted ? event.old_object : nullptr,
                           .new_object = event.new_object,
                           .revision = event.revision},
                 .answer = {}});
    });
    news_.Put({.resource = nullptr, .event = {}, .answer = [this] { --lists_awaited_; }});
  });
}

RemoteWorld::Done RemoteWorld::Returning(Done done) {
  return [this, done = std::move(done)](absl::Status status) mutable {
    news_.Put({.resource = nullptr,
               .event = {},
               .answer = [done = std::move(done), status = std::move(status)]() mutable {
                 done(std::move(status));
               }});
  };
}

RemoteWorld::ObjectDone RemoteWorld::Returning(ObjectDone done) {
  return [this, done = std::move(done)](absl::Status status, ObjectPtr object) mutable {
    news_.Put({.resource = nullptr,
               .event = {},
               .answer = [done = std::move(done), status = std::move(status),
                          object = std::move(object)]() mutable {
                 done(std::move(status), std::move(object));
               }});
  };
}

void RemoteWorld::Bind(const api::core::Pod& pod, std::string_view node_name, Done done) {
  const auto& metadata = pod.metadata();
  calls_.Put([this, ns = metadata.namespace_(), name = metadata.name(), uid = metadata.uid(),
              node = std::string(node_name), done = Returning(std::move(done))]() mutable {
    done(api_.BindNow(ns, name, uid, node));
  });
}

void RemoteWorld::Create(const api::Resource& resource, ObjectPtr object, ObjectDone done) {
  calls_.Put([this, &resource, object = std::move(object),
              done = Returning(std::move(done))]() mutable {
    api_.Create(resource, std::move(object), std::move(done));
  });
}

void RemoteWorld::Update(const api::Resource& resource, ObjectPtr object,
                         std::string_view subresource, ObjectDone done) {
  calls_.Put([this, &resource, object = std::move(object), subresource = std::string(subresource),
              done = Returning(std::move(done))]() mutable {
    api_.Update(resource, std::move(object), subresource, std::move(done));
  });
}

void RemoteWorld::Patch(const api::Resource& resource, std::string_view namespace_,
                        std::string_view name, std::string patch, std::string_view subresource,
                        Done done) {
  calls_.Put([this, &resource, ns = std::string(namespace_), name = std::string(name),
              patch = std::move(patch), subresource = std::string(subresource),
              done = Returning(std::move(done))]() mutable {
    api_.Patch(resource, ns, name, std::move(patch), subresource, std::move(done));
  });
}

void RemoteWorld::Delete(const api::Resource& resource, std::string_view namespace_,
                         std::string_view name, std::string_view uid, Done done) {
  calls_.Put([this, &resource, ns = std::string(namespace_), name = std::string(name),
              uid = std::string(uid), done = Returning(std::move(done))]() mutable {
    api_.Delete(resource, ns, name, uid, std::move(done));
  });
}

}  // namespace berth::bench
