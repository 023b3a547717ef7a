// Names of resources that devices may stand for (DRAExtendedResource).
#pragma once

#include <string_view>

#include "api/scheduling/resources.h"

namespace berth::api::scheduling {

// Of a class's own resource: this and the class's name.
inline constexpr std::string_view kImplicitResourcePrefix = "deviceclass.resource.kubernetes.io/";

// Whether a DeviceClass may stand for a resource of that name: then a node that does not offer it
// may give it all the same.
inline bool MayComeFromDevices(std::string_view resource) {
  return IsExtendedResourceName(resource) || resource.starts_with(kImplicitResourcePrefix);
}

}  // namespace berth::api::scheduling
