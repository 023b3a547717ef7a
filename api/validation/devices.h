// Rules of the parts that claims, classes and slices of devices share.
// Source: pkg/apis/resource/validation/validation.go, pkg/apis/resource/types.go for the limits.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "api/fwd.h"
#include "api/validation/field_path.h"

namespace google::protobuf {
template <typename T>
class RepeatedPtrField;
}

namespace k8s::io::api::resource::v1 {
class DeviceConfiguration;
class DeviceSelector;
class DeviceTaint;
class DeviceToleration;
}  // namespace k8s::io::api::resource::v1

namespace berth::api::validation {

// False, with a complaint, when there are more than `max`: then the items are not looked at.
bool ValidateCount(int64_t count, int64_t max, const FieldPath& path, Errors& errors);

// Names of a list, each once. The path is the item's.
class UniqueNames {
 public:
  void Add(std::string_view name, const FieldPath& path, Errors& errors);

 private:
  std::set<std::string, std::less<>> seen_;
};

// One or more DNS subdomains with slashes between them.
void ValidatePoolName(const std::string& name, const FieldPath& path, Errors& errors);
// Attributes and capacities: "id" or "domain/id".
void ValidateDeviceQualifiedName(std::string_view name, const FieldPath& path, Errors& errors);
// "domain/id".
void ValidateFullyQualifiedName(std::string_view name, const FieldPath& path, Errors& errors);
// Lower case, with dashes: 8-4-4-4-12.
void ValidateUuid(std::string_view text, const FieldPath& path, Errors& errors);

// Expressions are not compiled: only their length is judged.
void ValidateSelectors(const google::protobuf::RepeatedPtrField<dra::DeviceSelector>& selectors,
                       const FieldPath& path, Errors& errors);
void ValidateConfiguration(const dra::DeviceConfiguration& configuration, const FieldPath& path,
                           Errors& errors);
// A JSON object of at most so many bytes.
void ValidateRawObject(const std::string& raw, int64_t bytes_max, const FieldPath& path,
                       Errors& errors);
void ValidateDeviceTolerations(
    const google::protobuf::RepeatedPtrField<dra::DeviceToleration>& tolerations,
    const FieldPath& path, Errors& errors);
void ValidateDeviceTaint(const dra::DeviceTaint& taint, const FieldPath& path, Errors& errors);
// path: of the device or result that has both lists.
void ValidateBindingConditions(
    const google::protobuf::RepeatedPtrField<std::string>& conditions,
    const google::protobuf::RepeatedPtrField<std::string>& failures, const FieldPath& path,
    Errors& errors);

}  // namespace berth::api::validation
