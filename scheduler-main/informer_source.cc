#include "scheduler-main/informer_source.h"

#include <algorithm>
#include <utility>

#include "api/resource_table.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"

namespace berth::scheduler {
namespace {

using framework::ObjectEvent;

ObjectEvent::Kind KindOf(client::InformerEvent::Kind kind) {
  switch (kind) {
    case client::InformerEvent::Kind::kAdd: return ObjectEvent::Kind::kAdded;
    case client::InformerEvent::Kind::kUpdate: return ObjectEvent::Kind::kUpdated;
    case client::InformerEvent::Kind::kDelete: return ObjectEvent::Kind::kDeleted;
  }
  return ObjectEvent::Kind::kUpdated;
}

}  // namespace

void InformerSource::Subscribe(const api::Resource& resource, framework::ObjectHandler handler) {
  std::unique_ptr<client::Informer>& informer = informers_[&resource];
  const bool is_new = informer == nullptr;
  if (is_new) {
    client::ReflectorOptions options;
    options.seed = seed_ + informers_.size();
    options.may_be_absent = &resource != &api::ResourceOf<api::core::Pod>() &&
                            &resource != &api::ResourceOf<api::core::Node>();
    if (&resource == &api::ResourceOf<api::core::Pod>()) {
      options.field_selector = "status.phase!=Succeeded,status.phase!=Failed";
    }
    informer = std::make_unique<client::Informer>(client_, resource, std::move(options));
  }
  informer->AddHandler([handler = std::move(handler)](const client::InformerEvent& event) {
    handler({KindOf(event.kind), event.old_object, event.new_object, event.revision});
  });
  if (!is_new) return;
  synced_now_ = false;
  client::Informer& started = *informer;
  started.OnSynced([this] { synced_now_ = Synced(); });
  started.Start();
}

bool InformerSource::Synced() const {
  return std::all_of(informers_.begin(), informers_.end(),
                     [](const auto& entry) { return entry.second->synced(); });
}

const client::Informer* InformerSource::Find(const api::Resource& resource) const {
  auto it = informers_.find(&resource);
  return it == informers_.end() ? nullptr : it->second.get();
}

framework::ObjectPtr InformerSource::Get(const api::Resource& resource,
                                         std::string_view namespace_,
                                         std::string_view name) const {
  const client::Informer* informer = Find(resource);
  return informer == nullptr ? nullptr : informer->Get(namespace_, name);
}

void InformerSource::ForEach(
    const api::Resource& resource, std::string_view namespace_,
    const std::function<void(const framework::ObjectPtr&)>& visit) const {
  if (const client::Informer* informer = Find(resource)) informer->ForEach(namespace_, visit);
}

int64_t InformerSource::Revision(const api::Resource& resource) const {
  const client::Informer* informer = Find(resource);
  return informer == nullptr ? 0 : informer->revision();
}

}  // namespace berth::scheduler
