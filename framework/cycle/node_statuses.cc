#include "framework/cycle/node_statuses.h"

#include <algorithm>
#include <utility>

namespace berth::framework {
namespace {

constexpr size_t kLookedThrough = 32;

}  // namespace

void NodeStatuses::Set(NodeIndex node, Verdict verdict) {
  lists_ = nullptr;
  if (kind_of_.empty()) kind_of_.resize(snapshot_.nodes().size());
  // Among the first ones: where each node has a verdict of its own, looking for equals is in vain.
  size_t kind = 0;
  const size_t end = std::min(kinds_.size(), kLookedThrough);
  while (kind < end && !(kinds_[kind].ordinal == verdict.ordinal &&
                         kinds_[kind].status.identity() == verdict.status.identity())) {
    ++kind;
  }
  if (kind == end) {
    kind = kinds_.size();
    kinds_.push_back(std::move(verdict));
  }
  kind_of_[static_cast<size_t>(node)] = static_cast<uint32_t>(kind + 1);
}

Status NodeStatuses::Get(std::string_view node_name) const {
  const NodeInfo* node = snapshot_.Find(node_name);
  if (node == nullptr || kind_of_.empty() || IsOutdated()) return absent_;
  const uint32_t kind = kind_of_[static_cast<size_t>(node->index)];
  return kind == 0 ? absent_ : runtime_.Stamped(kinds_[kind - 1u]);
}

std::span<const NodeIndex> NodeStatuses::NodesWith(Code code) const {
  if (IsOutdated()) return {};
  if (!lists_) lists_ = std::make_unique<Lists>();
  auto& list = (*lists_)[static_cast<size_t>(code)];
  if (list) return *list;
  list.emplace();
  std::vector<uint8_t> wanted = {absent_.code() == code};
  for (const Verdict& verdict : kinds_) wanted.push_back(verdict.status.code() == code);
  const size_t count = snapshot_.nodes().size();
  for (size_t i = 0; i < count; ++i) {
    if (wanted[kind_of_.empty() ? 0 : kind_of_[i]] != 0) {
      list->push_back(static_cast<NodeIndex>(i));
    }
  }
  return *list;
}

}  // namespace berth::framework
