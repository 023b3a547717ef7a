// PodGroups: which pods are in which group. Kept by the event handlers.
// Source: kube-scheduler backend/cache/podgroupstate.go; framework.md section 9.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/strings.h"
#include "framework/cache/cache.h"
#include "framework/pod_group.h"

namespace berth::framework {

// Threads: the engine's executor.
class PodGroups {
 public:
  using PodObject = PodGroupMembers::PodObject;
  explicit PodGroups(const Cache& cache) : cache_(cache) {}

  // One of them may be null. Pods of no group are passed over.
  void Change(const PodObject& old_pod, const PodObject& pod);
  // In the order of their uids.
  PodGroupMembers MembersOf(std::string_view namespace_, std::string_view group) const;

  // A cycle places a waiting pod of a group, for as long as it lasts.
  void Propose(std::string_view uid) { proposed_.emplace(uid); }
  void Withdraw(std::string_view uid);

 private:
  const Cache& cache_;
  StringMap<std::map<std::string, PodObject>> groups_;  // "namespace/group" -> by uid
  StringSet proposed_;
};

}  // namespace berth::framework
