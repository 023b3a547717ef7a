// The strategies of claims for devices, of slices of devices and of their taints (see
// api/prepare.h).
#pragma once

#include <string_view>

#include "api/fwd.h"
#include "api/fwd_alpha.h"

namespace berth::api {

void CreateResourceClaim(dra::ResourceClaim& claim);
// What drivers said of devices that are allocated no longer goes.
void UpdateResourceClaim(std::string_view subresource, const dra::ResourceClaim& old,
                         dra::ResourceClaim& claim);

// Lists in attributes and mappings to node resources are behind gates that are off in 1.36. Taints
// without a time get the server's.
void CreateResourceSlice(dra::ResourceSlice& slice);
void UpdateResourceSlice(std::string_view subresource, const dra::ResourceSlice& old,
                         dra::ResourceSlice& slice);

// A taint without a time gets the server's.
void CreateDeviceTaintRule(dra_alpha::DeviceTaintRule& rule);
void UpdateDeviceTaintRule(std::string_view subresource, const dra_alpha::DeviceTaintRule& old,
                           dra_alpha::DeviceTaintRule& rule);

}  // namespace berth::api
