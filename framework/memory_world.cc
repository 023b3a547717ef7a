#include "framework/memory_world.h"

#include <fmt/core.h>

#include "api/errors.h"
#include "api/object.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_pod.pb.h"

namespace berth::framework {

const MemoryWorld::Kind* MemoryWorld::Find(const api::Resource& resource) const {
  const auto it = kinds_.find(&resource);
  return it == kinds_.end() ? nullptr : &it->second;
}

void MemoryWorld::Tell(Kind& kind, ObjectEvent event) {
  event.revision = ++revision_;
  for (size_t i = 0; i < kind.handlers.size(); ++i) kind.handlers[i](event);
}

void MemoryWorld::Put(const api::Resource& resource, ObjectPtr object) {
  Kind& kind = kinds_[&resource];
  const auto& metadata = api::MetaOf(*object);
  ObjectPtr& held = kind.objects.Get(metadata.namespace_(), metadata.name());
  ObjectEvent event;
  event.kind = held == nullptr ? ObjectEvent::Kind::kAdded : ObjectEvent::Kind::kUpdated;
  event.old_object = std::move(held);
  held = object;
  event.new_object = std::move(object);
  Tell(kind, std::move(event));
}

void MemoryWorld::Remove(const api::Resource& resource, std::string_view namespace_,
                       std::string_view name) {
  Kind& kind = kinds_[&resource];
  ObjectPtr* held = kind.objects.Find(namespace_, name);
  if (held == nullptr) return;
  ObjectEvent event;
  event.kind = ObjectEvent::Kind::kDeleted;
  event.old_object = std::move(*held);
  kind.objects.Erase(namespace_, name);
  Tell(kind, std::move(event));
}

void MemoryWorld::Subscribe(const api::Resource& resource, ObjectHandler handler) {
  Kind& kind = kinds_[&resource];
  kind.objects.ForEach({}, [&](const api::ObjectKey&, const ObjectPtr& object) {
    ObjectEvent event;
    event.new_object = object;
    event.revision = revision_;
    handler(event);
  });
  kind.handlers.push_back(std::move(handler));
}

ObjectPtr MemoryWorld::Get(const api::Resource& resource, std::string_view namespace_,
                                    std::string_view name) const {
  const Kind* kind = Find(resource);
  if (kind == nullptr) return nullptr;
  const ObjectPtr* held = kind->objects.Find(namespace_, name);
  return held == nullptr ? nullptr : *held;
}

void MemoryWorld::ForEach(const api::Resource& resource, std::string_view namespace_,
                        const std::function<void(const ObjectPtr&)>& visit) const {
  const Kind* kind = Find(resource);
  if (kind == nullptr) return;
  kind->objects.ForEach(namespace_, [&](const api::ObjectKey&, const ObjectPtr& object) {
    visit(object);
  });
}

void MemoryWorld::Bind(const api::core::Pod& pod, std::string_view node_name, Done done) {
  executor_.Post([this, ns = pod.metadata().namespace_(), name = pod.metadata().name(),
                  node = std::string(node_name), done = std::move(done)]() mutable {
    const auto& resource = api::ResourceOf<api::core::Pod>();
    const ObjectPtr held = Get(resource, ns, name);
    if (held == nullptr) return done(absl::NotFoundError("pod is gone"));
    const auto& current = static_cast<const api::core::Pod&>(*held);
    const absl::Status verdict = on_bind ? on_bind(current, node) : absl::OkStatus();
    if (!verdict.ok()) return done(verdict);
    auto bound = std::make_shared<api::core::Pod>(current);
    bound->mutable_spec()->set_node_name(node);
    if (on_bound) on_bound(*bound, node);
    Put(resource, std::move(bound));
    done(absl::OkStatus());
  });
}

void MemoryWorld::Create(const api::Resource& resource, ObjectPtr object, ObjectDone done) {
  if (api::MetaOf(*object).name().empty()) {
    std::shared_ptr<google::protobuf::Message> named(object->New());
    named->CopyFrom(*object);
    auto& metadata = api::MutableMeta(*named);
    metadata.set_name(fmt::format("{}{:05}", metadata.generate_name(), ++names_));
    metadata.set_uid(metadata.name());
    object = std::move(named);
  }
  Update(resource, std::move(object), {}, std::move(done));
}

void MemoryWorld::Update(const api::Resource& resource, ObjectPtr object, std::string_view,
                       ObjectDone done) {
  executor_.Post([this, &resource, object = std::move(object), done = std::move(done)]() mutable {
    Put(resource, object);
    done(absl::OkStatus(), object);
  });
}

void MemoryWorld::Patch(const api::Resource&, std::string_view namespace_, std::string_view name,
                      std::string patch, std::string_view, Done done) {
  absl::Status answer;
  if (on_patch) answer = on_patch(std::string(namespace_) + "/" + std::string(name), patch);
  executor_.Post([answer = std::move(answer), done = std::move(done)]() mutable {
    done(std::move(answer));
  });
}

void MemoryWorld::Delete(const api::Resource& resource, std::string_view namespace_,
                       std::string_view name, std::string_view uid, Done done) {
  executor_.Post([this, &resource, ns = std::string(namespace_), name = std::string(name),
                  uid = std::string(uid), done = std::move(done)]() mutable {
    const ObjectPtr held = Get(resource, ns, name);
    if (held == nullptr) return done(api::NotFound(resource, name));
    if (const std::string& there = api::MetaOf(*held).uid(); !uid.empty() && there != uid) {
      return done(api::Conflict(
          resource, name,
          fmt::format("Precondition failed: UID in precondition: {}, UID in object meta: {}", uid,
                      there)));
    }
    Remove(resource, ns, name);
    done(absl::OkStatus());
  });
}

void MemoryWorld::Event(EventNote note) {
  if (on_event) on_event(note);
}

}  // namespace berth::framework
