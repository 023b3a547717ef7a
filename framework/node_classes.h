// NodeClasses: how a plugin whose answers depend on other nodes (on what else runs in the zone)
// keeps them from one pod of a template to the next. It sorts nodes into classes: all nodes of a
// class get the same verdict and the same score, whatever that is at the moment. A pod that lands
// in a zone then changes what is said of a class, which costs one question, and not what is said
// of a thousand nodes; only nodes that go from one class to another are touched.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "framework/node_info.h"
#include "framework/snapshot.h"

namespace berth::framework {

using NodeClass = int32_t;

// One class that has feasible nodes.
struct ClassScore {
  NodeClass node_class = 0;
  int64_t nodes = 0;  // how many of it are feasible
  int64_t score = 0;  // the answer: as Score and NormalizeScore would have it, 0 to 100
};

// Made for one template (Plugin::Classify). Threads: the engine's executor.
class NodeClasses {
 public:
  virtual ~NodeClasses() = default;

  // Brings the classes to the snapshot. all: every node may be another one; else those in `changed`
  // are, and no others (each once). Appends nodes that have another class now; with `all` it need
  // not.
  virtual void Update(const Snapshot& snapshot, std::span<const NodeIndex> changed, bool all,
                      std::vector<NodeIndex>& moved) = 0;
  virtual NodeClass Of(NodeIndex node) const = 0;

  // As Filter answers, after PreFilter.
  virtual bool Feasible(NodeClass node_class) const = 0;
  // classes: every one that has feasible nodes. Called only for plugins that score.
  virtual void Score(std::span<ClassScore> classes) const = 0;
};

// Numbers for keys that come and go, each with as many members as entered and did not leave.
// Threads: none.
template <typename Key>
class ClassNumbers {
 public:
  NodeClass Enter(Key key) {
    const auto [it, fresh] = numbers_.try_emplace(std::move(key), 0);
    if (fresh) {
      if (free_.empty()) {
        it->second = static_cast<NodeClass>(members_.size());
        members_.push_back(0);
        keys_.emplace_back();
      } else {
        it->second = free_.back();
        free_.pop_back();
      }
      keys_[static_cast<size_t>(it->second)] = it->first;
    }
    ++members_[static_cast<size_t>(it->second)];
    return it->second;
  }
  void Leave(NodeClass number) {
    const auto at = static_cast<size_t>(number);
    if (--members_[at] > 0) return;
    numbers_.erase(keys_[at]);
    keys_[at].clear();
    free_.push_back(number);
  }
  const Key& KeyOf(NodeClass number) const { return keys_[static_cast<size_t>(number)]; }
  // Numbers are below this; some of them may be of nobody.
  size_t end() const { return members_.size(); }
  void Clear() { *this = ClassNumbers(); }

 private:
  absl::flat_hash_map<Key, NodeClass> numbers_;
  std::vector<Key> keys_;
  std::vector<int64_t> members_;
  std::vector<NodeClass> free_;
};

// The nodes of a snapshot in classes: those with equal keys are in one. Threads: none.
template <typename Key>
class NodesByKey {
 public:
  // key_of(index): the key of a node; there are `nodes` of them.
  template <typename KeyOf>
  void Reset(size_t nodes, KeyOf key_of) {
    numbers_.Clear();
    classes_.clear();
    for (size_t i = 0; i < nodes; ++i) {
      classes_.push_back(numbers_.Enter(key_of(static_cast<NodeIndex>(i))));
    }
  }
  // Appends the node to `moved` when the key puts it in another class.
  void Renew(NodeIndex node, Key key, std::vector<NodeIndex>& moved) {
    NodeClass& held = classes_[static_cast<size_t>(node)];
    if (key == numbers_.KeyOf(held)) return;
    const NodeClass left = std::exchange(held, numbers_.Enter(std::move(key)));
    numbers_.Leave(left);
    moved.push_back(node);
  }
  NodeClass Of(NodeIndex node) const { return classes_[static_cast<size_t>(node)]; }
  const Key& KeyOf(NodeClass node_class) const { return numbers_.KeyOf(node_class); }
  size_t nodes() const { return classes_.size(); }
  // Classes are below this.
  size_t end() const { return numbers_.end(); }

 private:
  ClassNumbers<Key> numbers_;
  std::vector<NodeClass> classes_;  // by node
};

}  // namespace berth::framework
