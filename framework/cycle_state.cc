#include "framework/cycle_state.h"

#include <algorithm>

namespace berth::framework {

const StateData* CycleState::Find(const StateKey& key) const {
  for (const auto& [owner, data] : values_) {
    if (owner == &key) return data.get();
  }
  return nullptr;
}

void CycleState::Write(const StateKey& key, std::unique_ptr<StateData> data) {
  for (auto& [owner, held] : values_) {
    if (owner != &key) continue;
    held = std::move(data);
    return;
  }
  values_.emplace_back(&key, std::move(data));
}

void CycleState::Delete(const StateKey& key) {
  values_.erase(std::remove_if(values_.begin(), values_.end(),
                               [&](const auto& entry) { return entry.first == &key; }),
                values_.end());
}

CycleState CycleState::Clone() const {
  CycleState copy;
  for (const auto& [owner, data] : values_) {
    copy.values_.emplace_back(owner, data ? data->Clone() : nullptr);
  }
  copy.skipped_filters = skipped_filters;
  copy.skipped_scores = skipped_scores;
  copy.record_plugin_metrics = record_plugin_metrics;
  copy.pod_group_cycle = pod_group_cycle;
  return copy;
}

}  // namespace berth::framework
