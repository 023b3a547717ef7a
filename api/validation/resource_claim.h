// Rules of claims for devices, templates of claims, and classes of devices.
// Source: pkg/apis/resource/validation/validation.go.
#pragma once

#include "api/fwd.h"
#include "api/validation/field_path.h"

namespace berth::api::validation {

void ValidateResourceClaim(const dra::ResourceClaim& claim, Errors& errors);
// The spec does not change.
void ValidateResourceClaimUpdate(const dra::ResourceClaim& claim, const dra::ResourceClaim& old,
                                 Errors& errors);
// An allocation comes and goes as a whole; only what is allocated is reserved.
void ValidateResourceClaimStatusUpdate(const dra::ResourceClaim& claim,
                                       const dra::ResourceClaim& old, Errors& errors);

void ValidateResourceClaimTemplate(const dra::ResourceClaimTemplate& object, Errors& errors);
void ValidateResourceClaimTemplateUpdate(const dra::ResourceClaimTemplate& object,
                                         const dra::ResourceClaimTemplate& old, Errors& errors);

void ValidateDeviceClass(const dra::DeviceClass& object, Errors& errors);
void ValidateDeviceClassUpdate(const dra::DeviceClass& object, const dra::DeviceClass& old,
                               Errors& errors);

}  // namespace berth::api::validation
