#include "plugins/dynamic_resources/given_back.h"

#include <algorithm>

#include "plugins/dynamic_resources/claims.h"

namespace berth::plugins::dynamic_resources {

using api::dra::ResourceClaim;

void GivenBack::Add(const ResourceClaim& claim, std::string_view pod_uid) {
  Erase(claim, pod_uid);
  by_claim_[KeyOf(claim)].push_back({claim.metadata().uid(), std::string(pod_uid), false});
}

void GivenBack::Answered(const ResourceClaim& claim, std::string_view pod_uid,
                         const ClaimPtr& newest) {
  const std::string key = KeyOf(claim);
  const auto it = by_claim_.find(key);
  if (it == by_claim_.end()) return;
  for (Reservation& held : it->second) held.answered = held.answered || held.Is(claim, pod_uid);
  Seen(key, newest);
}

void GivenBack::Erase(const ResourceClaim& claim, std::string_view pod_uid) {
  const auto it = by_claim_.find(KeyOf(claim));
  if (it == by_claim_.end()) return;
  std::erase_if(it->second, [&](const Reservation& held) { return held.Is(claim, pod_uid); });
  if (it->second.empty()) by_claim_.erase(it);
}

void GivenBack::Seen(std::string_view key, const ClaimPtr& newest) {
  const auto it = by_claim_.find(key);
  if (it == by_claim_.end()) return;
  std::erase_if(it->second, [&](const Reservation& held) {
    const bool shown = newest != nullptr && newest->metadata().uid() == held.claim_uid &&
                       IsReservedFor(*newest, held.pod_uid);
    return held.answered && !shown;
  });
  if (it->second.empty()) by_claim_.erase(it);
}

size_t GivenBack::size() const {
  size_t out = 0;
  for (const auto& [key, held] : by_claim_) out += held.size();
  return out;
}

const GivenBack::Reservation* GivenBack::Find(const ResourceClaim& claim,
                                              std::string_view pod_uid) const {
  const auto it = by_claim_.find(KeyOf(claim));
  if (it == by_claim_.end()) return nullptr;
  const auto found =
      std::find_if(it->second.begin(), it->second.end(),
                   [&](const Reservation& held) { return held.Is(claim, pod_uid); });
  return found == it->second.end() ? nullptr : &*found;
}

}  // namespace berth::plugins::dynamic_resources
