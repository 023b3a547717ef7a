// TieBreaker: which of the best nodes gets the pod.
//
// Round robin keeps a cursor, one per profile: the first tied node at or after it, in snapshot
// order and cyclic, is chosen, and the cursor moves to the node after that. It is kept by node
// name, so it survives nodes that come and go; when its own node goes, the place it had counts.
#pragma once

#include <cstdint>
#include <span>

#include "base/random.h"
#include "base/symbol.h"
#include "framework/cycle/engine_options.h"
#include "framework/snapshot.h"

namespace berth::framework {

// Threads: none.
class TieBreaker {
 public:
  TieBreaker(TieBreak mode, Random& random) : mode_(mode), random_(random) {}
  TieBreak mode() const { return mode_; }

  // tied: ascending, not empty. Moves the cursor.
  NodeIndex Choose(std::span<const NodeIndex> tied, const Snapshot& snapshot);

  // The same in steps, for who keeps the tied nodes in a form of his own: the place to look from
  // (0 but for round robin), which of `count` for kRandom, and the word that it was chosen.
  NodeIndex Start(const Snapshot& snapshot);
  size_t Draw(size_t count) { return static_cast<size_t>(random_.Below(count)); }
  void Chosen(NodeIndex node, const Snapshot& snapshot);

 private:
  const TieBreak mode_;
  Random& random_;
  Symbol cursor_;
  NodeIndex cursor_index_ = 0;
  int64_t structure_ = -1;  // for which cursor_index_ holds
};

}  // namespace berth::framework
