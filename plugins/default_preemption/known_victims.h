// Who would have to go from which node, kept for as long as it stays true: in a storm of equal pods
// each looks only at the nodes that changed since the last one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <span>
#include <string>
#include <vector>

#include "framework/handle.h"
#include "framework/snapshot.h"
#include "plugins/default_preemption/victims.h"

namespace berth::plugins::default_preemption {

// Threads: the engine's executor.
class KnownVictims {
 public:
  // What is known of a node: nothing; that victims help, or help but violate budgets; that they do
  // not; that it could not be found out.
  enum class Answer : uint8_t { kUnknown, kHelps, kViolates, kRejects, kError };

  // What is known of pods of this scope, until the next call; nothing, where its signature is
  // empty.
  void Begin(const framework::Snapshot& snapshot, const framework::NodeScope& scope);
  // kUnknown also when the node has changed since.
  Answer Find(framework::NodeIndex node) const {
    if (node == own_node_) return own_.answer;
    const auto at = static_cast<size_t>(node);
    return now_->versions[at] == versions_[at] ? now_->answers[at] : Answer::kUnknown;
  }
  Answer Keep(framework::NodeIndex node, Victims victims);
  // Of nodes that are known. Valid until the next Keep or Begin.
  const Victims& VictimsOn(framework::NodeIndex node) const {
    return node == own_node_ ? own_.victims : now_->victims[static_cast<size_t>(node)];
  }
  const Cost& CostOn(framework::NodeIndex node) const {  // when there are victims
    return node == own_node_ ? own_.cost : now_->costs[static_cast<size_t>(node)];
  }

  // That nobody's going helps on any of these nodes, and what is said then. Null: not known of the
  // snapshot as it is.
  const std::string* Hopeless(std::span<const framework::NodeIndex> nodes) const;
  void KeepHopeless(std::span<const framework::NodeIndex> nodes, std::string said);

 private:
  static constexpr size_t kSignaturesMax = 8;
  static constexpr size_t kStatusesMax = 32;
  // By node; what a search runs over lies together.
  struct OfSignature {
    std::string signature;
    int64_t structure = -1;
    std::vector<int64_t> versions;  // when it was found out; -1: it was not
    std::vector<Answer> answers;
    std::vector<Cost> costs;
    std::vector<Victims> victims;
    std::vector<framework::Status> statuses;  // some of theirs; equal ones are one
    int64_t hopeless_generation = -1;  // of the snapshot; -1: not known
    std::vector<framework::NodeIndex> hopeless_nodes;
    std::string hopeless_said;
  };
  std::list<OfSignature> known_;  // most recently used first
  OfSignature* now_ = nullptr;    // since Begin
  const framework::Snapshot* snapshot_ = nullptr;
  std::span<const int64_t> versions_;   // its nodes'
  framework::NodeIndex own_node_ = -1;  // not like for its equals
  struct Own {
    Answer answer = Answer::kUnknown;
    Cost cost;
    Victims victims;
  } own_;
};

}  // namespace berth::plugins::default_preemption
