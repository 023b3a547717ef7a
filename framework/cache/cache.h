// Cache: every node and every pod that takes room on one, as the scheduler knows them.
//
// A pod's life in it:
//
//             AssumePod                       AddPod
//   (absent) -----------> ASSUMED --------------------------> ADDED --+ UpdatePod
//      ^  ^                  | ^                                | ^   |
//      |  |     ForgetPod    | | on another node: moves there   | +---+
//      |  +------------------+ (AddPod believes the source)     |
//      |                     AddPod                             |
//      |  (absent) ---------------------------------> ADDED     |
//      +--------------------------------------------------------+ RemovePod (also when ASSUMED)
//
// An assumed pod counts like any other. It does not expire: the binding cycle ends in the source
// reporting it (AddPod) or in ForgetPod. A node that is deleted with pods on it stays as a ghost,
// outside snapshots, until they are gone.
// Pods are keyed by uid. Source: kube-scheduler backend/cache/cache.go; framework.md section 4.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/status/status.h>

#include "base/strings.h"
#include "framework/cache/cluster_snapshot.h"
#include "framework/cache/node_tree.h"
#include "framework/node_info.h"
#include "framework/pod_info.h"
#include "framework/plugin.h"

namespace berth::framework {

// Threads: none; lives on the engine's executor. One snapshot is kept up to date by it.
class Cache {
 public:
  // Hears of pods that begin and cease to be assumed. May be unset.
  std::function<void(const PodInfo&, bool is)> on_assumed;
  // Hear of pods that are here no longer, or that are terminating from now on.
  std::vector<std::function<void(const PodInfo&)>> on_ending;

  // pod->node_name: where. Errors: "cannot get cache key for pod with empty UID"; the pod is in
  // the cache.
  absl::Status AssumePod(PodPtr pod);
  // Undoes AssumePod. Errors: not assumed; assumed on another node.
  absl::Status ForgetPod(const PodInfo& pod);
  // The source reports an assigned pod: confirms an assumed one (on whatever node it says).
  absl::Status AddPod(PodPtr pod);
  absl::Status UpdatePod(PodPtr pod);
  absl::Status RemovePod(const PodInfo& pod);

  bool IsAssumed(std::string_view uid) const;
  PodPtr FindPod(std::string_view uid) const;  // null when absent

  // Add and Update are the same: what changed is found by comparing.
  void SetNode(const std::shared_ptr<const api::core::Node>& node);
  bool RemoveNode(std::string_view name);
  // The live NodeInfo; null when unknown or a ghost.
  const NodeInfo* FindNode(std::string_view name) const;
  // Ghosts too.
  const NodeInfo* FindNodeOrGhost(std::string_view name) const;
  std::vector<std::string> NodeNames() const;  // with ghosts, in no order

  // Brings the snapshot up to date: O(changed nodes), or O(nodes) when the set of nodes, a zone
  // or the order changed.
  void UpdateSnapshot(ClusterSnapshot& snapshot);

  // What is kept per node, recounted from the pods, here and in the snapshot (tests; O(pods)).
  absl::Status CheckCounts(ClusterSnapshot& snapshot);

  size_t pod_count() const { return pods_.size(); }  // with the assumed ones
  size_t assumed_count() const { return assumed_count_; }
  size_t node_count() const { return tree_.size(); }

 private:
  struct NodeItem {
    NodeInfo info;
    std::string zone;
    NodeFields dirty = 0;  // changed since the snapshot; 0: not in dirty_
    std::vector<Symbol> image_names;
  };
  struct PodState {
    PodPtr pod;
    bool assumed = false;
  };
  struct Image {
    int64_t size_bytes = 0;
    std::shared_ptr<int32_t> nodes;
  };

  NodeItem& ItemFor(std::string_view node_name);
  void Touch(NodeItem& item, NodeFields fields);
  void Place(const PodPtr& pod);
  void Displace(const PodInfo& pod);
  // Swaps in a newer PodInfo of a pod where it stands; false when it moved or what it takes or
  // shows to others changed.
  bool Renew(PodState& state, const PodPtr& pod);
  void CountAssumed(const PodInfo& pod, bool is);
  void Replace(PodState& state, PodPtr pod);
  void TellEnding(const PodInfo& pod) const {
    for (const auto& listener : on_ending) listener(pod);
  }
  void EraseIfGone(std::string_view node_name);
  void SetImages(NodeItem& item, const api::core::Node& node);
  void DropImages(NodeItem& item);

  StringMap<std::unique_ptr<NodeItem>> nodes_;
  StringMap<PodState> pods_;
  absl::flat_hash_map<Symbol, Image> images_;
  NodeTree tree_;
  std::vector<NodeItem*> dirty_;
  bool structure_changed_ = true;
  bool image_counts_changed_ = false;
  size_t assumed_count_ = 0;
  int64_t generation_ = 0;
};

}  // namespace berth::framework
