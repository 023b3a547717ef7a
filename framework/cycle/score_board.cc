#include "framework/cycle/score_board.h"

#include <bit>
#include <utility>

#include "base/check.h"

namespace berth::framework {

void ScoreBoard::Reset(size_t node_count) {
  words_ = (node_count + 63) / 64;
  totals_.assign(node_count, 0);
  present_.assign(node_count, 0);
  group_of_.resize(node_count, 0);
  groups_.clear();
  buckets_ = 0;
  spare_.clear();
}

void ScoreBoard::Set(NodeIndex node, int64_t total) {
  const auto at = static_cast<size_t>(node);
  if (present_[at] != 0) {
    if (totals_[at] == total) return;
    Remove(node);
  }
  const auto group = static_cast<size_t>(group_of_[at]);
  if (groups_.size() <= group) groups_.resize(group + 1);
  Members& members = groups_[group];
  auto it = members.buckets.find(total);
  if (it == members.buckets.end()) {
    ++buckets_;
    it = members.buckets.try_emplace(total).first;
    if (spare_.empty()) {
      it->second.bits.assign(words_, 0);
    } else {
      it->second.bits = std::move(spare_.back());
      spare_.pop_back();
    }
  }
  it->second.bits[at / 64] |= uint64_t{1} << (at % 64);
  ++it->second.count;
  ++members.count;
  present_[at] = 1;
  totals_[at] = total;
}

void ScoreBoard::Remove(NodeIndex node) {
  const auto at = static_cast<size_t>(node);
  if (present_[at] == 0) return;
  present_[at] = 0;
  Members& members = groups_[static_cast<size_t>(group_of_[at])];
  --members.count;
  auto it = members.buckets.find(totals_[at]);
  BERTH_CHECK(it != members.buckets.end());
  it->second.bits[at / 64] &= ~(uint64_t{1} << (at % 64));
  if (--it->second.count > 0) return;
  spare_.push_back(std::move(it->second.bits));
  members.buckets.erase(it);
  --buckets_;
}

void ScoreBoard::SetGroup(NodeIndex node, Group group) {
  const auto at = static_cast<size_t>(node);
  if (group_of_.size() <= at) group_of_.resize(at + 1, 0);  // before the first Reset
  if (group_of_[at] == group) return;
  const bool present = at < present_.size() && present_[at] != 0;
  if (present) Remove(node);
  group_of_[at] = group;
  if (present) Set(node, totals_[at]);
}

NodeIndex ScoreBoard::NextBit(const Bits& bits, size_t from) {
  size_t word = from / 64;
  if (word >= bits.size()) return -1;
  uint64_t rest = bits[word] & (~uint64_t{0} << (from % 64));
  while (rest == 0) {
    if (++word == bits.size()) return -1;
    rest = bits[word];
  }
  return static_cast<NodeIndex>(word * 64 + static_cast<size_t>(std::countr_zero(rest)));
}

NodeIndex ScoreBoard::FirstFrom(NodeIndex start, Group group) const {
  const Bits& bits = At(group).buckets.begin()->second.bits;
  const NodeIndex found = NextBit(bits, static_cast<size_t>(start));
  return found >= 0 ? found : NextBit(bits, 0);
}

NodeIndex ScoreBoard::Nth(size_t n, Group group) const {
  const Bits& bits = At(group).buckets.begin()->second.bits;
  BERTH_CHECK(n < best_count(group));
  for (size_t word = 0;; ++word) {
    const auto here = static_cast<size_t>(std::popcount(bits[word]));
    if (n >= here) {
      n -= here;
      continue;
    }
    uint64_t rest = bits[word];
    for (; n > 0; --n) rest &= rest - 1;
    return static_cast<NodeIndex>(word * 64 + static_cast<size_t>(std::countr_zero(rest)));
  }
}

int64_t ScoreBoard::bytes() const {
  const size_t arrays = buckets_ + spare_.size();
  return static_cast<int64_t>(totals_.size() * 13 + groups_.size() * sizeof(Members) +
                              arrays * (words_ * 8 + 64));
}

}  // namespace berth::framework
