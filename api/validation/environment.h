// Rules of the environment of a container. Source: pkg/apis/core/validation/validation.go.
#pragma once

#include "api/fwd.h"
#include "api/validation/field_path.h"

namespace google::protobuf {
template <typename T>
class RepeatedPtrField;
}
namespace k8s::io::api::core::v1 {
class EnvFromSource;
class EnvVar;
}  // namespace k8s::io::api::core::v1

namespace berth::api::validation {

void ValidateEnv(const google::protobuf::RepeatedPtrField<core::EnvVar>& variables,
                 const FieldPath& path, Errors& errors);
void ValidateEnvFrom(const google::protobuf::RepeatedPtrField<core::EnvFromSource>& sources,
                     const FieldPath& path, Errors& errors);

}  // namespace berth::api::validation
