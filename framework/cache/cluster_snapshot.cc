#include "framework/cache/cluster_snapshot.h"

#include <algorithm>

#include "base/check.h"

namespace berth::framework {

const NodeInfo* ClusterSnapshot::Find(std::string_view name) const {
  auto it = by_name_.find(ToAbsl(name));
  return it == by_name_.end() ? nullptr : it->second.get();
}

std::span<const NodeChange> ClusterSnapshot::ChangesSince(int64_t position) const {
  BERTH_CHECK(Remembers(position));
  BERTH_CHECK(position <= log_end());
  return std::span(log_).subspan(static_cast<size_t>(position - log_begin_));
}

int64_t ClusterSnapshot::ChangedGeneration(NodeFields fields) const {
  int64_t newest = 0;
  for (int bit = 0; bit < kFieldCount; ++bit) {
    if ((fields & (1u << bit)) == 0) continue;
    newest = std::max(newest, field_generations_[static_cast<size_t>(bit)]);
  }
  return newest;
}

void ClusterSnapshot::SetStructure(std::span<const NodeInfo* const> nodes) {
  NoteClusterChange(kAllNodeFields);
  structure_generation_ = generation_;
  by_name_.clear();
  nodes_.clear();
  order_.clear();
  for (const NodeInfo* from : nodes) {
    auto copy = std::make_unique<NodeInfo>(*from);
    copy->index = static_cast<NodeIndex>(nodes_.size());
    nodes_.push_back(copy.get());
    order_.push_back(copy.get());
    // The symbol's text lives for the process.
    const bool added = by_name_.emplace(ToAbsl(copy->name()), std::move(copy)).second;
    BERTH_CHECK(added);
  }
  versions_.assign(nodes_.size(), generation_);
  log_begin_ = log_end() + 1;  // what was known before means nothing now
  log_.clear();
  const size_t count = nodes_.size();
  for (auto* column :
       {&allocatable_milli_cpu_, &allocatable_memory_, &allocatable_ephemeral_,
        &allocatable_pods_, &requested_milli_cpu_, &requested_memory_, &requested_ephemeral_,
        &non_zero_milli_cpu_, &non_zero_memory_, &pod_count_}) {
    column->resize(count);
  }
  unschedulable_.resize(count);
  taint_count_.resize(count);
  PointColumns();
  for (const NodeInfo* node : nodes_) WriteColumns(*node);
  ListAffinities();
}

void ClusterSnapshot::CopyNode(const NodeInfo& from, NodeFields fields) {
  auto it = by_name_.find(ToAbsl(from.name()));
  BERTH_CHECK(it != by_name_.end());
  NodeInfo& to = *it->second;
  NoteClusterChange(fields);
  const Affinities before = AffinitiesOf(to);
  if (to.shared_node() == from.shared_node() && (fields & kNodeImages) == 0) {
    to.CopyPodsFrom(from, from.unchanged_pods());
  } else {
    const NodeIndex index = to.index;
    to = from;
    to.index = index;
  }
  Relist(to, before);
  WriteColumns(to);
  Changed(to.index, fields);
}

ClusterSnapshot::Affinities ClusterSnapshot::AffinitiesOf(const NodeInfo& node) {
  return {!node.pods_with_affinity().empty(), !node.pods_with_required_anti_affinity().empty()};
}

void ClusterSnapshot::Relist(const NodeInfo& node, const Affinities& before) {
  const Affinities now = AffinitiesOf(node);
  const auto relist = [&](std::vector<const NodeInfo*>& list, bool was, bool is) {
    if (was == is) return;
    const auto it = std::lower_bound(
        list.begin(), list.end(), node.index,
        [](const NodeInfo* listed, NodeIndex index) { return listed->index < index; });
    if (is) {
      list.insert(it, &node);
    } else {
      list.erase(it);
    }
  };
  relist(affinity_, before.any, now.any);
  relist(required_anti_affinity_, before.required_anti, now.required_anti);
}

NodeInfo& ClusterSnapshot::At(std::string_view name) {
  auto it = by_name_.find(ToAbsl(name));
  BERTH_CHECK(it != by_name_.end());
  return *it->second;
}

void ClusterSnapshot::PodsChanged(const NodeInfo& node, const Affinities& before) {
  NoteClusterChange(kNodePods);
  Relist(node, before);
  WriteColumns(node);
  Changed(node.index, kNodePods);
  FinishUpdate();
}

void ClusterSnapshot::AddPod(const PodPtr& pod) {
  NodeInfo& node = At(pod->node_name);
  const Affinities before = AffinitiesOf(node);
  node.AddPod(pod);
  PodsChanged(node, before);
}

void ClusterSnapshot::RemovePod(const PodInfo& pod) {
  NodeInfo& node = At(pod.node_name);
  const Affinities before = AffinitiesOf(node);
  BERTH_CHECK(node.RemovePod(pod));
  PodsChanged(node, before);
}

void ClusterSnapshot::NoteClusterChange(NodeFields fields) {
  ++generation_;
  for (int bit = 0; bit < kFieldCount; ++bit) {
    if ((fields & (1u << bit)) != 0) field_generations_[static_cast<size_t>(bit)] = generation_;
  }
}

void ClusterSnapshot::MarkNode(std::string_view name, NodeFields fields) {
  const NodeInfo* node = Find(name);
  if (node == nullptr) return;
  NoteClusterChange(fields);
  Changed(node->index, fields);
}

void ClusterSnapshot::Changed(NodeIndex node, NodeFields fields) {
  versions_[static_cast<size_t>(node)] = generation_;
  log_.push_back({node, fields});
}

void ClusterSnapshot::ListAffinities() {
  affinity_.clear();
  required_anti_affinity_.clear();
  for (const NodeInfo* node : nodes_) {
    if (!node->pods_with_affinity().empty()) affinity_.push_back(node);
    if (!node->pods_with_required_anti_affinity().empty()) required_anti_affinity_.push_back(node);
  }
}

void ClusterSnapshot::FinishUpdate() {
  // Beyond this many changes, looking at every node is the cheaper way anyway.
  const size_t keep = std::max<size_t>(nodes_.size(), 64);
  if (log_.size() < 4 * keep) return;
  const size_t drop = log_.size() - keep;
  log_.erase(log_.begin(), log_.begin() + static_cast<std::ptrdiff_t>(drop));
  log_begin_ += static_cast<int64_t>(drop);
}

void ClusterSnapshot::PointColumns() {
  columns_ = {
      .node_count = static_cast<int32_t>(nodes_.size()),
      .allocatable_milli_cpu = allocatable_milli_cpu_.data(),
      .allocatable_memory_bytes = allocatable_memory_.data(),
      .allocatable_ephemeral_storage_bytes = allocatable_ephemeral_.data(),
      .allocatable_pods = allocatable_pods_.data(),
      .requested_milli_cpu = requested_milli_cpu_.data(),
      .requested_memory_bytes = requested_memory_.data(),
      .requested_ephemeral_storage_bytes = requested_ephemeral_.data(),
      .non_zero_requested_milli_cpu = non_zero_milli_cpu_.data(),
      .non_zero_requested_memory_bytes = non_zero_memory_.data(),
      .pod_count = pod_count_.data(),
      .unschedulable = unschedulable_.data(),
      .taint_count = taint_count_.data(),
  };
}

void ClusterSnapshot::WriteColumns(const NodeInfo& node) {
  const auto i = static_cast<size_t>(node.index);
  const auto& allocatable = node.allocatable();
  allocatable_milli_cpu_[i] = allocatable.amounts.milli_cpu;
  allocatable_memory_[i] = allocatable.amounts.memory_bytes;
  allocatable_ephemeral_[i] = allocatable.amounts.ephemeral_storage_bytes;
  allocatable_pods_[i] = allocatable.pods;
  requested_milli_cpu_[i] = node.requested().milli_cpu;
  requested_memory_[i] = node.requested().memory_bytes;
  requested_ephemeral_[i] = node.requested().ephemeral_storage_bytes;
  non_zero_milli_cpu_[i] = node.non_zero_requested().milli_cpu;
  non_zero_memory_[i] = node.non_zero_requested().memory_bytes;
  pod_count_[i] = static_cast<int64_t>(node.pods().size());
  unschedulable_[i] = node.unschedulable() ? 1 : 0;
  taint_count_[i] = static_cast<int32_t>(node.taints().size());
}

}  // namespace berth::framework
