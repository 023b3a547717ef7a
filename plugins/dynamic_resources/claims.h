// Which claims a pod has, and what is known of them: as the API server last said, or as the plugin
// has decided or written since.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/time/time.h>

#include "api/fwd.h"
#include "base/executor.h"
#include "base/strings.h"
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
  // The claim that has to change first, "namespace/name"; empty: it is for the pod to change.
  std::string waits_for;
};
// Claims that the pod's status says are not needed are left out.
PodClaims ClaimsOf(const api::core::Pod& pod, const FindClaim& find);

// Whether some claim of the pod has the name of that one, which may be another one.
bool NamesClaim(const api::core::Pod& pod, const api::dra::ResourceClaim& claim);

bool IsReservedFor(const api::dra::ResourceClaim& claim, std::string_view pod_uid);
// "namespace/name".
std::string KeyOf(const api::dra::ResourceClaim& claim);
// The uid of the pod whose extended resources the claim stands for; empty: it is none of these.
std::string ExtendedOwner(const api::dra::ResourceClaim& claim);
inline constexpr const char* kExtendedClaimAnnotation =
    "resource.kubernetes.io/extended-resource-claim";

// Pods that are kept out of the active queue until a claim changes. Threads: none.
class ClaimGates {
 public:
  // open: of a pod by its key.
  explicit ClaimGates(std::function<void(std::string_view pod_key)> open)
      : open_(std::move(open)) {}
  void Wait(const std::string& claim_key, const std::string& pod_key);
  // Opens those of the pods that wait for this claim: who still cannot go waits anew.
  void Changed(std::string_view claim_key);
  size_t size() const { return pods_.size(); }

  // Claims may never come and pods may go: with so many waited for, all gates open.
  static constexpr size_t kClaimsMax = 16384;

 private:
  const std::function<void(std::string_view)> open_;
  StringMap<StringSet> pods_;  // by claim
};

// Where a claim is: "namespace/name".
//
//   SetPending   decided in Reserve: its devices are in use ------> DropPending, or
//   Assume       written, as the API server answered -------------> the source shows as much
//   Forget       the claim is deleted
//
// Threads: the engine's executor.
class ClaimStore {
 public:
  // Both outlive it.
  ClaimStore(framework::ObjectSource& objects, Executor& executor)
      : objects_(objects), executor_(executor) {}

  // Counts the devices of all claims from now on, which needs the source's events.
  void Track();

  ClaimPtr Get(std::string_view namespace_name, std::string_view name) const;
  // By its key; null: it is gone.
  ClaimPtr Known(std::string_view key) const;
  FindClaim Finder() const {
    return [this](std::string_view ns, std::string_view name) { return Get(ns, name); };
  }
  // The claim that stands for the extended resources of a pod; null: there is none.
  ClaimPtr ExtendedClaimOf(const api::core::Pod& pod) const;

  // An allocation that is decided and not written yet. The claim has it in its status.
  void SetPending(ClaimPtr claim);
  bool IsPending(std::string_view uid) const { return pending_.contains(uid); }
  // That one: another pod may hold another by now.
  void DropPending(const ClaimPtr& claim);
  // The claim as the API server answered a write: holds until the source knows as much. One that
  // the source has never shown is waited for kUnseenMax.
  void Assume(ClaimPtr claim);
  void Forget(const ClaimPtr& claim);

  // Of all claims, pending ones included.
  const DevicesInUse& InUse() const { return in_use_; }
  DevicesInUse& MutableInUse() { return in_use_; }

  // Called when the source has shown a change of a claim, until `alive` ends.
  void Listen(Lifetime::Watcher alive, std::function<void(const std::string& key)> listener);

  static constexpr absl::Duration kUnseenMax = absl::Seconds(120);

 private:
  struct Assumed {
    ClaimPtr claim;
    bool unseen = false;  // the source has not shown this claim yet
  };
  struct Listener {
    Lifetime::Watcher alive;
    std::function<void(const std::string&)> tell;
  };
  void OnEvent(const framework::ObjectEvent& event);
  // What is known of a claim has changed: its devices are counted anew.
  void Recount(const std::string& key);
  void IndexExtended(const std::string& key, const ClaimPtr& known);

  framework::ObjectSource& objects_;
  Executor& executor_;
  bool tracks_ = false;
  StringMap<ClaimPtr> pending_;   // by uid
  StringMap<Assumed> assumed_;    // by key
  StringMap<ClaimPtr> counted_;   // by key: allocated ones whose devices are in in_use_
  // Claims that stand for extended resources: keys by the pod's uid, and the other way round.
  StringMap<std::string> extended_, extended_owner_;
  DevicesInUse in_use_;
  std::vector<Listener> listeners_;
  Lifetime alive_;
};

}  // namespace berth::plugins::dynamic_resources
