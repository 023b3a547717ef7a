// Reservations that a scheduler has given back: what is seen of a claim may still show them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/strings.h"
#include "plugins/dynamic_resources/requests.h"

namespace berth::plugins::dynamic_resources {

// Each is known from Add until the claim is seen without it, or until Erase.
// Threads: the engine's executor.
class GivenBack {
 public:
  // The server is asked to take the pod's reservation off the claim.
  void Add(const api::dra::ResourceClaim& claim, std::string_view pod_uid);
  // It has done so. newest: as the claim is seen; null: it is gone.
  void Answered(const api::dra::ResourceClaim& claim, std::string_view pod_uid,
                const ClaimPtr& newest);
  // The pod has it still, or anew.
  void Erase(const api::dra::ResourceClaim& claim, std::string_view pod_uid);
  // A claim of that key ("namespace/name") was seen; null: it is gone.
  void Seen(std::string_view key, const ClaimPtr& newest);

  bool Has(const api::dra::ResourceClaim& claim, std::string_view pod_uid) const {
    return Find(claim, pod_uid) != nullptr;
  }
  // The server has not answered yet.
  bool IsUnanswered(const api::dra::ResourceClaim& claim, std::string_view pod_uid) const {
    const Reservation* found = Find(claim, pod_uid);
    return found != nullptr && !found->answered;
  }
  size_t size() const;

 private:
  struct Reservation {
    std::string claim_uid, pod_uid;
    bool answered = false;
    bool Is(const api::dra::ResourceClaim& claim, std::string_view pod) const {
      return claim_uid == claim.metadata().uid() && pod_uid == pod;
    }
  };
  const Reservation* Find(const api::dra::ResourceClaim& claim, std::string_view pod_uid) const;

  StringMap<std::vector<Reservation>> by_claim_;  // by the claim's key
};

}  // namespace berth::plugins::dynamic_resources
