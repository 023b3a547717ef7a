#include "framework/cache/cache.h"

#include <algorithm>

#include <fmt/core.h>

#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/check.h"

namespace berth::framework {
namespace {

absl::Status EmptyUid() {
  return absl::InvalidArgumentError("cannot get cache key for pod with empty UID");
}

absl::Status Refused(std::string_view text) { return absl::FailedPreconditionError(ToAbsl(text)); }

bool SameImages(const api::core::Node& a, const api::core::Node& b) {
  const auto& left = a.status().images();
  const auto& right = b.status().images();
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](const auto& x, const auto& y) {
                      return x.size_bytes() == y.size_bytes() &&
                             std::equal(x.names().begin(), x.names().end(), y.names().begin(),
                                        y.names().end());
                    });
}

template <typename Map>
bool SameMap(const Map& a, const Map& b) {
  if (a.size() != b.size()) return false;
  return std::all_of(a.begin(), a.end(), [&](const auto& entry) {
    auto it = b.find(entry.first);
    return it != b.end() && it->second == entry.second;
  });
}

// Nothing that a result about the pod's node may depend on differs.
bool SameToOthers(const PodInfo& a, const PodInfo& b) {
  const bool same_traits =
      a.traits() == b.traits() ||
      (a.priority == b.priority && a.requests == b.requests &&
       a.non_zero_requests == b.non_zero_requests && a.host_ports == b.host_ports &&
       a.labels == b.labels && a.has_pod_affinity == b.has_pod_affinity &&
       a.has_required_pod_anti_affinity == b.has_required_pod_anti_affinity);
  return same_traits && a.node_name == b.node_name && a.terminating == b.terminating &&
         SameMap(a.object().metadata().annotations(), b.object().metadata().annotations());
}

}  // namespace

// --- pods --------------------------------------------------------------------------------------

void Cache::CountAssumed(const PodInfo& pod, bool is) {
  if (is) {
    ++assumed_count_;
  } else {
    --assumed_count_;
  }
  if (on_assumed) on_assumed(pod, is);
}

absl::Status Cache::AssumePod(PodPtr pod) {
  if (pod->uid.empty()) return EmptyUid();
  auto [it, added] = pods_.try_emplace(pod->uid);
  if (!added) {
    return Refused(fmt::format("pod {}({}) is in the cache, so can't be assumed", pod->uid,
                               pod->key));
  }
  it->second.assumed = true;
  CountAssumed(*pod, true);
  Place(pod);
  it->second.pod = std::move(pod);
  return absl::OkStatus();
}

absl::Status Cache::ForgetPod(const PodInfo& pod) {
  auto it = pods_.find(pod.uid);
  if (it == pods_.end() || !it->second.assumed) {
    return Refused(fmt::format("pod {}({}) wasn't assumed so cannot be forgotten", pod.uid,
                               pod.key));
  }
  const PodPtr held = it->second.pod;
  if (held->node_name != pod.node_name) {
    return Refused(fmt::format("pod {}({}) was assumed on {} but assigned to {}", pod.uid, pod.key,
                               pod.node_name, held->node_name));
  }
  pods_.erase(it);
  CountAssumed(*held, false);
  Displace(*held);
  TellEnding(*held);
  return absl::OkStatus();
}

absl::Status Cache::AddPod(PodPtr pod) {
  if (pod->uid.empty()) return EmptyUid();
  auto [it, added] = pods_.try_emplace(pod->uid);
  PodState& state = it->second;
  if (!added && !state.assumed) {
    return Refused(fmt::format("pod {}({}) was already in added state", pod->uid, pod->key));
  }
  if (!added) {
    state.assumed = false;
    CountAssumed(*state.pod, false);
    Replace(state, std::move(pod));
    return absl::OkStatus();
  }
  Place(pod);
  state.pod = std::move(pod);
  return absl::OkStatus();
}

absl::Status Cache::UpdatePod(PodPtr pod) {
  auto it = pods_.find(pod->uid);
  if (it == pods_.end() || it->second.assumed) {
    return Refused(fmt::format("pod {}({}) is not added to scheduler cache, so cannot be updated",
                               pod->uid, pod->key));
  }
  Replace(it->second, std::move(pod));
  return absl::OkStatus();
}

