// Rules of StatefulSets. Source: pkg/apis/apps/validation/validation.go.
#pragma once

#include "api/fwd.h"
#include "api/validation/field_path.h"

namespace berth::api::validation {

void ValidateStatefulSet(const apps::StatefulSet& set, Errors& errors);
// Claim templates and the service's name do not change, and are not looked at. The pod template is
// when the old set was valid.
void ValidateStatefulSetUpdate(const apps::StatefulSet& set, const apps::StatefulSet& old,
                               Errors& errors);
void ValidateStatefulSetStatusUpdate(const apps::StatefulSet& set, const apps::StatefulSet& old,
                                     Errors& errors);

}  // namespace berth::api::validation
