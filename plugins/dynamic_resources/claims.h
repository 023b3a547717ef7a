// Which claims a pod has, and what is known of them: as the API server last said, or as the plugin
// has decided or written since.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/fwd.h"
#include "framework/object_source.h"
#include "plugins/dynamic_resources/devices.h"
#include "plugins/dynamic_resources/requests.h"

namespace berth::plugins::dynamic_resources {

inline constexpr int kMaxReservations = 256;

using FindClaim =
    std::function<ClaimPtr(std::string_view namespace_name, std::string_view name)>;

struct PodClaims {
  std::vector<ClaimPtr> claims;  // in the order of spec.resourceClaims
  std::string problem;           // why they are not all there; empty when they are
};
// Claims that the pod's status says are not needed are left out.
PodClaims ClaimsOf(const api::core::Pod& pod, const FindClaim& find);

bool IsReservedFor(const api::dra::ResourceClaim& claim, std::string_view pod_uid);
// "namespace/name".
std::string KeyOf(const api::dra::ResourceClaim& claim);

// Threads: the engine's executor.
class ClaimStore {
 public:
  explicit ClaimStore(framework::ObjectSource& objects) : objects_(objects) {}

  ClaimPtr Get(std::string_view namespace_name, std::string_view name) const;
  FindClaim Finder() const {
    return [this](std::string_view ns, std::string_view name) { return Get(ns, name); };
  }

  // An allocation that is decided and not written yet. The claim has it in its status.
  void SetPending(ClaimPtr claim);
  bool IsPending(std::string_view uid) const { return pending_.contains(uid); }
  // That one: another pod may hold another by now.
  void DropPending(const ClaimPtr& claim);
  // The claim as the API server answered a write: holds until the source knows as much.
  void Assume(ClaimPtr claim);

  // Of all claims, pending ones included.
  DevicesInUse InUse() const;

 private:
  framework::ObjectSource& objects_;
  std::map<std::string, ClaimPtr, std::less<>> pending_;          // by uid
  mutable std::map<std::string, ClaimPtr, std::less<>> assumed_;  // by key
};

}  // namespace berth::plugins::dynamic_resources
