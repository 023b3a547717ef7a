#include "framework/cycle/pod_groups.h"

#include <utility>

#include "api/resource_table.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/scheduling_v1alpha2.pb.h"
#include "framework/object_source.h"

namespace berth::framework {
namespace {

std::string KeyOf(std::string_view namespace_, std::string_view group) {
  return std::string(namespace_).append(1, '/').append(group);
}

bool IsBound(const api::core::Pod& pod) { return !pod.spec().node_name().empty(); }

}  // namespace

std::string_view PodGroupOf(const api::core::Pod& pod) {
  return pod.spec().scheduling_group().pod_group_name();
}

std::shared_ptr<const api::gang::PodGroup> FindPodGroup(const ObjectSource& objects,
                                                        const PodInfo& pod) {
  return std::static_pointer_cast<const api::gang::PodGroup>(objects.Get(
      api::ResourceOf<api::gang::PodGroup>(), pod.namespace_name, PodGroupOf(pod)));
}

PodGroups::Group& PodGroups::GroupOf(const PodInfo& pod) {
  return groups_[KeyOf(pod.namespace_name, PodGroupOf(pod))];
}

const PodGroups::Group* PodGroups::Find(std::string_view namespace_,
                                        std::string_view group) const {
  const auto it = groups_.find(KeyOf(namespace_, group));
  return it == groups_.end() ? nullptr : &it->second;
}

void PodGroups::Change(const PodObject& old_pod, const PodObject& pod) {
  const api::core::Pod& any = pod ? *pod : *old_pod;
  const std::string_view name = PodGroupOf(any);
  if (name.empty()) return;
  const std::string key = KeyOf(any.metadata().namespace_(), name);
  Group& group = groups_[key];
  if (const auto held = group.pods.find(any.metadata().uid()); held != group.pods.end()) {
    group.bound -= IsBound(*held->second);
    group.pods.erase(held);
  }
  if (pod) {
    group.bound += IsBound(*pod);
    group.pods.emplace(pod->metadata().uid(), pod);
  }
  if (group.pods.empty() && group.assumed == 0 && group.proposed == 0) groups_.erase(key);
}

void PodGroups::Assumed(const PodInfo& pod, bool is) {
  if (!PodGroupOf(pod).empty()) GroupOf(pod).assumed += is ? 1 : -1;
}

PodGroupCounts PodGroups::Count(std::string_view namespace_, std::string_view name) const {
  const Group* group = Find(namespace_, name);
  if (group == nullptr) return {};
  return {std::ssize(group->pods), group->bound + group->assumed + group->proposed};
}

PodGroupMembers PodGroups::MembersOf(std::string_view namespace_, std::string_view name) const {
  PodGroupMembers members;
  const Group* group = Find(namespace_, name);
  if (group == nullptr) return members;
  for (const auto& [uid, pod] : group->pods) {
    auto& list = IsBound(*pod) ? members.bound
                 : cache_.IsAssumed(uid) ? members.assumed
                                         : members.waiting;
    list.push_back(pod);
  }
  return members;
}

}  // namespace berth::framework
