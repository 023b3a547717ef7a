#include "framework/plugin.h"

namespace berth::framework {

void DefaultNormalize(std::span<NodeScore> scores, bool reverse) {
  int64_t max = 0;
  for (const NodeScore& entry : scores) max = std::max(max, entry.score);
  for (NodeScore& entry : scores) entry.score = NormalizedScore(entry.score, max, reverse);
}

}  // namespace berth::framework
