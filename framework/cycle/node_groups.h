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
  void Update(const Snapshot& snapshot, std::span<const NodeIndex> changed, bool all,
              std::vector<NodeIndex>& moved);
  NodeGroup Of(NodeIndex node) const { return groups_.Of(node); }
  // Groups are below this.
  size_t end() const { return groups_.end(); }

  // About what is kept, by the number of nodes: plugins do not tell.
  int64_t bytes() const {
    constexpr int64_t kOfNode = 200;  // a list of parts with one or two in it, values, a class
    return static_cast<int64_t>(groups_.nodes()) * (4 + kOfNode * std::ssize(classifiers_));
  }

  // The first plugin (its ordinal) that has none of the group's nodes; kAllAgree.
  static constexpr int kAllAgree = -1;
  int Refuser(NodeGroup group) const;
  bool Feasible(NodeGroup group) const { return Refuser(group) == kAllAgree; }
  // standings: every group with feasible nodes. False: a plugin gave a score out of range.
  bool Score(std::span<GroupStanding> standings) const;

 private:
  struct Classifier {
    std::unique_ptr<NodeClasses> classes;
    int ordinal = 0;
    bool filters = false;
    int64_t weight = 0;  // 0: it does not score
    Tally* filter_calls = nullptr;
    Tally* score_calls = nullptr;
  };
  using Key = absl::InlinedVector<NodeClass, 2>;  // by classifier
  Key KeyOf(NodeIndex node) const;

  bool ok_ = true;
  std::vector<Classifier> classifiers_;
  NodesByKey<Key> groups_;
  std::vector<NodeIndex> moved_;            // scratch
  mutable std::vector<ClassScore> scores_;  // scratch
  mutable std::vector<int32_t> place_;      // scratch
};

}  // namespace berth::framework
