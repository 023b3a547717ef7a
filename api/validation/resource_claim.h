// Rules of claims for devices, templates of claims, classes of devices, and rules that taint them.
// Source: pkg/apis/resource/validation/validation.go.
#pragma once

#include "api/fwd.h"
#include "api/fwd_alpha.h"
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

// A rule that taints devices: selector and taint.
void ValidateDeviceTaintRule(const dra_alpha::DeviceTaintRule& rule, Errors& errors);
void ValidateDeviceTaintRuleUpdate(const dra_alpha::DeviceTaintRule& rule,
                                   const dra_alpha::DeviceTaintRule& old, Errors& errors);
void ValidateDeviceTaintRuleStatusUpdate(const dra_alpha::DeviceTaintRule& rule,
                                         const dra_alpha::DeviceTaintRule& old, Errors& errors);
void ValidateDeviceClass(const dra::DeviceClass& object, Errors& errors);
void ValidateDeviceClassUpdate(const dra::DeviceClass& object, const dra::DeviceClass& old,
                               Errors& errors);

}  // namespace berth::api::validation
