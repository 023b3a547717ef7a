#include "cluster/apiserver/resource_cache.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/check.h"

namespace berth::apiserver {
namespace {

// A protobuf varint.
void AppendVarint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

size_t VarintSize(uint64_t value) {
  size_t size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}

// meta.v1.WatchEvent{type = 1, object = 2 {raw = 1}} behind its length, four bytes big-endian.
std::string ProtobufFrame(std::string_view type, std::string_view object) {
  const size_t raw = 1 + VarintSize(object.size()) + object.size();
  const size_t size = 1 + VarintSize(type.size()) + type.size() + 1 + VarintSize(raw) + raw;
  std::string out;
  out.reserve(4 + size);
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(size >> shift));
  out.push_back(0x0a);
  AppendVarint(out, type.size());
  out.append(type);
  out.push_back(0x12);
  AppendVarint(out, raw);
  out.push_back(0x0a);
  AppendVarint(out, object.size());
  out.append(object);
  return out;
}

void Erase(std::vector<CacheWatcher*>& watchers, CacheWatcher* watcher, bool leave_hole) {
  const auto it = std::find(watchers.begin(), watchers.end(), watcher);
  if (it == watchers.end()) return;
  if (leave_hole) {
    *it = nullptr;
  } else {
    watchers.erase(it);
  }
}

}  // namespace

CacheEvent::~CacheEvent() {
  for (auto& frame : frames_) delete frame.load();
}

const Bytes& CacheEvent::Frame(Media media) const {
  std::atomic<const Bytes*>& slot = frames_[static_cast<size_t>(media)];
  if (const Bytes* made = slot.load(std::memory_order_acquire)) return *made;
  auto frame = std::make_unique<const Bytes>(
      MakeFrame(media, EventTypeName(type_), *object_->Encoded(media)));
  const Bytes* expected = nullptr;
  if (slot.compare_exchange_strong(expected, frame.get())) return *frame.release();
  return *expected;
}

std::string_view EventTypeName(CacheEvent::Type type) {
  switch (type) {
    case CacheEvent::Type::kAdded: return "ADDED";
    case CacheEvent::Type::kModified: return "MODIFIED";
    case CacheEvent::Type::kDeleted: return "DELETED";
  }
  return "";
}

Bytes MakeFrame(Media media, std::string_view type, std::string_view object) {
  if (media == Media::kProtobuf) return MakeBytes(ProtobufFrame(type, object));
  std::string out;
  out.reserve(object.size() + type.size() + 24);
  out.append(R"({"type":")").append(type).append(R"(","object":)").append(object).append("}\n");
  return MakeBytes(std::move(out));
}

std::string_view NodeNameOf(const StoredObject& object) {
  if (object.resource().plural != "pods") return {};
  return object.As<api::core::Pod>().spec().node_name();
}

ObjectPtr ResourceCache::Find(std::string_view key) const {
  const auto it = objects_.find(key);
  return it == objects_.end() ? nullptr : it->second;
}

void ResourceCache::Visit(std::string_view namespace_, std::string_view first_key,
                          const std::function<bool(const ObjectPtr&)>& visit) const {
  const std::string prefix =
      namespace_.empty() || !resource_.namespaced ? std::string() : fmt::format("{}/", namespace_);
  auto it = objects_.lower_bound(std::max(std::string_view(prefix), first_key));
  for (; it != objects_.end() && std::string_view(it->first).starts_with(prefix); ++it) {
    if (!visit(it->second)) return;
  }
}

absl::Status ResourceCache::Forgotten() const {
  return api::ResourceExpired(
      fmt::format("too old resource version: {} ({})", history_start_, history_start_));
}

absl::StatusOr<uint64_t> ResourceCache::PositionAfter(store::Revision revision) const {
  if (revision < history_start_) {
    return api::ResourceExpired(
        fmt::format("too old resource version: {} ({})", revision, history_start_));
  }
  const auto next = std::partition_point(
      history_.begin(), history_.end(),
      [revision](const EventPtr& event) { return event->revision() <= revision; });
  return first_ + static_cast<uint64_t>(next - history_.begin());
}

EventPtr ResourceCache::EventAt(uint64_t position) const {
  if (position < first_ || position >= end()) return nullptr;
  return history_[position - first_];
}

std::pair<ResourceCache::Index*, const std::string*> ResourceCache::PlaceOf(
    const Interest& interest) {
  if (!interest.node_name.empty()) return {&by_node_, &interest.node_name};
  if (!interest.object_name.empty()) return {&by_object_, &interest.object_name};
  if (!interest.namespace_.empty()) return {&by_namespace_, &interest.namespace_};
  return {nullptr, nullptr};
}

