#include "plugins/dynamic_resources/capacity.h"

#include <algorithm>

namespace berth::plugins::dynamic_resources {
namespace {

using api::Quantity;
using api::ToQuantity;
using Policy = api::dra::CapacityRequestPolicy;
using Range = api::dra::CapacityRequestPolicyRange;

// min plus whole steps, in units, as upstream counts them.
Quantity RoundedUp(const Quantity& wanted, const Range& range) {
  const Quantity min = ToQuantity(range.min());
  if (wanted < min) return min;
  const int64_t step = range.has_step() ? ToQuantity(range.step()).Value() : 0;
  if (step <= 0) return wanted;
  const int64_t beyond = wanted.Value() - min.Value();
  const int64_t steps = beyond / step + (beyond % step == 0 ? 0 : 1);
  int64_t value = 0;
  if (__builtin_mul_overflow(steps, step, &value) ||
      __builtin_add_overflow(value, min.Value(), &value)) {
    return wanted;  // out of reach of any device: it will not fit
  }
  return Quantity::FromInt(value, api::QuantityFormat::kBinarySI);  // as upstream writes it
}

Quantity RoundedUp(const Quantity& wanted, const Policy& policy) {
  if (policy.has_valid_range() && policy.valid_range().has_min()) {
    return RoundedUp(wanted, policy.valid_range());
  }
  for (const auto& valid : policy.valid_values()) {  // ascending
    if (ToQuantity(valid) >= wanted) return ToQuantity(valid);
  }
  return wanted;
}

bool Allows(const Policy& policy, const Quantity& amount) {
  if (policy.has_default_() && amount == ToQuantity(policy.default_())) return true;
  if (policy.has_valid_range()) {
    const Range& range = policy.valid_range();
    if (range.has_max() && amount > ToQuantity(range.max())) return false;
    const int64_t step = range.has_step() ? ToQuantity(range.step()).Value() : 0;
    return step <= 0 || (amount.Value() - ToQuantity(range.min()).Value()) % step == 0;
  }
  return policy.valid_values().empty() ||
         std::any_of(policy.valid_values().begin(), policy.valid_values().end(),
                     [&](const auto& valid) { return ToQuantity(valid) == amount; });
}

}  // namespace

std::optional<Capacities> ConsumedCapacity(const api::dra::Device& device,
                                           const api::dra::CapacityRequirements* requested) {
  if (requested != nullptr) {
    for (const auto& [name, amount] : requested->requests()) {
      if (!device.capacity().contains(name)) return std::nullopt;
    }
  }
  Capacities out;
  for (const auto& [name, capacity] : device.capacity()) {
    const bool asked = requested != nullptr && requested->requests().contains(name);
    Quantity amount = ToQuantity(capacity.value());
    if (asked) {
      amount = RoundedUp(ToQuantity(requested->requests().at(name)), capacity.request_policy());
    } else if (capacity.request_policy().has_default_()) {
      amount = ToQuantity(capacity.request_policy().default_());
    }
    if (amount.Sign() < 0) return std::nullopt;
    if (capacity.has_request_policy() && !Allows(capacity.request_policy(), amount)) {
      return std::nullopt;
    }
    out.emplace(name, amount);
  }
  return out;
}

bool CapacityFits(const api::dra::Device& device, const Capacities& consumed,
                  const Capacities* held, const Capacities* also_held) {
  for (const auto& [name, capacity] : device.capacity()) {
    Quantity sum;
    for (const Capacities* part : {&consumed, held, also_held}) {
      if (part == nullptr) continue;
      if (const auto it = part->find(name); it != part->end()) sum.Add(it->second);
    }
    if (sum > ToQuantity(capacity.value())) return false;
  }
  return true;
}

}  // namespace berth::plugins::dynamic_resources
