// Rules of what steers a pod to a node: affinities, spreading, tolerations, taints.
// Source: pkg/apis/core/validation/validation.go.
#pragma once

#include "api/fwd.h"
#include "api/validation/field_path.h"

namespace google::protobuf {
template <typename T>
class RepeatedPtrField;
}

namespace berth::api::validation {

void ValidateAffinity(const core::Affinity& affinity, const FieldPath& path, Errors& errors);
void ValidateNodeSelector(const core::NodeSelector& selector, const FieldPath& path,
                          Errors& errors);
void ValidateTopologySpread(
    const google::protobuf::RepeatedPtrField<core::TopologySpreadConstraint>& constraints,
    const FieldPath& path, Errors& errors);
void ValidateTolerations(const google::protobuf::RepeatedPtrField<core::Toleration>& tolerations,
                         const FieldPath& path, Errors& errors);
void ValidateTaints(const google::protobuf::RepeatedPtrField<core::Taint>& taints,
                    const FieldPath& path, Errors& errors);

}  // namespace berth::api::validation
