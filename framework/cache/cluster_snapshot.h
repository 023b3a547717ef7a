// ClusterSnapshot: the Snapshot the cache fills. Only what changed is copied, and every change is
// kept in a log, so that results computed against an older state can be brought up to date by
// looking at the changed nodes alone.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "base/strings.h"
#include "framework/plugin.h"
#include "framework/snapshot.h"

namespace berth::framework {

// A NodeInfo that changed, and in what.
struct NodeChange {
  NodeIndex node = -1;
  NodeFields fields = 0;
};

// Threads: filled by Cache::UpdateSnapshot between cycles; read by anyone during a cycle.
class ClusterSnapshot final : public Snapshot {
 public:
  std::span<const NodeInfo* const> nodes() const override { return order_; }
  const NodeInfo* Find(std::string_view name) const override;
  std::span<const NodeInfo* const> nodes_with_affinity() const override { return affinity_; }
  std::span<const NodeInfo* const> nodes_with_required_anti_affinity() const override {
    return required_anti_affinity_;
  }
  const NodeColumns& columns() const override { return columns_; }
  int64_t generation() const override { return generation_; }
  int64_t structure_generation() const override { return structure_generation_; }
  std::span<const int64_t> versions() const override { return versions_; }

  // Positions in the log grow for ever. ChangesSince(p) holds everything from p on, or nothing is
  // known of p any more (Remembers is false) and every node must be taken as changed.
  int64_t log_end() const { return log_begin_ + static_cast<int64_t>(log_.size()); }
  bool Remembers(int64_t position) const { return position >= log_begin_; }
  std::span<const NodeChange> ChangesSince(int64_t position) const;
  // When any of these fields of any node last changed (a generation()).
  int64_t ChangedGeneration(NodeFields fields) const;

  // What is known of a node's results is not to be trusted, though its NodeInfo is the same.
  // Ignored when it is not in the snapshot.
  void MarkNode(std::string_view name, NodeFields fields);

  // --- for cycles that try several pods: every change is undone before the cache updates again ---
  // pod->node_name: where; it must be there. RemovePod undoes AddPod.
  void AddPod(const PodPtr& pod);
  void RemovePod(const PodInfo& pod);

  // --- for the cache ---
  void SetStructure(std::span<const NodeInfo* const> nodes);  // copies all, in that order
  void CopyNode(const NodeInfo& from, NodeFields fields);     // the node must be there
  void NoteClusterChange(NodeFields fields);                  // such as image counts
  void FinishUpdate();  // after a run of the above: forgets old changes

 private:
  friend struct EngineTestPeer;
  static constexpr int kFieldCount = 6;
  void Changed(NodeIndex node, NodeFields fields);
  NodeInfo& At(std::string_view name);
  // Whether any pod on a node has such terms.
  struct Affinities {
    bool any = false, required_anti = false;
  };
  static Affinities AffinitiesOf(const NodeInfo& node);
  void Relist(const NodeInfo& node, const Affinities& before);
  void PodsChanged(const NodeInfo& node, const Affinities& before);
  void WriteColumns(const NodeInfo& node);
  void PointColumns();
  void ListAffinities();

  absl::flat_hash_map<absl::string_view, std::unique_ptr<NodeInfo>> by_name_;
  std::vector<NodeInfo*> nodes_;
  std::vector<int64_t> versions_;  // the generation of a node's last change
  std::vector<const NodeInfo*> order_, affinity_, required_anti_affinity_;
  std::vector<NodeChange> log_;
  int64_t log_begin_ = 0;
  int64_t generation_ = 0, structure_generation_ = 0;
  std::array<int64_t, kFieldCount> field_generations_{};

  NodeColumns columns_;
  std::vector<int64_t> allocatable_milli_cpu_, allocatable_memory_, allocatable_ephemeral_,
      allocatable_pods_, requested_milli_cpu_, requested_memory_, requested_ephemeral_,
      non_zero_milli_cpu_, non_zero_memory_, pod_count_;
  std::vector<uint8_t> unschedulable_;
  std::vector<int32_t> taint_count_;
};

}  // namespace berth::framework
