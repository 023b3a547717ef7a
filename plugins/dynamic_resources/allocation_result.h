// What was picked, as the claim's status says it.
#pragma once

#include <string_view>

#include "api/fwd.h"
#include "api/schema/resource_v1.pb.h"
#include "plugins/dynamic_resources/search.h"

namespace berth::plugins::dynamic_resources {

// Devices with their requests; configurations, the classes' first; and the nodes where the devices
// can be reached: the node, when one of them is there alone or binds to it, else what the slices
// select, else any. Shares of a device have kShareIdToCome until they are held. problem: set when a
// slice selects nodes in a way that cannot be written down.
inline constexpr std::string_view kShareIdToCome = "to come";
api::dra::AllocationResult ResultOf(const PreparedClaim& claim, size_t index,
                                    const Search& search, std::string_view node_name,
                                    std::string& problem);

}  // namespace berth::plugins::dynamic_resources
