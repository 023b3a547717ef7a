#include "plugins/dynamic_resources/search.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/core.h>

#include "plugins/dynamic_resources/allocator.h"
#include "plugins/dynamic_resources/capacity.h"

namespace berth::plugins::dynamic_resources {
namespace {

// What the device consumes: taken (sign -1) from what is free, or given back (1).
void Charge(Counters& free, const api::dra::Device& device, int sign) {
  for (const auto& consumption : device.consumes_counters()) {
    for (const auto& [name, counter] : consumption.counters()) {
      api::Quantity& left = free[{consumption.counter_set(), name}];
      const api::Quantity amount = api::ToQuantity(counter.value());
      sign < 0 ? left.Sub(amount) : left.Add(amount);
    }
  }
}

}  // namespace

Search::Search(const Prepared& prepared, const NodeView& view, const framework::NodeInfo& node,
               const std::function<bool()>& expired)
    : prepared_(prepared), view_(view), pools_(view.pools()), node_(node), expired_(expired) {
  for (const Pool& pool : pools_) device_count_ += pool.devices.size();
  counts_.resize(prepared.requests);
  all_.resize(prepared.requests);
  selectable_.assign(prepared.requests * device_count_, -1);
  holders_.resize(device_count_);
  for (const PreparedClaim& claim : prepared.claims) {
    auto& constraints = constraints_.emplace_back();
    for (const auto& spec : claim.claim->spec().devices().constraints()) {
      constraints.emplace_back(spec);
    }
    picked_.emplace_back();
    chosen_.emplace_back(claim.requests.size());
  }
}

Search::Found Search::Stop(std::string problem) {
  problem_ = std::move(problem);
  return Found::kStopped;
}

const Request& Search::ChosenRequest(size_t claim, size_t request) const {
  return RequestOf({claim, request, chosen_[claim][request]});
}

Search::Found Search::Run() {
  if (!CountDevices()) return Found::kStopped;
  return NextRequest(0, 0);
}

// How many devices each request wants; false: stopped.
bool Search::CountDevices() {
  for (const PreparedClaim& claim : prepared_.claims) {
    int64_t least = 0;
    for (const RequestChoices& choices : claim.requests) {
      int64_t least_of_request = std::numeric_limits<int64_t>::max();
      for (const Request& request : choices.alternatives) {
        counts_[request.ordinal] = request.count;
        if (request.all && !CountAll(claim, request)) return false;
        least_of_request = std::min(least_of_request, counts_[request.ordinal]);
      }
      if (__builtin_add_overflow(least, least_of_request, &least)) {
        least = std::numeric_limits<int64_t>::max();
      }
    }
    if (least > kMaxDevicesPerClaim) {
      Stop(fmt::format("claim {}: number of requested devices {} exceeds the claim limit of {}",
                       claim.Key(), least, kMaxDevicesPerClaim));
      return false;
    }
  }
  return true;
}

// All means all: a pool that is being changed must not leave one out.
bool Search::CountAll(const PreparedClaim& claim, const Request& request) {
  std::vector<Place>& all = all_[request.ordinal];
  for (size_t p = 0; p < pools_.size(); ++p) {
    const Pool& pool = pools_[p];
    if (pool.incomplete || !pool.problem.empty()) {
      Stop(fmt::format(
          "claim {}, request {}: asks for all devices, but resource pool {} is currently {}",
          claim.Key(), request.name, pool.ToText(),
          pool.incomplete ? "being updated" : "invalid"));
      return false;
    }
    for (size_t d = 0; d < pool.devices.size(); ++d) {
      const Candidate& candidate = pool.devices[d];
      const std::optional<bool> selectable = Selectable(claim, request, candidate);
      if (!selectable) return false;
      if (!*selectable) continue;
      const auto consumed = ConsumedCapacity(*candidate.device, request.capacity);
      if (!consumed || !CapacityFits(*candidate.device, *consumed, pool.SharesOf(candidate),
                                     nullptr)) {
        continue;
      }
      all.push_back({p, d});
    }
  }
  counts_[request.ordinal] = std::ssize(all);
  return true;
}

Search::Found Search::NextRequest(size_t claim, size_t request) {
  if (claim >= prepared_.claims.size()) return Found::kYes;
  if (request >= prepared_.claims[claim].requests.size()) {
    const Found found = NextRequest(claim + 1, 0);
    // Another alternative of an earlier claim may leave more choice for this one.
    return found == Found::kTooMany ? Found::kNo : found;
  }
  const RequestChoices& choices = prepared_.claims[claim].requests[request];
  if (!choices.has_list) return PickRest({claim, request, 0}, {});
  bool all_too_many = true;
  for (size_t i = 0; i < choices.alternatives.size(); ++i) {
    const Found found = PickRest({claim, request, i}, {});
    if (found == Found::kTooMany) continue;
    all_too_many = false;
    if (found == Found::kYes) chosen_[claim][request] = i;
    if (found != Found::kNo) return found;
  }
  return all_too_many ? Found::kTooMany : Found::kNo;
}

Search::Found Search::PickRest(const Work& work, Place from) {
  constexpr int64_t kStepsBetweenLooks = 256;
  if (++steps_ > kMaxSearchSteps || (steps_ % kStepsBetweenLooks == 0 && expired_())) {
    timed_out_ = true;
    return Found::kStopped;
  }
  const Request& request = RequestOf(work);
  const int64_t count = counts_[request.ordinal];
  if (request.all && count == 0) return Found::kNo;
  if (work.devices >= count) return NextRequest(work.claim, work.request + 1);
  if (std::ssize(picked_[work.claim]) + count - work.devices > kMaxDevicesPerClaim) {
    return Found::kTooMany;
  }
  return request.all ? PickAll(work) : PickOne(work, from);
}

// One after the other: their order does not matter.
Search::Found Search::PickAll(const Work& work) {
  const Request& request = RequestOf(work);
  const Place place = all_[request.ordinal][static_cast<size_t>(work.devices)];
  const Pool& pool = pools_[place.pool];
  const Candidate& candidate = pool.devices[place.device];
  if (!IsFree(work, request, pool, candidate) || !Take(work, request, pool, candidate)) {
    // Take says by problem_ that a constraint can never hold.
    return problem_.empty() ? Found::kNo : Found::kStopped;
  }
  Work next = work;
  ++next.devices;
  const Found found = PickRest(next, {});
  if (found != Found::kYes) GiveBack(work, pool);
  return found;
}

Search::Found Search::PickOne(const Work& work, Place from) {
  const Request& request = RequestOf(work);
  const PreparedClaim& claim = prepared_.claims[work.claim];
  for (size_t p = from.pool; p < pools_.size(); ++p) {
    const Pool& pool = pools_[p];
    if (pool.incomplete || !pool.problem.empty()) continue;
    for (size_t d = p == from.pool ? from.device : 0; d < pool.devices.size(); ++d) {
      const Candidate& candidate = pool.devices[d];
      if (!IsFree(work, request, pool, candidate)) continue;
      const std::optional<bool> selectable = Selectable(claim, request, candidate);
      if (!selectable) return Found::kStopped;
      if (!*selectable || !Take(work, request, pool, candidate)) continue;
      Work next = work;
      ++next.devices;
      const Found found = PickRest(next, {p, d + 1});
      if (found == Found::kYes) return found;
      GiveBack(work, pool);
      if (found != Found::kNo) return found;
    }
  }
  return Found::kNo;
}

std::optional<bool> Search::Selectable(const PreparedClaim& claim, const Request& request,
                                       const Candidate& candidate) {
  int8_t& known = selectable_[request.ordinal * device_count_ + candidate.index];
  if (known < 0) {
    if (expired_()) {  // a selector may be costly, and devices many
      timed_out_ = true;
      return std::nullopt;
    }
    const std::optional<bool> selected = Select(claim, request, candidate);
    if (!selected) return std::nullopt;
    known = *selected ? 1 : 0;
  }
  return known == 1;
}

std::optional<bool> Search::Ask(const std::shared_ptr<const Selector>& selector,
                                const Candidate& candidate, std::string& why) const {
  if (const auto known = view_.Answer(selector, candidate.index)) return known;
  if (!selector->problem().empty()) {
    why = ": CEL compile error: " + selector->problem();
    return std::nullopt;
  }
  const Selector::Match match = selector->Matches(candidate.id.driver, *candidate.device);
  if (!match.problem.empty()) {
    why = ": CEL runtime error: " + match.problem;
    return std::nullopt;
  }
  view_.Remember(selector, candidate.index, match.matches);
  return match.matches;
}

std::optional<bool> Search::Select(const PreparedClaim& claim, const Request& request,
                                   const Candidate& candidate) {
  const decltype(request.selectors)* const lists[] = {&request.class_selectors,
                                                      &request.selectors};
  for (size_t list = 0; list < 2; ++list) {
    for (size_t i = 0; i < lists[list]->size(); ++i) {
      std::string why;
      const std::optional<bool> matches = Ask((*lists[list])[i], candidate, why);
      if (!matches) {
        const std::string owner = list == 0
                                      ? "class " + request.device_class->metadata().name()
                                      : "claim " + claim.Key();
        Stop(fmt::format("{}: selector #{}{}", owner, i, why));
        return std::nullopt;
      }
      if (!*matches) return false;
    }
  }
  if (!candidate.slice->spec().per_device_node_selection()) return true;
  const api::dra::Device& device = *candidate.device;
  return NodeMatches(node_, device.node_name(), device.all_nodes(),
                     device.has_node_selector() ? &device.node_selector() : nullptr);
}

bool Search::IsFree(const Work& work, const Request& request, const Pool& pool,
                    const Candidate& candidate) const {
  const std::vector<size_t>& holders = holders_[candidate.index];
  if (request.admin_access) {
    return std::find(holders.begin(), holders.end(), work.claim) == holders.end();
  }
  if (!holders.empty()) return false;
  const DeviceUse* use = pool.UseOf(candidate);
  return use == nullptr || use->whole == 0;
}

// Everything but selectors: nothing is taken when something stands against it.
bool Search::Take(const Work& work, const Request& request, const Pool& pool,
                  const Candidate& candidate) {
  auto consumed = ConsumedCapacity(*candidate.device, request.capacity);
  const auto also_held = shared_.find(candidate.index);
  if (!consumed || !CapacityFits(*candidate.device, *consumed, pool.SharesOf(candidate),
                                 also_held != shared_.end() ? &also_held->second.held : nullptr)) {
    return false;
  }
  if (TaintsForbid(*candidate.device, request)) return false;
  const bool shared = candidate.device->allow_multiple_allocations();
  const bool counters = !shared || !HasCounters(pool, candidate);
  if (counters && !TakeCounters(pool, candidate)) return false;
  if (!AddToConstraints(work.claim, request, candidate)) {
    if (counters) ReturnCounters(pool, candidate);
    if (request.all) {
      Stop(fmt::format("claim {}, request {}: cannot add device {} because a claim constraint "
                       "would not be satisfied",
                       prepared_.claims[work.claim].Key(), request.name,
                       candidate.id.ToText()));
    }
    return false;
  }
  Picked picked{&candidate, &request, shared, {}};
  if (shared) {
    PickedShares& shares = shared_[candidate.index];
    ++shares.count;
    for (const auto& [name, amount] : *consumed) shares.held[name].Add(amount);
    picked.consumed = *std::move(consumed);
  } else {
    holders_[candidate.index].push_back(work.claim);
  }
  picked_[work.claim].push_back(std::move(picked));
  return true;
}

// The last device of the claim.
void Search::GiveBack(const Work& work, const Pool& pool) {
  const Picked picked = std::move(picked_[work.claim].back());
  picked_[work.claim].pop_back();
  const Candidate& candidate = *picked.candidate;
  bool counters = true;
  if (picked.shared) {
    PickedShares& shares = shared_[candidate.index];
    --shares.count;
    for (const auto& [name, amount] : picked.consumed) shares.held[name].Sub(amount);
    counters = !HasCounters(pool, candidate);
  } else {
    holders_[candidate.index].pop_back();
  }
  if (counters) ReturnCounters(pool, candidate);
  for (Constraint& constraint : constraints_[work.claim]) {
    constraint.Remove(*picked.request, candidate);
  }
}

bool Search::AddToConstraints(size_t claim, const Request& request, const Candidate& candidate) {
  std::vector<Constraint>& constraints = constraints_[claim];
  for (size_t i = 0; i < constraints.size(); ++i) {
    if (constraints[i].Add(request, candidate)) continue;
    while (i-- > 0) constraints[i].Remove(request, candidate);
    return false;
  }
  return true;
}

bool Search::HasCounters(const Pool& pool, const Candidate& candidate) const {
  const auto it = shared_.find(candidate.index);
  return (it != shared_.end() && it->second.count > 0) || pool.IsConsumed(candidate);
}

bool Search::TakeCounters(const Pool& pool, const Candidate& candidate) {
  if (candidate.device->consumes_counters().empty()) return true;
  auto it = free_counters_.find(&pool);
  if (it == free_counters_.end()) {
    it = free_counters_.emplace(&pool, pool.counters).first;
    for (const auto* devices : {&pool.devices, &pool.elsewhere}) {
      for (const Candidate& other : *devices) {
        if (pool.UseOf(other) != nullptr) Charge(it->second, *other.device, -1);
      }
    }
  }
  Charge(it->second, *candidate.device, -1);
  // Every counter of the pool: one that the device has no part in may be overdrawn.
  const bool enough = std::all_of(it->second.begin(), it->second.end(),
                                  [](const auto& entry) { return entry.second.Sign() >= 0; });
  if (!enough) Charge(it->second, *candidate.device, 1);
  return enough;
}

void Search::ReturnCounters(const Pool& pool, const Candidate& candidate) {
  const auto it = free_counters_.find(&pool);
  if (it != free_counters_.end()) Charge(it->second, *candidate.device, 1);
}

}  // namespace berth::plugins::dynamic_resources