void ResourceCache::Subscribe(CacheWatcher* watcher, const Interest& interest) {
  const auto [index, name] = PlaceOf(interest);
  (index == nullptr ? all_ : (*index)[*name]).push_back(watcher);
  ++subscribers_;
}

void ResourceCache::Unsubscribe(CacheWatcher* watcher, const Interest& interest) {
  const auto [index, name] = PlaceOf(interest);
  Watchers& list = index == nullptr ? all_ : (*index)[*name];
  Erase(list, watcher, delivering_);
  holes_ = holes_ || delivering_;
  --subscribers_;
  if (!delivering_ && list.empty() && index != nullptr) index->erase(*name);
}

void ResourceCache::Reset(std::vector<ObjectPtr> objects, store::Revision revision) {
  objects_.clear();
  first_ = end() + 1;  // who waits for the next event has missed some
  history_.clear();
  history_bytes_ = 0;
  history_start_ = revision;
  last_change_ = revision;
  for (ObjectPtr& object : objects) {
    std::string key = object->key();
    objects_.emplace_hint(objects_.end(), std::move(key), std::move(object));
  }
  Watchers everybody = all_;
  for (const Index* index : {&by_object_, &by_node_, &by_namespace_}) {
    for (const auto& [name, list] : *index) {
      everybody.insert(everybody.end(), list.begin(), list.end());
    }
  }
  for (CacheWatcher* watcher : everybody) watcher->OnLost();
}

EventPtr ResourceCache::Put(ObjectPtr object) {
  ObjectPtr& slot = objects_[object->key()];
  const auto type = slot == nullptr ? CacheEvent::Type::kAdded : CacheEvent::Type::kModified;
  auto event = std::make_shared<const CacheEvent>(type, object, std::move(slot));
  slot = std::move(object);
  Record(event);
  Deliver(event);
  return event;
}

EventPtr ResourceCache::Delete(std::string_view key, store::Revision revision) {
  const auto it = objects_.find(key);
  if (it == objects_.end()) return nullptr;
  ObjectPtr previous = std::move(it->second);
  objects_.erase(it);
  auto event = std::make_shared<const CacheEvent>(CacheEvent::Type::kDeleted,
                                                  previous->At(revision), previous);
  Record(event);
  Deliver(event);
  return event;
}

void ResourceCache::Record(const EventPtr& event) {
  BERTH_DCHECK(event->revision() >= last_change_);
  last_change_ = event->revision();
  history_.push_back(event);
  history_bytes_ += event->object()->stored_bytes();
  const auto too_much = [&] {
    const bool held = held_.contains(first_);  // smaller ones are lost, larger ones are not touched
    const size_t events_max =
        held ? std::max(options_.held_events_max, options_.history_events_max)
             : options_.history_events_max;
    return history_.size() > events_max ||
           (history_bytes_ > options_.history_bytes_max && history_.size() > 1);
  };
  while (too_much()) {
    history_start_ = history_.front()->revision();
    history_bytes_ -= history_.front()->object()->stored_bytes();
    history_.pop_front();
    ++first_;
  }
}

void ResourceCache::Deliver(const EventPtr& event) {
  delivering_ = true;
  DeliverTo(all_, event);
  const auto deliver_indexed = [&](Index& index, std::string_view name) {
    if (index.empty() || name.empty()) return;
    const auto it = index.find(name);
    if (it != index.end()) DeliverTo(it->second, event);
  };
  deliver_indexed(by_object_, event->object()->metadata().name());
  deliver_indexed(by_namespace_, event->object()->metadata().namespace_());
  if (!by_node_.empty()) {
    const std::string_view now = NodeNameOf(*event->object());
    deliver_indexed(by_node_, now);
    const std::string_view before = event->previous() ? NodeNameOf(*event->previous()) : now;
    if (before != now) deliver_indexed(by_node_, before);
  }
  delivering_ = false;
  if (!holes_) return;
  holes_ = false;
  std::erase(all_, nullptr);
  for (Index* index : {&by_object_, &by_node_, &by_namespace_}) {
    for (auto it = index->begin(); it != index->end();) {
      std::erase(it->second, nullptr);
      if (it->second.empty()) {
        it = index->erase(it);
      } else {
        ++it;
      }
    }
  }
}

void ResourceCache::DeliverTo(const Watchers& watchers, const EventPtr& event) {
  for (size_t i = 0; i < watchers.size(); ++i) {
    if (watchers[i] != nullptr) watchers[i]->OnEvent(event);
  }
}

}  // namespace berth::apiserver
