// Rules of object metadata, and of the labels and selectors that many kinds carry.
// Source: apimachinery/pkg/api/validation/{objectmeta,generic}.go, apis/meta/v1/validation.
#pragma once

#include <string>
#include <string_view>

#include "api/fwd.h"
#include "api/validation/field_path.h"

namespace google::protobuf {
template <typename K, typename V>
class Map;
template <typename T>
class RepeatedPtrField;
}

namespace berth::api::validation {

using StringStringMap = google::protobuf::Map<std::string, std::string>;
inline constexpr std::string_view kMirrorPodAnnotation = "kubernetes.io/config.mirror";
using NameRule = Complaints (*)(std::string_view name);

// name_rule also judges generateName, as a prefix of a name.
void ValidateObjectMeta(const meta::ObjectMeta& metadata, bool namespaced, NameRule name_rule,
                        const FieldPath& path, Errors& errors);
// The same with the rule of core kinds: finalizers are standard names or qualified.
void ValidateCoreObjectMeta(const meta::ObjectMeta& metadata, bool namespaced, NameRule name_rule,
                            const FieldPath& path, Errors& errors);

void ValidateObjectMetaUpdate(const meta::ObjectMeta& metadata, const meta::ObjectMeta& old,
                              const FieldPath& path, Errors& errors);
void ValidateCoreObjectMetaUpdate(const meta::ObjectMeta& metadata, const meta::ObjectMeta& old,
                                  const FieldPath& path, Errors& errors);

// Of what is copied into objects that are made of a template: labels and annotations only.
void ValidateTemplateObjectMeta(const meta::ObjectMeta& metadata, const FieldPath& path,
                                Errors& errors);

void ValidateLabels(const StringStringMap& labels, const FieldPath& path, Errors& errors);
void ValidateAnnotations(const StringStringMap& annotations, const FieldPath& path,
                         Errors& errors);
void ValidateLabelSelector(const meta::LabelSelector& selector, const FieldPath& path,
                           Errors& errors);
void ValidateFinalizerName(std::string_view name, const FieldPath& path, Errors& errors);
// "name is neither a standard finalizer name nor is it fully qualified".
void ValidateKubeFinalizerName(std::string_view name, const FieldPath& path, Errors& errors);

// {"a":"b"}, sorted; null when empty, as Go prints a nil map.
std::string ToJsonText(const StringStringMap& map);
// ["a","b"]
std::string ToJsonList(const google::protobuf::RepeatedPtrField<std::string>& texts);
// The top-level fields that differ, one line for each side. Upstream prints a diff of Go values.
std::string DescribeDifference(const google::protobuf::Message& old,
                               const google::protobuf::Message& object);
// A message as JSON, for "Invalid value: {...}".
std::string ToJsonText(const google::protobuf::Message& message);

}  // namespace berth::api::validation
