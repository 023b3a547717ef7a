// NodeGroups: the nodes of a snapshot by what several NodeClasses say of them. All nodes of a group
// are of the same class to each.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <absl/container/inlined_vector.h>

#include "framework/node_classes.h"
#include "framework/profile/runtime.h"

namespace berth::framework {

using NodeGroup = int32_t;

// A group with feasible nodes, at one decision.
struct GroupStanding {
  NodeGroup group = 0;
  int64_t nodes = 0;
  int64_t score = 0;  // of the plugins that sort into classes: weighted sum
};

// Threads: none.
class NodeGroups {
 public:
  // classifiers: plugins (as bits) that classify for the pod. ok() says whether all of them could.
  NodeGroups(const Runtime& runtime, const PodInfo& pod, uint64_t classifiers);
  bool ok() const { return ok_; }

  // As NodeClasses::Update, with groups for classes.
  bool Update(const Snapshot& snapshot, std::span<const NodeIndex> changed, bool all,
              std::vector<NodeIndex>& moved);
  NodeGroup Of(NodeIndex node) const { return groups_[static_cast<size_t>(node)]; }
  // Groups are below this.
  size_t end() const { return numbers_.end(); }

  // About what is kept, by the number of nodes: plugins do not tell.
  int64_t bytes() const {
    constexpr int64_t kOfNode = 200;  // a list of parts with one or two in it, values, a class
    return std::ssize(groups_) * (4 + kOfNode * std::ssize(classifiers_));
  }

  bool Feasible(NodeGroup group) const;
  // standings: every group with feasible nodes. False: a plugin gave a score out of range.
  bool Score(std::span<GroupStanding> standings) const;

 private:
  struct Classifier {
    std::unique_ptr<NodeClasses> classes;
    bool filters = false;
    int64_t weight = 0;  // 0: it does not score
    Tally* filter_calls = nullptr;
    Tally* score_calls = nullptr;
  };
  using Key = absl::InlinedVector<NodeClass, 2>;  // by classifier
  NodeGroup Enter(NodeIndex node);

  bool ok_ = true;
  std::vector<Classifier> classifiers_;
  ClassNumbers<Key> numbers_;
  std::vector<NodeGroup> groups_;  // by node
  mutable std::vector<ClassScore> scores_;  // scratch
  mutable std::vector<int32_t> place_;      // scratch
};

}  // namespace berth::framework
