#include "plugins/dynamic_resources/state.h"

#include <utility>

namespace berth::plugins::dynamic_resources {

const AllocationOutcome* PodState::AllocationOn(std::string_view node_name) {
  const absl::MutexLock lock(&mutex_);
  const auto it = outcomes_.find(node_name);
  return it == outcomes_.end() ? nullptr : it->second.get();
}

const AllocationOutcome& PodState::AllocationOn(const framework::NodeInfo& node,
                                                const std::function<bool()>& expired) {
  if (const AllocationOutcome* known = AllocationOn(node.name())) return *known;
  auto outcome = std::make_unique<const AllocationOutcome>(allocator->Allocate(node, expired));
  const absl::MutexLock lock(&mutex_);
  return *outcomes_.emplace(std::string(node.name()), std::move(outcome)).first->second;
}

void PodState::MarkUnavailable(size_t claim) {
  const absl::MutexLock lock(&mutex_);
  unavailable_.insert(claim);
}

std::set<size_t> PodState::Unavailable() {
  const absl::MutexLock lock(&mutex_);
  return unavailable_;
}

}  // namespace berth::plugins::dynamic_resources
