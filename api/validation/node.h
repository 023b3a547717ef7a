// Rules of nodes. Source: pkg/apis/core/validation/validation.go.
#pragma once

#include "api/fwd.h"
#include "api/validation/field_path.h"

namespace berth::api::validation {

void ValidateNode(const core::Node& node, Errors& errors);
// Also of updates through the status subresource.
void ValidateNodeUpdate(const core::Node& node, const core::Node& old, Errors& errors);

}  // namespace berth::api::validation
