// NodeInfo: a node and what runs on it, as integers. The cache owns the living ones; a snapshot
// holds copies that do not change during a cycle.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "api/fwd.h"
#include "api/scheduling/host_ports.h"
#include "api/scheduling/labels.h"
#include "api/scheduling/resources.h"
#include "api/scheduling/tolerations.h"
#include "base/symbol.h"
#include "framework/pod_info.h"

namespace berth::framework {

using NodeIndex = int32_t;  // place in the snapshot's order; -1: not in it

// How many nodes have an image. One count is shared by all of them, so that a node that pulls or
// drops an image touches no other NodeInfo.
class ImageNodeCount {
 public:
  ImageNodeCount(int32_t count = 0)  // NOLINT(google-explicit-constructor): reads as a number
      : count_(std::make_shared<int32_t>(count)) {}
  explicit ImageNodeCount(std::shared_ptr<int32_t> shared) : count_(std::move(shared)) {}
  operator int32_t() const { return *count_; }  // NOLINT(google-explicit-constructor)

 private:
  std::shared_ptr<int32_t> count_;
};

// An image on a node. nodes: how many nodes of the cluster have it (kept by the cache).
struct ImageState {
  int64_t size_bytes = 0;
  ImageNodeCount nodes;
};

// Threads: mutated by the cache's owner only; a snapshot's copies are read from any thread.
class NodeInfo {
 public:
  NodeInfo() = default;
  explicit NodeInfo(std::shared_ptr<const api::core::Node> node) { SetNode(std::move(node)); }

  // Null after the node went while pods of it are still known.
  const api::core::Node* node() const { return facts().node.get(); }
  const std::shared_ptr<const api::core::Node>& shared_node() const { return facts().node; }
  void SetNode(std::shared_ptr<const api::core::Node> node);
  void RemoveNode();

  // Add counts the pod's requests, ports and affinities. Remove swaps the last pod into its slot;
  // false when no pod has that uid ("no corresponding pod <name> in pods of node <node>").
  void AddPod(PodPtr pod);
  bool RemovePod(const PodInfo& pod);
  // A newer PodInfo of a pod that is here; what is counted must be the same. False: not here.
  bool ReplacePod(const PodPtr& pod);
  // Takes over the pods and what they use from a NodeInfo with the same node. same: so many of its
  // first pods are here already, at the same places.
  void CopyPodsFrom(const NodeInfo& other, size_t same = 0);
  // For whoever keeps a copy: how many of the first pods are as they were at MarkCopied.
  size_t unchanged_pods() const { return unchanged_pods_; }
  void MarkCopied() { unchanged_pods_ = pods_.size(); }

  std::string_view name() const { return name_.text(); }
  Symbol name_symbol() const { return name_; }
  const std::vector<PodPtr>& pods() const { return pods_; }
  const std::vector<PodPtr>& pods_with_affinity() const { return pods_with_affinity_; }
  const std::vector<PodPtr>& pods_with_required_anti_affinity() const {
    return pods_with_required_anti_affinity_;
  }
  const api::scheduling::Amounts& requested() const { return requested_.value(); }
  // CPU and memory alone.
  const api::scheduling::Amounts& non_zero_requested() const {
    return non_zero_requested_.value();
  }
  const api::scheduling::Allocatable& allocatable() const { return facts().allocatable; }
  const api::scheduling::UsedHostPorts& used_ports() const { return used_ports_; }
  const api::scheduling::LabelSet& labels() const { return facts().labels; }
  const std::vector<api::scheduling::CompiledTaint>& taints() const { return facts().taints; }
  bool unschedulable() const { return facts().unschedulable; }
  using ImageMap = absl::flat_hash_map<Symbol, ImageState>;
  const ImageMap& images() const;
  ImageMap& mutable_images();  // a copy of its own when shared with another NodeInfo
  void ClearImages() { images_ = nullptr; }

  // Grows with every change anywhere: "newer than" among all NodeInfos of one cache.
  int64_t generation = 0;
  NodeIndex index = -1;

 private:
  // What the Node object says; shared by all copies of this NodeInfo.
  struct Facts {
    std::shared_ptr<const api::core::Node> node;
    api::scheduling::Allocatable allocatable;
    api::scheduling::LabelSet labels;
    std::vector<api::scheduling::CompiledTaint> taints;
    bool unschedulable = false;
  };
  static const Facts& NoFacts();
  const Facts& facts() const { return facts_ ? *facts_ : NoFacts(); }
  void Count(const PodInfo& pod, int sign);

  std::shared_ptr<const Facts> facts_;
  std::shared_ptr<ImageMap> images_;
  Symbol name_;
  std::vector<PodPtr> pods_, pods_with_affinity_, pods_with_required_anti_affinity_;
  size_t unchanged_pods_ = 0;
  api::scheduling::AmountsSum requested_, non_zero_requested_;
  api::scheduling::UsedHostPorts used_ports_;
};

// ":latest" is appended when the name has no tag (plugins.md section 10).
Symbol NormalizedImageName(std::string_view image);

}  // namespace berth::framework
