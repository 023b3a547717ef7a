// Conditions of newer kinds (metav1.Condition).
// Source: apimachinery/pkg/apis/meta/v1/validation/validation.go.
#pragma once

#include "api/fwd.h"
#include "api/validation/field_path.h"

namespace google::protobuf {
template <typename T>
class RepeatedPtrField;
}

namespace berth::api::validation {

// Each type once.
void ValidateConditions(const google::protobuf::RepeatedPtrField<meta::Condition>& conditions,
                        const FieldPath& path, Errors& errors);

}  // namespace berth::api::validation
