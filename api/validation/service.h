// Rules of services.
// Source: pkg/apis/core/validation/validation.go, pkg/registry/core/service/storage/alloc.go.
#pragma once

#include "api/fwd.h"
#include "api/validation/field_path.h"

namespace berth::api::validation {

void ValidateService(const core::Service& service, Errors& errors);
// Addresses and their families do not change once they are set.
void ValidateServiceUpdate(const core::Service& service, const core::Service& old, Errors& errors);
void ValidateServiceStatusUpdate(const core::Service& service, const core::Service& old,
                                 Errors& errors);

}  // namespace berth::api::validation
