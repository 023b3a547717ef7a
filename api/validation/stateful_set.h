// Rules of StatefulSets. Source: pkg/apis/apps/validation/validation.go.
#pragma once

#include "api/fwd.h"
#include "api/validation/field_path.h"

namespace berth::api::validation {

// Of the template, only what upstream looks at: labels, annotations, restart policy.
void ValidateStatefulSet(const apps::StatefulSet& set, Errors& errors);
void ValidateStatefulSetUpdate(const apps::StatefulSet& set, const apps::StatefulSet& old,
                               Errors& errors);
void ValidateStatefulSetStatusUpdate(const apps::StatefulSet& set, const apps::StatefulSet& old,
                                     Errors& errors);

}  // namespace berth::api::validation
