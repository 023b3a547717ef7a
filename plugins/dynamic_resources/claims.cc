#include "plugins/dynamic_resources/claims.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <set>
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

PodClaims ClaimsOf(const api::core::Pod& pod, const FindClaim& find) {
  PodClaims out;
  const std::string& ns = pod.metadata().namespace_();
  for (const auto& entry : pod.spec().resource_claims()) {
    const ClaimName named = NameOf(pod, entry);
    if (!named.problem.empty()) return {{}, named.problem};
    if (named.name.empty()) continue;
    ClaimPtr claim = find(ns, named.name);
    if (claim == nullptr) {
      return {{}, fmt::format("could not find ResourceClaim \"{}/{}\"", ns, named.name)};
    }
    if (claim->metadata().has_deletion_timestamp()) {
      return {{}, fmt::format("resourceclaim \"{}\" is being deleted", named.name)};
    }
    if (named.generated && !IsOwned(*claim, pod)) {
      return {{}, fmt::format(
                      "ResourceClaim {} was not created for Pod {}/{} (Pod is not owner)",
                      KeyOf(*claim), ns, pod.metadata().name())};
    }
    out.claims.push_back(std::move(claim));
  }
  return out;
}

ClaimPtr ClaimStore::Get(std::string_view namespace_name, std::string_view name) const {
  auto held = std::static_pointer_cast<const ResourceClaim>(
      objects_.Get(api::ResourceOf<ResourceClaim>(), namespace_name, name));
  const auto it = assumed_.find(fmt::format("{}/{}", namespace_name, name));
  if (it == assumed_.end()) return held;
  if (held != nullptr && held->metadata().uid() == it->second->metadata().uid() &&
      RevisionOf(*held) < RevisionOf(*it->second)) {
    return it->second;
  }
  assumed_.erase(it);
  return held;
}

void ClaimStore::SetPending(ClaimPtr claim) {
  std::string uid = claim->metadata().uid();
  pending_.insert_or_assign(std::move(uid), std::move(claim));
}

void ClaimStore::DropPending(const ClaimPtr& claim) {
  const auto it = pending_.find(claim->metadata().uid());
  if (it != pending_.end() && it->second == claim) pending_.erase(it);
}

void ClaimStore::Assume(ClaimPtr claim) {
  // Those that the source knows by now, or that are gone, are forgotten here.
  std::vector<ClaimPtr> held;
  for (const auto& [key, assumed] : assumed_) held.push_back(assumed);
  for (const ClaimPtr& one : held) Get(one->metadata().namespace_(), one->metadata().name());
  std::string key = KeyOf(*claim);
  assumed_.insert_or_assign(std::move(key), std::move(claim));
}

DevicesInUse ClaimStore::InUse() const {
  std::vector<std::pair<std::string, std::string>> names;
  objects_.ForEach(api::ResourceOf<ResourceClaim>(), {}, [&](const framework::ObjectPtr& object) {
    const auto& metadata = static_cast<const ResourceClaim&>(*object).metadata();
    names.emplace_back(metadata.namespace_(), metadata.name());
  });
  DevicesInUse out;
  for (const auto& [uid, claim] : pending_) out.Add(claim->status().allocation());
  for (const auto& [ns, name] : names) {
    const ClaimPtr claim = Get(ns, name);
    if (claim == nullptr || IsPending(claim->metadata().uid())) continue;  // counted already
    if (claim->status().has_allocation()) out.Add(claim->status().allocation());
  }
  return out;
}

}  // namespace berth::plugins::dynamic_resources
