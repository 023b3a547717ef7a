#include "client/informer.h"

#include <algorithm>

#include "api/object.h"
#include "api/schema/meta_v1.pb.h"
#include "base/log.h"

namespace berth::client {

Informer::Informer(ApiClient& client, const api::Resource& resource, ReflectorOptions options)
    : resource_(resource), reflector_(client, resource, *this, std::move(options)) {}
Informer::~Informer() = default;

void Informer::AddHandler(InformerHandler handler) {
  objects_.ForEach({}, [&](const api::ObjectKey&, const ObjectPtr& object) {
    handler({InformerEvent::Kind::kAdd, nullptr, object,
             api::RevisionOf(api::MetaOf(*object).resource_version())});
  });
  handlers_.push_back(std::move(handler));
}

void Informer::OnSynced(Task then) {
  if (synced_) return then();
  on_synced_.push_back(std::move(then));
}

ObjectPtr Informer::Get(std::string_view namespace_, std::string_view name) const {
  const ObjectPtr* held = objects_.Find(namespace_, name);
  return held == nullptr ? nullptr : *held;
}

void Informer::ForEach(std::string_view namespace_,
                       const std::function<void(const ObjectPtr&)>& visit) const {
  objects_.ForEach(namespace_,
                   [&](const api::ObjectKey&, const ObjectPtr& object) { visit(object); });
}

Informer::Stats Informer::stats() const {
  Stats stats = stats_;
  stats.objects = static_cast<int64_t>(objects_.size());
  return stats;
}

void Informer::Tell(const InformerEvent& event) {
  ++stats_.events;
  for (const InformerHandler& handler : handlers_) handler(event);
}

bool Informer::Put(ObjectPtr object, int64_t revision) {
  const api::meta::ObjectMeta& metadata = api::MetaOf(*object);
  ObjectPtr* held = objects_.Find(metadata.namespace_(), metadata.name());
  if (held != nullptr) {
    const api::meta::ObjectMeta& known = api::MetaOf(**held);
    if (known.resource_version() == metadata.resource_version()) return false;  // a repeat
    const int64_t new_revision = api::RevisionOf(metadata.resource_version());
    if (new_revision != 0 && new_revision < api::RevisionOf(known.resource_version())) {
      return false;  // never back
    }
    if (known.uid() != metadata.uid()) {
      // Deleted and made anew under the same name: two events.
      Remove(metadata.namespace_(), metadata.name(), revision);
      held = nullptr;
    }
  }
  if (held == nullptr) {
    objects_.Get(metadata.namespace_(), metadata.name()) = object;
    Tell({InformerEvent::Kind::kAdd, nullptr, std::move(object), revision});
    return true;
  }
  ObjectPtr old = std::exchange(*held, object);
  Tell({InformerEvent::Kind::kUpdate, std::move(old), std::move(object), revision});
  return true;
}

void Informer::Remove(std::string_view namespace_, std::string_view name, int64_t revision) {
  ObjectPtr* held = objects_.Find(namespace_, name);
  if (held == nullptr) return;
  ObjectPtr old = std::move(*held);
  objects_.Erase(namespace_, name);
  Tell({InformerEvent::Kind::kDelete, std::move(old), nullptr, revision});
}

void Informer::Apply(WatchFrame::Type type, ObjectPtr object, int64_t revision) {
  known_revision_ = std::max(known_revision_, revision);
  if (type != WatchFrame::Type::kDeleted) {
    Put(std::move(object), revision);
    return;
  }
  const api::meta::ObjectMeta& metadata = api::MetaOf(*object);
  const ObjectPtr known = Get(metadata.namespace_(), metadata.name());
  if (!known || api::RevisionOf(api::MetaOf(*known).resource_version()) > revision) return;
  Remove(metadata.namespace_(), metadata.name(), revision);
}

void Informer::Replace(std::vector<ObjectPtr> objects, int64_t revision) {
  const auto by_key = [](const ObjectPtr& a, const ObjectPtr& b) {
    const api::meta::ObjectMeta& x = api::MetaOf(*a);
    const api::meta::ObjectMeta& y = api::MetaOf(*b);
    return api::ObjectKeyLess()(api::ObjectKeyView(x.namespace_(), x.name()),
                                api::ObjectKeyView(y.namespace_(), y.name()));
  };
  std::sort(objects.begin(), objects.end(), by_key);
  // What is not listed is gone. Found before handlers run, told in order.
  std::vector<api::ObjectKey> gone;
  objects_.ForEach({}, [&](const api::ObjectKey& key, const ObjectPtr& object) {
    if (!std::binary_search(objects.begin(), objects.end(), object, by_key)) gone.push_back(key);
  });
  for (const api::ObjectKey& key : gone) Remove(key.first, key.second, revision);
  int64_t healed = 0;
  for (ObjectPtr& object : objects) {
    const int64_t changed = api::RevisionOf(api::MetaOf(*object).resource_version());
    if (Put(std::move(object), revision) && changed <= known_revision_) ++healed;
  }
  if (synced_ && healed > 0) {
    stats_.healed += healed;
    BERTH_LOG(kWarning, "relist found changes the watch had not told resource={} changes={}",
              resource_.qualified(), healed);
  }
  known_revision_ = std::max(known_revision_, revision);
  if (synced_) return;
  synced_ = true;
  for (Task& then : std::exchange(on_synced_, {})) then();
}

}  // namespace berth::client
