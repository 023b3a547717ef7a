#include "framework/plugin.h"

#include <algorithm>

#include "framework/node_classes.h"

namespace berth::framework {

std::unique_ptr<NodeClasses> Plugin::Classify(const PodInfo&) const { return nullptr; }

void DefaultNormalize(std::span<NodeScore> scores, bool reverse) {
  int64_t max = 0;
  for (const NodeScore& entry : scores) max = std::max(max, entry.score);
  for (NodeScore& entry : scores) entry.score = NormalizedScore(entry.score, max, reverse);
}

}  // namespace berth::framework
