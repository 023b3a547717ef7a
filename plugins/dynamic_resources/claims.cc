#include "plugins/dynamic_resources/claims.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <utility>

#include <fmt/core.h>

#include "api/resource_table.h"
#include "api/schema/core_v1_pod.pb.h"

namespace berth::plugins::dynamic_resources {
namespace {

using api::dra::ResourceClaim;

struct ClaimName {
  std::string name;      // empty: none is needed
  bool generated = false;
  std::string problem;
};

ClaimName NameOf(const api::core::Pod& pod, const api::core::PodResourceClaim& entry) {
  const auto pod_key = [&] {
    return fmt::format("{}/{}", pod.metadata().namespace_(), pod.metadata().name());
  };
  if (entry.has_resource_claim_name()) return {entry.resource_claim_name(), false, {}};
  if (!entry.has_resource_claim_template_name()) {
    return {{}, false, fmt::format("pod \"{}\", spec.resourceClaim \"{}\": none of the supported "
                                   "fields are set", pod_key(), entry.name())};
  }
  for (const auto& status : pod.status().resource_claim_statuses()) {
    if (status.name() == entry.name()) return {status.resource_claim_name(), true, {}};
  }
  return {{}, true, fmt::format("pod \"{}\": ResourceClaim not created yet", pod_key())};
}

bool IsOwned(const ResourceClaim& claim, const api::core::Pod& pod) {
  const auto& owners = claim.metadata().owner_references();
  return claim.metadata().namespace_() == pod.metadata().namespace_() &&
         std::any_of(owners.begin(), owners.end(), [&](const auto& owner) {
           return owner.controller() && owner.uid() == pod.metadata().uid();
         });
}

int64_t RevisionOf(const ResourceClaim& claim) {
  int64_t out = 0;
  const std::string& text = claim.metadata().resource_version();
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

}  // namespace

std::string KeyOf(const ResourceClaim& claim) {
  return claim.metadata().namespace_() + "/" + claim.metadata().name();
}

bool IsReservedFor(const ResourceClaim& claim, std::string_view pod_uid) {
  const auto& consumers = claim.status().reserved_for();
  return std::any_of(consumers.begin(), consumers.end(),
                     [&](const auto& consumer) { return consumer.uid() == pod_uid; });
}

bool NamesClaim(const api::core::Pod& pod, const ResourceClaim& claim) {
  const std::string& name = claim.metadata().name();
  if (claim.metadata().namespace_() != pod.metadata().namespace_()) return false;
  const auto& entries = pod.spec().resource_claims();
  const auto& generated = pod.status().resource_claim_statuses();
  return std::any_of(entries.begin(), entries.end(),
                     [&](const auto& entry) { return entry.resource_claim_name() == name; }) ||
         std::any_of(generated.begin(), generated.end(),
                     [&](const auto& status) { return status.resource_claim_name() == name; });
}

PodClaims ClaimsOf(const api::core::Pod& pod, const FindClaim& find) {
  PodClaims out;
  const std::string& ns = pod.metadata().namespace_();
  for (const auto& entry : pod.spec().resource_claims()) {
    const ClaimName named = NameOf(pod, entry);
    if (!named.problem.empty()) return {{}, named.problem, {}};
    if (named.name.empty()) continue;
    ClaimPtr claim = find(ns, named.name);
    const auto waiting = [&](std::string problem) -> PodClaims {
      return {{}, std::move(problem), fmt::format("{}/{}", ns, named.name)};
    };
    if (claim == nullptr) {
      return waiting(fmt::format("could not find ResourceClaim \"{}/{}\"", ns, named.name));
    }
    if (claim->metadata().has_deletion_timestamp()) {
      return waiting(fmt::format("resourceclaim \"{}\" is being deleted", named.name));
    }
    if (named.generated && !IsOwned(*claim, pod)) {
      return waiting(
          fmt::format("ResourceClaim {} was not created for Pod {}/{} (Pod is not owner)",
                      KeyOf(*claim), ns, pod.metadata().name()));
    }
    out.claims.push_back(std::move(claim));
  }
  return out;
}

std::string ExtendedOwner(const ResourceClaim& claim) {
  const auto& annotations = claim.metadata().annotations();
  const auto it = annotations.find(kExtendedClaimAnnotation);
  if (it == annotations.end() || it->second != "true") return {};
  for (const auto& owner : claim.metadata().owner_references()) {
    if (owner.controller()) return owner.uid();
  }
  return {};
}

void ClaimGates::Wait(const std::string& claim_key, const std::string& pod_key) {
  if (pods_.size() >= kClaimsMax && !pods_.contains(claim_key)) {
    for (const auto& [claim, pods] : std::exchange(pods_, {})) {
      for (const std::string& pod : pods) open_(pod);
    }
  }
  pods_[claim_key].insert(pod_key);
}

void ClaimGates::Changed(std::string_view claim_key) {
  const auto it = pods_.find(claim_key);
  if (it == pods_.end()) return;
  const StringSet pods = std::move(it->second);
  pods_.erase(it);
  for (const std::string& pod : pods) open_(pod);
}

void ClaimStore::Track() {
  if (tracks_) return;
  tracks_ = true;
  objects_.Subscribe(api::ResourceOf<ResourceClaim>(),
                     [this, alive = alive_.Watch()](const framework::ObjectEvent& event) {
                       if (!alive.expired()) OnEvent(event);
                     });
}

void ClaimStore::OnEvent(const framework::ObjectEvent& event) {
  const bool gone = event.new_object == nullptr;
  const auto& claim =
      static_cast<const ResourceClaim&>(gone ? *event.old_object : *event.new_object);
  const std::string key = KeyOf(claim);
  const auto it = assumed_.find(key);
  if (it != assumed_.end()) {
    const ResourceClaim& assumed = *it->second.claim;
    const bool same = assumed.metadata().uid() == claim.metadata().uid();
    if (same) it->second.unseen = false;
    const bool newer = !gone && RevisionOf(claim) >= RevisionOf(assumed);
    // Of an older one of that name we hear while the one that was made is still to come.
    if ((same && (gone || newer)) || (!same && !it->second.unseen)) assumed_.erase(it);
  }
  Recount(key);
  std::erase_if(listeners_, [](const Listener& one) { return one.alive.expired(); });
  for (const Listener& listener : listeners_) listener.tell(key);
}

void ClaimStore::Listen(Lifetime::Watcher alive,
                        std::function<void(const std::string& key)> listener) {
  listeners_.push_back({std::move(alive), std::move(listener)});
}

ClaimPtr ClaimStore::Get(std::string_view namespace_name, std::string_view name) const {
  auto held = std::static_pointer_cast<const ResourceClaim>(
      objects_.Get(api::ResourceOf<ResourceClaim>(), namespace_name, name));
  if (assumed_.empty()) return held;
  const auto it = assumed_.find(fmt::format("{}/{}", namespace_name, name));
  if (it == assumed_.end()) return held;
  const auto& [assumed, unseen] = it->second;
  const bool same = held != nullptr && held->metadata().uid() == assumed->metadata().uid();
  if (!same) return unseen ? assumed : held;
  return RevisionOf(*held) < RevisionOf(*assumed) ? assumed : held;
}

ClaimPtr ClaimStore::Known(std::string_view key) const {
  const size_t slash = key.find('/');
  return Get(key.substr(0, slash), key.substr(slash + 1));
}

ClaimPtr ClaimStore::ExtendedClaimOf(const api::core::Pod& pod) const {
  const auto it = extended_.find(pod.metadata().uid());
  if (it == extended_.end()) return nullptr;
  ClaimPtr claim = Known(it->second);
  if (claim == nullptr) return nullptr;
  const auto& owners = claim->metadata().owner_references();
  const bool named = std::any_of(owners.begin(), owners.end(), [&](const auto& owner) {
    return owner.controller() && owner.uid() == pod.metadata().uid() &&
           owner.name() == pod.metadata().name();
  });
  return named ? claim : nullptr;
}

void ClaimStore::IndexExtended(const std::string& key, const ClaimPtr& known) {
  std::string owner = known == nullptr ? std::string() : ExtendedOwner(*known);
  const auto it = extended_owner_.find(key);
  if (it != extended_owner_.end()) {
    if (it->second == owner) return;
    const auto held = extended_.find(it->second);  // may be a newer claim of the same pod
    if (held != extended_.end() && held->second == key) extended_.erase(held);
    extended_owner_.erase(it);
  }
  if (owner.empty()) return;
  extended_[owner] = key;
  extended_owner_[key] = std::move(owner);
}

void ClaimStore::Recount(const std::string& key) {
  const ClaimPtr known = Known(key);
  IndexExtended(key, known);
  // A pending one is counted as it is decided.
  const bool uses = known != nullptr && known->status().has_allocation() &&
                    !pending_.contains(known->metadata().uid());
  const auto it = counted_.find(key);
  if (it != counted_.end()) {
    if (uses && it->second == known) return;
    in_use_.Remove(it->second->status().allocation());
    counted_.erase(it);
  }
  if (!uses) return;
  in_use_.Add(known->status().allocation());
  counted_[key] = known;
}

void ClaimStore::SetPending(ClaimPtr claim) {
  ClaimPtr& held = pending_[claim->metadata().uid()];
  if (held != nullptr) in_use_.Remove(held->status().allocation());
  held = std::move(claim);
  in_use_.Add(held->status().allocation());
  Recount(KeyOf(*held));
}

void ClaimStore::DropPending(const ClaimPtr& claim) {
  const auto it = pending_.find(claim->metadata().uid());
  if (it == pending_.end() || it->second != claim) return;
  in_use_.Remove(claim->status().allocation());
  pending_.erase(it);
  Recount(KeyOf(*claim));
}

void ClaimStore::Assume(ClaimPtr claim) {
  std::string key = KeyOf(*claim);
  const auto held = std::static_pointer_cast<const ResourceClaim>(
      objects_.Get(api::ResourceOf<ResourceClaim>(), claim->metadata().namespace_(),
                   claim->metadata().name()));
  const bool same = held != nullptr && held->metadata().uid() == claim->metadata().uid();
  if (same && RevisionOf(*held) >= RevisionOf(*claim)) {
    assumed_.erase(key);
    return Recount(key);
  }
  const auto before = assumed_.find(key);
  const bool known = same || (before != assumed_.end() && !before->second.unseen);
  assumed_[key] = {claim, !known};
  Recount(key);
  if (known) return;
  executor_.PostAfter(kUnseenMax, [this, alive = alive_.Watch(), key, claim] {
    if (alive.expired()) return;
    const auto it = assumed_.find(key);
    const bool waits = it != assumed_.end() && it->second.unseen &&
                       it->second.claim->metadata().uid() == claim->metadata().uid();
    if (waits) Forget(it->second.claim);
  });
}

void ClaimStore::Forget(const ClaimPtr& claim) {
  const std::string key = KeyOf(*claim);
  const auto it = assumed_.find(key);
  if (it == assumed_.end()) return;
  if (it->second.claim->metadata().uid() != claim->metadata().uid()) return;
  assumed_.erase(it);
  Recount(key);
}

}  // namespace berth::plugins::dynamic_resources
