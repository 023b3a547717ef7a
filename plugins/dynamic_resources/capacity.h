// How much of a device's capacity an allocation takes, and whether it is there.
// Source: dynamic-resource-allocation/structured, consumable capacity.
#pragma once

#include <optional>

#include "api/fwd.h"
#include "api/schema/resource_v1_device.pb.h"
#include "plugins/dynamic_resources/devices.h"

namespace berth::plugins::dynamic_resources {

// What a request takes of each capacity of the device: what it asks for, rounded up as the
// capacity's policy says; without asking, the policy's default, else all of it. nullopt: it asks
// for a capacity that the device does not have, or the policy does not allow the amount.
// requested: null when it asks for none.
std::optional<Capacities> ConsumedCapacity(const api::dra::Device& device,
                                           const api::dra::CapacityRequirements* requested);

// Whether `consumed` fits on top of what is held already. Null: nothing is.
bool CapacityFits(const api::dra::Device& device, const Capacities& consumed,
                  const Capacities* held, const Capacities* also_held);

}  // namespace berth::plugins::dynamic_resources