absl::Status Cache::RemovePod(const PodInfo& pod) {
  auto it = pods_.find(pod.uid);
  if (it == pods_.end()) {
    return Refused(fmt::format(
        "pod {}({}) is not found in scheduler cache, so cannot be removed from it", pod.uid,
        pod.key));
  }
  const PodState held = it->second;
  pods_.erase(it);
  if (held.assumed) CountAssumed(*held.pod, false);
  Displace(*held.pod);
  TellEnding(*held.pod);
  return absl::OkStatus();
}

bool Cache::IsAssumed(std::string_view uid) const {
  auto it = pods_.find(uid);
  return it != pods_.end() && it->second.assumed;
}

PodPtr Cache::FindPod(std::string_view uid) const {
  auto it = pods_.find(uid);
  return it == pods_.end() ? nullptr : it->second.pod;
}

bool Cache::Renew(PodState& state, const PodPtr& pod) {
  if (!SameToOthers(*state.pod, *pod)) return false;
  NodeItem& item = ItemFor(pod->node_name);
  const bool replaced = item.info.ReplacePod(pod);
  BERTH_CHECK(replaced);
  Touch(item, kNodeOther);  // the copy is renewed; results stay true
  state.pod = pod;
  return true;
}

void Cache::Replace(PodState& state, PodPtr pod) {
  const bool ends = pod->terminating && !state.pod->terminating;
  if (!Renew(state, pod)) {
    Displace(*state.pod);
    Place(pod);
    state.pod = std::move(pod);
  }
  if (ends) TellEnding(*state.pod);
}

void Cache::Place(const PodPtr& pod) {
  NodeItem& item = ItemFor(pod->node_name);
  item.info.AddPod(pod);
  Touch(item, kNodePods);
}

void Cache::Displace(const PodInfo& pod) {
  NodeItem& item = ItemFor(pod.node_name);
  const bool removed = item.info.RemovePod(pod);
  BERTH_CHECK(removed);
  Touch(item, kNodePods);
  EraseIfGone(pod.node_name);
}

// --- nodes -------------------------------------------------------------------------------------

Cache::NodeItem& Cache::ItemFor(std::string_view node_name) {
  auto it = nodes_.find(node_name);
  if (it == nodes_.end()) {
    it = nodes_.emplace(std::string(node_name), std::make_unique<NodeItem>()).first;
  }
  return *it->second;
}

void Cache::Touch(NodeItem& item, NodeFields fields) {
  item.info.generation = ++generation_;
  if (item.info.node() == nullptr) return;  // ghosts are in no snapshot
  if (item.dirty == 0) dirty_.push_back(&item);
  item.dirty |= fields;
}

void Cache::EraseIfGone(std::string_view node_name) {
  auto it = nodes_.find(node_name);
  if (it == nodes_.end()) return;
  if (it->second->info.node() != nullptr || !it->second->info.pods().empty()) return;
  nodes_.erase(it);
}

void Cache::SetNode(const std::shared_ptr<const api::core::Node>& node) {
  NodeItem& item = ItemFor(node->metadata().name());
  const std::string zone = ZoneKey(*node);
  if (item.info.node() == nullptr) {
    item.info.SetNode(node);
    SetImages(item, *node);
    item.zone = zone;
    tree_.Add(item.info.name_symbol(), zone);
    structure_changed_ = true;
    Touch(item, kAllNodeFields);
    return;
  }
  const NodeInfo before = item.info;  // shares what it can
  item.info.SetNode(node);
  NodeFields changed = kNodeOther;
  if (before.labels() != item.info.labels()) changed |= kNodeLabels;
  if (before.taints() != item.info.taints() ||
      before.unschedulable() != item.info.unschedulable()) {
    changed |= kNodeTaints;
  }
  if (before.allocatable().amounts != item.info.allocatable().amounts ||
      before.allocatable().pods != item.info.allocatable().pods) {
    changed |= kNodeAllocatable;
  }
  if (!SameImages(*before.node(), *node)) {
    DropImages(item);
    SetImages(item, *node);
    changed |= kNodeImages;
  }
  if (zone != item.zone) {
    tree_.Remove(item.info.name_symbol(), item.zone);
    tree_.Add(item.info.name_symbol(), zone);
    item.zone = zone;
    structure_changed_ = true;
  }
  Touch(item, changed);
}

bool Cache::RemoveNode(std::string_view name) {
  auto it = nodes_.find(name);
  if (it == nodes_.end() || it->second->info.node() == nullptr) return false;
  NodeItem& item = *it->second;
  tree_.Remove(item.info.name_symbol(), item.zone);
  DropImages(item);
  if (item.dirty != 0) std::erase(dirty_, &item);
  item.dirty = 0;
  item.info.RemoveNode();
  item.info.generation = ++generation_;
  structure_changed_ = true;
  EraseIfGone(name);
  return true;
}

