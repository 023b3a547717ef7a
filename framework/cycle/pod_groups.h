// PodGroups: which pods are in which group. Kept by the event handlers and the cache.
// Source: kube-scheduler backend/cache/podgroupstate.go; framework.md section 9.
#pragma once

#include <cstdint>
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
  // A pod was assumed, or is no longer: it is forgotten, or seen on its node.
  void Assumed(const PodInfo& pod, bool is);
  // In the order of their uids. Cost: all members; the counts cost nothing.
  PodGroupMembers MembersOf(std::string_view namespace_, std::string_view group) const;
  PodGroupCounts Count(std::string_view namespace_, std::string_view group) const;

  // A cycle places a waiting pod of a group, for as long as it lasts.
  void Propose(const PodInfo& pod) { ++GroupOf(pod).proposed; }
  void Withdraw(const PodInfo& pod) { --GroupOf(pod).proposed; }

 private:
  struct Group {
    std::map<std::string, PodObject> pods;  // by uid
    int64_t bound = 0, assumed = 0, proposed = 0;
  };
  Group& GroupOf(const PodInfo& pod);
  const Group* Find(std::string_view namespace_, std::string_view group) const;

  const Cache& cache_;
  StringMap<Group> groups_;  // "namespace/group"
};

}  // namespace berth::framework
