// Rules of workloads and of the groups of pods that are made of them.
// Source: pkg/apis/scheduling/validation/validation.go, and what pkg/apis/scheduling/v1alpha2 says
// of its fields.
#pragma once

#include "api/fwd.h"
#include "api/validation/field_path.h"

namespace berth::api::validation {

void ValidateWorkload(const gang::Workload& workload, Errors& errors);
// Its templates stay, and whose workload it is once that was said.
void ValidateWorkloadUpdate(const gang::Workload& workload, const gang::Workload& old,
                            Errors& errors);

void ValidatePodGroup(const gang::PodGroup& group, Errors& errors);
// The spec stays.
void ValidatePodGroupUpdate(const gang::PodGroup& group, const gang::PodGroup& old,
                            Errors& errors);
void ValidatePodGroupStatusUpdate(const gang::PodGroup& group, const gang::PodGroup& old,
                                  Errors& errors);

}  // namespace berth::api::validation
