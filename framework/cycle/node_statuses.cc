#include "framework/cycle/node_statuses.h"

#include <utility>

namespace berth::framework {

void NodeStatuses::Set(NodeIndex node, Verdict verdict) {
  if (verdicts_.empty()) verdicts_.resize(snapshot_.nodes().size());
  verdicts_[static_cast<size_t>(node)] = std::move(verdict);
}

Status NodeStatuses::Get(std::string_view node_name) const {
  const NodeInfo* node = snapshot_.Find(node_name);
  if (node == nullptr || verdicts_.empty()) return absent_;
  const Verdict& verdict = verdicts_[static_cast<size_t>(node->index)];
  return verdict.ok() ? absent_ : runtime_.Stamped(verdict);
}

std::vector<const NodeInfo*> NodeStatuses::NodesWith(Code code) const {
  std::vector<const NodeInfo*> found;
  for (const NodeInfo* node : snapshot_.nodes()) {
    Code held = absent_.code();
    if (!verdicts_.empty() && !verdicts_[static_cast<size_t>(node->index)].ok()) {
      held = verdicts_[static_cast<size_t>(node->index)].status.code();
    }
    if (held == code) found.push_back(node);
  }
  return found;
}

}  // namespace berth::framework
