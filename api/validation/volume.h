// Rules of the volumes of a pod and of paths inside them.
// Source: pkg/apis/core/validation/validation.go.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "api/fwd.h"
#include "api/validation/field_path.h"

namespace google::protobuf {
template <typename T>
class RepeatedPtrField;
}

namespace k8s::io::api::core::v1 {
class ObjectFieldSelector;
class ResourceFieldSelector;
}  // namespace k8s::io::api::core::v1

namespace berth::api::validation {

// The volumes without complaints, by name: what containers may mount.
using VolumesByName = std::map<std::string_view, const core::Volume*, std::less<>>;

// pod_name: empty for templates.
VolumesByName ValidateVolumes(const google::protobuf::RepeatedPtrField<core::Volume>& volumes,
                              std::string_view pod_name, const FieldPath& path, Errors& errors);

// Relative, without "..".
void ValidateLocalDescendingPath(std::string_view text, const FieldPath& path, Errors& errors);
void ValidatePathNoBacksteps(std::string_view text, const FieldPath& path, Errors& errors);
bool HasBacksteps(std::string_view text);

// Fields a container may learn about its pod. in_volume: of a file, not of a variable.
void ValidateFieldRef(const core::ObjectFieldSelector& selector, bool in_volume,
                      const FieldPath& path, Errors& errors);
void ValidateResourceFieldRef(const core::ResourceFieldSelector& selector, bool in_volume,
                              const FieldPath& path, Errors& errors);

}  // namespace berth::api::validation
