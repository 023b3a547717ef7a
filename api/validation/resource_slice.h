// Rules of what drivers say of the devices they offer.
// Source: pkg/apis/resource/validation/validation.go.
#pragma once

#include "api/fwd.h"
#include "api/validation/field_path.h"

namespace berth::api::validation {

void ValidateResourceSlice(const dra::ResourceSlice& slice, Errors& errors);
// Driver, pool and node stay. Taints and capacities that stay are not looked at again.
void ValidateResourceSliceUpdate(const dra::ResourceSlice& slice, const dra::ResourceSlice& old,
                                 Errors& errors);

}  // namespace berth::api::validation
