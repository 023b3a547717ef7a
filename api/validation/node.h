// Rules of nodes. Source: pkg/apis/core/validation/validation.go.
#pragma once

#include "api/fwd.h"
#include "api/validation/field_path.h"

namespace berth::api::validation {

void ValidateNode(const core::Node& node, Errors& errors);
// Judges the whole node anew, so that some complaints come twice, as upstream's do.
void ValidateNodeUpdate(const core::Node& node, const core::Node& old, Errors& errors);
void ValidateNodeStatusUpdate(const core::Node& node, const core::Node& old, Errors& errors);

}  // namespace berth::api::validation
