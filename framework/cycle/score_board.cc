#include "framework/cycle/score_board.h"

#include <bit>
#include <utility>

#include "base/check.h"

namespace berth::framework {

void ScoreBoard::Reset(size_t node_count) {
  words_ = (node_count + 63) / 64;
  totals_.assign(node_count, 0);
  present_.assign(node_count, 0);
  buckets_.clear();
  spare_.clear();
}

void ScoreBoard::Set(NodeIndex node, int64_t total) {
  const auto at = static_cast<size_t>(node);
  if (present_[at] != 0) {
    if (totals_[at] == total) return;
    Remove(node);
  }
  auto it = buckets_.find(total);
  if (it == buckets_.end()) {
    it = buckets_.try_emplace(total).first;
    if (spare_.empty()) {
      it->second.bits.assign(words_, 0);
    } else {
      it->second.bits = std::move(spare_.back());
      spare_.pop_back();
    }
  }
  it->second.bits[at / 64] |= uint64_t{1} << (at % 64);
  ++it->second.count;
  present_[at] = 1;
  totals_[at] = total;
}

void ScoreBoard::Remove(NodeIndex node) {
  const auto at = static_cast<size_t>(node);
  if (present_[at] == 0) return;
  present_[at] = 0;
  auto it = buckets_.find(totals_[at]);
  BERTH_CHECK(it != buckets_.end());
  it->second.bits[at / 64] &= ~(uint64_t{1} << (at % 64));
  if (--it->second.count > 0) return;
  spare_.push_back(std::move(it->second.bits));
  buckets_.erase(it);
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

NodeIndex ScoreBoard::FirstFrom(NodeIndex start) const {
  const Bits& bits = buckets_.begin()->second.bits;
  const NodeIndex found = NextBit(bits, static_cast<size_t>(start));
  return found >= 0 ? found : NextBit(bits, 0);
}

NodeIndex ScoreBoard::Nth(size_t n) const {
  const Bits& bits = buckets_.begin()->second.bits;
  BERTH_CHECK(n < best_count());
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
  const size_t arrays = buckets_.size() + spare_.size();
  return static_cast<int64_t>(totals_.size() * 9 + arrays * (words_ * 8 + 64));
}

}  // namespace berth::framework
