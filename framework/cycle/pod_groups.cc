#include "framework/cycle/pod_groups.h"

#include "api/schema/core_v1_pod.pb.h"

namespace berth::framework {
namespace {

std::string KeyOf(std::string_view namespace_, std::string_view group) {
  return std::string(namespace_).append(1, '/').append(group);
}

}  // namespace

std::string_view PodGroupOf(const api::core::Pod& pod) {
  return pod.spec().scheduling_group().pod_group_name();
}

void PodGroups::Change(const PodObject& old_pod, const PodObject& pod) {
  const api::core::Pod& any = pod ? *pod : *old_pod;
  const std::string_view group = PodGroupOf(any);
  if (group.empty()) return;
  const std::string key = KeyOf(any.metadata().namespace_(), group);
  if (pod) {
    groups_[key][pod->metadata().uid()] = pod;
    return;
  }
  const auto it = groups_.find(key);
  if (it == groups_.end()) return;
  it->second.erase(old_pod->metadata().uid());
  if (it->second.empty()) groups_.erase(it);
}

PodGroupMembers PodGroups::MembersOf(std::string_view namespace_, std::string_view group) const {
  PodGroupMembers members;
  const auto it = groups_.find(KeyOf(namespace_, group));
  if (it == groups_.end()) return members;
  for (const auto& [uid, pod] : it->second) {
    if (!pod->spec().node_name().empty()) {
      members.bound.push_back(pod);
    } else if (cache_.IsAssumed(uid)) {
      members.assumed.push_back(pod);
    } else {
      members.waiting.push_back(pod);
      if (proposed_.contains(uid)) ++members.proposed;
    }
  }
  return members;
}

void PodGroups::Withdraw(std::string_view uid) {
  const auto it = proposed_.find(uid);
  if (it != proposed_.end()) proposed_.erase(it);
}

}  // namespace berth::framework
