#include "framework/cycle/tie_breaker.h"

#include <algorithm>

#include "base/check.h"

namespace berth::framework {

NodeIndex TieBreaker::Start(const Snapshot& snapshot) {
  if (mode_ != TieBreak::kRoundRobin) return 0;
  if (structure_ == snapshot.structure_generation()) return cursor_index_;
  structure_ = snapshot.structure_generation();
  const auto count = static_cast<NodeIndex>(snapshot.nodes().size());
  const NodeInfo* node = cursor_.empty() ? nullptr : snapshot.Find(cursor_.text());
  if (node != nullptr) {
    cursor_index_ = node->index;
  } else if (cursor_index_ >= count) {
    cursor_index_ = 0;
  }
  return cursor_index_;
}

void TieBreaker::Chosen(NodeIndex node, const Snapshot& snapshot) {
  if (mode_ != TieBreak::kRoundRobin) return;
  const auto nodes = snapshot.nodes();
  const auto next = static_cast<size_t>(node + 1) % nodes.size();
  cursor_index_ = static_cast<NodeIndex>(next);
  cursor_ = nodes[next]->name_symbol();
  structure_ = snapshot.structure_generation();
}

NodeIndex TieBreaker::Choose(std::span<const NodeIndex> tied, const Snapshot& snapshot) {
  BERTH_CHECK(!tied.empty());
  NodeIndex chosen = tied.front();
  if (mode_ == TieBreak::kRandom) {
    chosen = tied[Draw(tied.size())];
  } else if (mode_ == TieBreak::kRoundRobin) {
    auto it = std::lower_bound(tied.begin(), tied.end(), Start(snapshot));
    if (it != tied.end()) chosen = *it;
  }
  Chosen(chosen, snapshot);
  return chosen;
}

}  // namespace berth::framework
