#include "plugins/dynamic_resources/state.h"

#include <algorithm>
#include <utility>

namespace berth::plugins::dynamic_resources {

std::shared_ptr<Plan> MakePlan(const std::vector<ClaimPtr>& claims, Inventory& inventory) {
  auto plan = std::make_shared<Plan>();
  const auto find_class = [&](const std::string& name) { return inventory.classes().Find(name); };
  plan->prepared = Prepare(claims, find_class, inventory.selectors());
  plan->verdicts = inventory.verdicts().For(AskedBy(plan->prepared));
  return plan;
}

NodeNeeds NeedsOn(const framework::NodeInfo& node,
                  const std::vector<std::pair<Symbol, int64_t>>& wanted,
                  const DeviceClasses& classes) {
  NodeNeeds out;
  const auto& offered = node.allocatable().amounts.scalars;
  for (const auto& [resource, amount] : wanted) {
    const auto it = std::find_if(offered.begin(), offered.end(), [&](const auto& entry) {
      return entry.first == resource;
    });
    if (it != offered.end() && it->second > 0) continue;
    ClassPtr device_class = classes.Offering(resource);
    if (device_class != nullptr) {
      out.resources.emplace_back(resource, std::move(device_class));
    } else if (it == offered.end()) {
      out.status = framework::Unresolvable("cannot fit resource");
      return out;
    }
  }
  return out;
}

PodClaim* PodState::ExtendedClaim() {
  return claims.empty() || !claims.back().extended ? nullptr : &claims.back();
}

std::shared_ptr<const Plan> PodState::PlanFor(const api::core::Pod& pod,
                                              const ResourceClasses& resources,
                                              Inventory& inventory) {
  if (resources.empty()) return plan;
  std::vector<uint32_t> key;
  for (const auto& [resource, device_class] : resources) key.push_back(resource.id());
  const absl::MutexLock lock(&mutex_);
  std::shared_ptr<const Plan>& made = plans_[key];
  if (made != nullptr) return made;
  std::vector<ClaimPtr> to_allocate;
  for (const PodClaim& held : claims) {
    if (!held.extended && !held.claim->status().has_allocation()) {
      to_allocate.push_back(held.claim);
    }
  }
  ExtendedRequests asked = ExtendedRequestsOf(pod, resources);
  auto claim = std::make_shared<api::dra::ResourceClaim>(*claims.back().claim);
  for (const auto& request : asked.requests) {
    *claim->mutable_spec()->mutable_devices()->add_requests() = request;
  }
  to_allocate.push_back(std::move(claim));
  const auto plan_here = MakePlan(to_allocate, inventory);
  plan_here->extended = std::move(asked.status);
  return made = plan_here;
}

std::shared_ptr<const AllocationOutcome> PodState::Outcome(std::string_view node_name) {
  const absl::MutexLock lock(&mutex_);
  const auto it = outcomes_.find(node_name);
  return it == outcomes_.end() ? nullptr : it->second;
}

void PodState::Keep(std::string_view node_name, std::shared_ptr<const AllocationOutcome> outcome) {
  const absl::MutexLock lock(&mutex_);
  outcomes_[std::string(node_name)] = std::move(outcome);
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
