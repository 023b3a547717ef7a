// The strategy of services (see api/prepare.h).
//
// Addresses and node ports are not allocated: a service keeps those that it comes with. Clusters
// have one family, IPv4.
#pragma once

#include <string_view>

#include "api/fwd.h"

namespace berth::api {

// spec.clusterIPs from spec.clusterIP, and the families.
void CreateService(core::Service& service);
// Besides, what was given stays where an update leaves it out, and what its type has no use for
// goes.
void UpdateService(std::string_view subresource, const core::Service& old, core::Service& service);

}  // namespace berth::api
