#include "framework/queue/nominator.h"

#include <algorithm>

namespace berth::framework {

void Nominator::Add(const PodPtr& pod, const NominatingInfo* info) {
  Delete(pod->uid);
  std::string node = pod->nominated_node_name;
  const bool overrides = info != nullptr && info->mode == NominatingInfo::Mode::kOverride;
  if (overrides) node = info->node_name;
  if (node.empty()) return;
  if (!still_waiting_(*pod)) return;
  std::vector<PodPtr>& pods = by_node_[node];
  pods.push_back(pod);
  by_symbol_[Symbol::Intern(node)] = &pods;
  if (changed_) changed_(node);
  node_of_.insert_or_assign(pod->uid, std::move(node));
}

void Nominator::Delete(std::string_view uid) {
  auto it = node_of_.find(uid);
  if (it == node_of_.end()) return;
  auto pods = by_node_.find(it->second);
  std::erase_if(pods->second, [&](const PodPtr& pod) { return pod->uid == uid; });
  if (changed_) changed_(pods->first);
  if (pods->second.empty()) {
    by_symbol_.erase(Symbol::Intern(pods->first));
    by_node_.erase(pods);
  }
  node_of_.erase(it);
}

void Nominator::Update(const PodInfo* old_pod, const PodPtr& new_pod) {
  NominatingInfo keep;
  const bool neither = new_pod->nominated_node_name.empty() &&
                       (old_pod == nullptr || old_pod->nominated_node_name.empty());
  if (auto it = node_of_.find(new_pod->uid); neither && it != node_of_.end()) {
    keep = {NominatingInfo::Mode::kOverride, it->second};
  }
  Delete(new_pod->uid);
  Add(new_pod, &keep);
}

std::vector<PodPtr> Nominator::PodsOn(std::string_view node_name) const {
  auto it = by_node_.find(node_name);
  return it == by_node_.end() ? std::vector<PodPtr>() : it->second;
}

}  // namespace berth::framework