const NodeInfo* Cache::FindNode(std::string_view name) const {
  auto it = nodes_.find(name);
  if (it == nodes_.end() || it->second->info.node() == nullptr) return nullptr;
  return &it->second->info;
}

const NodeInfo* Cache::FindNodeOrGhost(std::string_view name) const {
  auto it = nodes_.find(name);
  return it == nodes_.end() ? nullptr : &it->second->info;
}

std::vector<std::string> Cache::NodeNames() const {
  std::vector<std::string> names;
  names.reserve(nodes_.size());
  for (const auto& [name, item] : nodes_) names.push_back(name);
  return names;
}

void Cache::SetImages(NodeItem& item, const api::core::Node& node) {
  for (const auto& image : node.status().images()) {
    for (const std::string& text : image.names()) {
      const Symbol name = Symbol::Intern(text);
      if (item.info.images().contains(name)) continue;  // listed twice
      auto [it, first] = images_.try_emplace(name);
      if (first) {
        it->second.size_bytes = image.size_bytes();
        it->second.nodes = std::make_shared<int32_t>(0);
      }
      ++*it->second.nodes;
      image_counts_changed_ = true;
      item.info.mutable_images().emplace(
          name, ImageState{it->second.size_bytes, ImageNodeCount(it->second.nodes)});
      item.image_names.push_back(name);
    }
  }
}

void Cache::DropImages(NodeItem& item) {
  for (Symbol name : item.image_names) {
    auto it = images_.find(name);
    BERTH_CHECK(it != images_.end());
    image_counts_changed_ = true;
    if (--*it->second.nodes == 0) images_.erase(it);
  }
  item.image_names.clear();
  item.info.ClearImages();
}

void Cache::UpdateSnapshot(ClusterSnapshot& snapshot) {
  if (structure_changed_) {
    std::vector<const NodeInfo*> order;
    order.reserve(tree_.size());
    for (Symbol name : tree_.List()) {
      NodeInfo& info = ItemFor(name.text()).info;
      info.MarkCopied();
      order.push_back(&info);
    }
    snapshot.SetStructure(order);
    structure_changed_ = false;
    for (NodeItem* item : dirty_) item->dirty = 0;
  } else {
    if (image_counts_changed_) snapshot.NoteClusterChange(kNodeImages);
    for (NodeItem* item : dirty_) {
      snapshot.CopyNode(item->info, item->dirty);
      item->info.MarkCopied();
      item->dirty = 0;
    }
  }
  image_counts_changed_ = false;
  dirty_.clear();
  snapshot.FinishUpdate();
}

// --- checks ------------------------------------------------------------------------------------

absl::Status Cache::CheckCounts(ClusterSnapshot& snapshot) {
  UpdateSnapshot(snapshot);
  size_t on_nodes = 0;
  const auto wrong = [](std::string_view text) { return absl::InternalError(ToAbsl(text)); };
  for (const auto& [name, item] : nodes_) {
    api::scheduling::AmountsSum requested;
    for (const PodPtr& pod : item->info.pods()) {
      requested.Add(pod->requests);
      const auto it = pods_.find(pod->uid);
      if (it == pods_.end() || it->second.pod != pod) {
        return wrong(fmt::format("{} holds a stray pod {}", name, pod->key));
      }
    }
    on_nodes += item->info.pods().size();
    const auto& counted = item->info.requested();
    if (!api::scheduling::SameAmounts(counted, requested.value())) {
      return wrong(fmt::format("{} counts cpu {} memory {}, its pods ask for {} and {}", name,
                               counted.milli_cpu, counted.memory_bytes,
                               requested.value().milli_cpu, requested.value().memory_bytes));
    }
    if (item->info.node() == nullptr) continue;
    const NodeInfo* copy = snapshot.Find(name);
    if (copy == nullptr || copy->pods() != item->info.pods() || copy->requested() != counted ||
        copy->shared_node() != item->info.shared_node()) {
      return wrong(fmt::format("the snapshot differs about {}", name));
    }
  }
  if (on_nodes == pods_.size()) return absl::OkStatus();
  return wrong(fmt::format("{} pods on nodes, but {} in the cache", on_nodes, pods_.size()));
}

}  // namespace berth::framework
