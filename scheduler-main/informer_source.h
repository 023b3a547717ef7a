// The engine's view of a live API server: one informer for each resource it asks for.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

#include <absl/container/flat_hash_map.h>

#include "client/informer.h"
#include "framework/object_source.h"

namespace berth::scheduler {

// Threads: the client's executor only, construction and destruction included; SyncedNow from any.
class InformerSource final : public framework::ObjectSource {
 public:
  // client must outlive the source. seed: of the informers' jitter.
  InformerSource(client::ApiClient& client, uint64_t seed) : client_(client), seed_(seed) {}

  // Pods that have ended are not asked for: they take no room, and there may be many. Of a resource
  // that the server does not have there is nothing; pods and nodes it must have.
  void Subscribe(const api::Resource& resource, framework::ObjectHandler handler) override;
  bool Synced() const override;
  framework::ObjectPtr Get(const api::Resource& resource, std::string_view namespace_,
                           std::string_view name) const override;
  void ForEach(const api::Resource& resource, std::string_view namespace_,
               const std::function<void(const framework::ObjectPtr&)>& visit) const override;
  int64_t Revision(const api::Resource& resource) const override;

  // As of the last list that arrived; for health checks.
  bool SyncedNow() const { return synced_now_.load(std::memory_order_acquire); }

 private:
  const client::Informer* Find(const api::Resource& resource) const;

  client::ApiClient& client_;
  const uint64_t seed_;
  absl::flat_hash_map<const api::Resource*, std::unique_ptr<client::Informer>> informers_;
  std::atomic<bool> synced_now_{false};
};

}  // namespace berth::scheduler
