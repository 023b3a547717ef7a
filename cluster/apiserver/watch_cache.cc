#include "cluster/apiserver/watch_cache.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/schema/meta_v1.pb.h"
#include "base/check.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "cluster/apiserver/codec.h"

namespace berth::apiserver {
namespace {

constexpr std::string_view kRoot = "/registry/";

}  // namespace

std::string CacheKey(const api::Resource& resource, std::string_view namespace_,
                     std::string_view name) {
  if (!resource.namespaced) return std::string(name);
  return fmt::format("{}/{}", namespace_, name);
}

std::string StoreKey(const api::Resource& resource, std::string_view namespace_,
                     std::string_view name) {
  if (!resource.namespaced) return fmt::format("{}{}/{}", kRoot, resource.storage_prefix, name);
  return fmt::format("{}{}/{}/{}", kRoot, resource.storage_prefix, namespace_, name);
}

template <typename F>
auto WatchCache::Here(F callback) {
  return [this, &executor = executor_, alive = alive_.Watch(),
          callback = std::move(callback)](auto&&... args) mutable {
    if (executor.IsCurrent()) {
      if (!alive.expired()) (this->*callback)(std::forward<decltype(args)>(args)...);
      return;
    }
    executor.Post([this, alive, callback,
                   held = std::make_tuple(std::decay_t<decltype(args)>(
                       std::forward<decltype(args)>(args))...)]() mutable {
      if (alive.expired()) return;
      std::apply([&](auto&&... a) { (this->*callback)(std::move(a)...); }, std::move(held));
    });
  };
}

WatchCache::WatchCache(Executor& executor, store::Store& store,
                       std::span<const api::Resource> resources, WatchCacheOptions options)
    : executor_(executor), store_(store), options_(options) {
  for (const api::Resource& row : resources) {
    if (by_prefix_.contains(row.storage_prefix)) continue;  // the same objects in another group
    caches_.push_back(std::make_unique<ResourceCache>(row, options_.resource));
    by_prefix_.emplace(row.storage_prefix, caches_.back().get());
  }
}

WatchCache::~WatchCache() = default;

void WatchCache::SetListeners(EventListener on_event, ResetListener on_reset) {
  on_event_ = std::move(on_event);
  on_reset_ = std::move(on_reset);
}

ResourceCache& WatchCache::For(const api::Resource& resource) {
  const auto it = by_prefix_.find(resource.storage_prefix);
  BERTH_CHECK(it != by_prefix_.end());
  return *it->second;
}

std::pair<ResourceCache*, std::string_view> WatchCache::Locate(std::string_view store_key) {
  if (!store_key.starts_with(kRoot)) return {nullptr, {}};
  const std::string_view rest = store_key.substr(kRoot.size());
  // A prefix has one or two segments.
  size_t slash = rest.find('/');
  for (int segments = 1; segments <= 2 && slash != std::string_view::npos; ++segments) {
    const auto it = by_prefix_.find(rest.substr(0, slash));
    if (it != by_prefix_.end()) return {it->second, rest.substr(slash + 1)};
    slash = rest.find('/', slash + 1);
  }
  return {nullptr, {}};
}

// --- loading -----------------------------------------------------------------------------------

void WatchCache::Start(Task ready) {
  ready_ = std::move(ready);
  Load();
}

void WatchCache::Load() {
  running_ = false;
  loading_.clear();
  LoadPage(std::string(kRoot), 0);
}

void WatchCache::LoadPage(std::string begin, store::Revision revision) {
  store::ListOptions options;
  options.begin = std::move(begin);
  options.end = store::PrefixEnd(kRoot);
  options.revision = revision;
  options.limit = options_.load_page_objects;
  store_.List(std::move(options), Here(&WatchCache::OnPage));
}

absl::Status WatchCache::TakePage(store::ListResult& page) {
  for (store::KeyValue& kv : page.items) {
    const auto [cache, key] = Locate(kv.key);
    if (cache == nullptr) continue;
    BERTH_ASSIGN_OR_RETURN(ObjectPtr object, Decode(*cache, std::string(key), kv));
    loading_[cache].push_back(std::move(object));
  }
  return absl::OkStatus();
}

void WatchCache::OnPage(absl::StatusOr<store::ListResult> page) {
  if (!page.ok()) return RetryLoad(page.status());
  if (auto status = TakePage(*page); !status.ok()) return RetryLoad(status);
  if (page->more && !page->items.empty()) {
    return LoadPage(page->items.back().key + '\0', page->revision);
  }
  FinishLoad(page->revision);
}

void WatchCache::FinishLoad(store::Revision revision) {
  applied_ = revision;
  for (const auto& cache : caches_) cache->Reset(std::move(loading_[cache.get()]), revision);
  loading_.clear();
  running_ = true;
  if (on_reset_) on_reset_();
  store::WatchOptions options;
  options.begin = std::string(kRoot);
  options.end = store::PrefixEnd(kRoot);
  options.start = revision + 1;
  watch_ = store_.Watch(std::move(options), Here(&WatchCache::OnWatch));
  AdvanceTo(revision);
  if (ready_) std::exchange(ready_, nullptr)();
}

void WatchCache::RetryLoad(const absl::Status& why) {
  BERTH_LOG(kError, "watch cache cannot read the store, retrying delay_ms={} error={}",
            absl::ToInt64Milliseconds(options_.retry_delay), why.ToString());
  executor_.PostAfter(options_.retry_delay, [this, alive = alive_.Watch()] {
    if (!alive.expired()) Load();
  });
}

// --- events ------------------------------------------------------------------------------------

void WatchCache::OnWatch(const absl::Status& status, store::Revision revision,
                         std::vector<store::WatchEvent> events) {
  if (!status.ok()) {
    if (absl::IsCancelled(status)) return;  // the store closes
    BERTH_LOG(kWarning, "watch cache lost its store watch, loading again error={}",
              status.ToString());
    executor_.Post([this, alive = alive_.Watch()] {
      if (alive.expired()) return;
      watch_ = nullptr;
      Load();
    });
    return;
  }
  if (!running_) return;
  for (store::WatchEvent& event : events) Apply(event);
  AdvanceTo(revision);
}

void WatchCache::Apply(store::WatchEvent& event) {
  const auto [cache, key] = Locate(event.kv.key);
  if (cache == nullptr) return;
  EventPtr made;
  if (event.kind == store::WatchEvent::Kind::kDelete) {
    made = cache->Delete(key, event.kv.mod_revision);
  } else {
    auto object = Decode(*cache, std::string(key), event.kv);
    if (!object.ok()) {
      BERTH_LOG(kError, "object in the store cannot be decoded key={} error={}", event.kv.key,
                object.status().ToString());
      return;
    }
    const auto announced = announced_.find(event.kv.value.get());
    if (announced != announced_.end() && announced->second.message.get() == &(*object)->message()) {
      announced->second.stored = *object;
    }
    made = cache->Put(*std::move(object));
  }
  if (made && on_event_) on_event_(*cache, made);
}

absl::StatusOr<ObjectPtr> WatchCache::Decode(const ResourceCache& cache, std::string key,
                                             const store::KeyValue& kv) const {
  std::shared_ptr<google::protobuf::Message> message;
  const auto announced = announced_.find(kv.value.get());
  if (announced != announced_.end() && announced->second.stored == nullptr) {
    message = announced->second.message;
  } else {
    BERTH_ASSIGN_OR_RETURN(message, DecodeStored(cache.resource(), *kv.value));
  }
  MutableMetadata(*message).set_resource_version(std::to_string(kv.mod_revision));
  return std::make_shared<const StoredObject>(cache.resource(), std::move(key), std::move(message),
                                              kv.mod_revision, kv.value);
}

void WatchCache::AdvanceTo(store::Revision revision) {
  applied_ = std::max(applied_, revision);
  while (!waiting_.empty() && waiting_.begin()->first <= applied_) {
    Task then = std::move(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    then();
  }
}

void WatchCache::Announce(const Bytes& value, std::shared_ptr<google::protobuf::Message> message) {
  announced_[value.get()] = {value, std::move(message), nullptr};
}

ObjectPtr WatchCache::Collect(const Bytes& value) {
  const auto it = announced_.find(value.get());
  if (it == announced_.end()) return nullptr;
  ObjectPtr stored = std::move(it->second.stored);
  announced_.erase(it);
  return stored;
}

// --- waiting -----------------------------------------------------------------------------------

void WatchCache::WhenApplied(store::Revision revision, Task then) {
  if (running_ && revision <= applied_) return then();
  waiting_.emplace(revision, std::move(then));
}

void WatchCache::WhenReadable(std::optional<store::Revision> revision, absl::Duration wait_max,
                              store::DoneCallback then) {
  if (!revision) return WhenFresh(std::move(then));
  if (*revision <= applied_) return then(absl::OkStatus());
  struct Wait {
    store::DoneCallback then;
    TimerId timer = 0;
    std::multimap<store::Revision, Task>::iterator place;
  };
  auto wait = std::make_shared<Wait>();
  wait->then = std::move(then);
  wait->place = waiting_.emplace(*revision, [this, wait] {
    executor_.Cancel(wait->timer);
    if (wait->then) std::exchange(wait->then, nullptr)(absl::OkStatus());
  });
  wait->timer = executor_.PostAfter(
      wait_max, [this, alive = alive_.Watch(), wait, revision = *revision] {
        if (alive.expired() || !wait->then) return;
        waiting_.erase(wait->place);
        std::exchange(wait->then, nullptr)(api::TooLargeResourceVersion(applied_, revision, 1));
      });
}

void WatchCache::WhenFresh(store::DoneCallback then) {
  if (reading_revision_) {
    asking_next_.push_back(std::move(then));
    return;
  }
  asking_.push_back(std::move(then));
  reading_revision_ = true;
  ReadRevision();
}

void WatchCache::ReadRevision() {
  store_.CurrentRevision(Here(&WatchCache::OnRevision));
}

void WatchCache::OnRevision(absl::StatusOr<store::Revision> revision) {
  std::vector<store::DoneCallback> askers = std::exchange(asking_, {});
  reading_revision_ = !asking_next_.empty();
  if (reading_revision_) {
    asking_ = std::exchange(asking_next_, {});
    ReadRevision();
  }
  if (!revision.ok()) {
    for (store::DoneCallback& asker : askers) asker(revision.status());
    return;
  }
  WhenApplied(*revision, [askers = std::move(askers)]() mutable {
    for (store::DoneCallback& asker : askers) asker(absl::OkStatus());
  });
}

}  // namespace berth::apiserver
