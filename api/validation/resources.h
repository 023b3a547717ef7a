// Resource names, amounts, requests and limits.
// Source: pkg/apis/core/validation/validation.go, pkg/apis/core/helper/helpers.go.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "api/fwd.h"
#include "api/quantity.h"
#include "api/validation/field_path.h"

namespace google::protobuf {
template <typename K, typename V>
class Map;
}

namespace berth::api::validation {

using ResourceMap = google::protobuf::Map<std::string, resource::Quantity>;
using NameSet = std::set<std::string, std::less<>>;

// Not negative; whole for pods, counts of objects and extended resources.
void ValidateResourceAmount(std::string_view name, const resource::Quantity& amount,
                            const FieldPath& path, Errors& errors);
// Of a node's capacity or allocatable: the field is written path.NAME.
void ValidateResourceAmounts(const ResourceMap& amounts, const FieldPath& path, Errors& errors);

// claim_names: those of the pod, which claims may name.
void ValidateContainerResources(const core::ResourceRequirements& resources,
                                const NameSet& claim_names, const FieldPath& path, Errors& errors);
// overhead is judged as limits are.
void ValidateOverhead(const ResourceMap& overhead, const FieldPath& path, Errors& errors);
// spec.resources of a pod: names, amounts, and that the containers fit in.
void ValidatePodResources(const core::PodSpec& spec, const NameSet& claim_names,
                          const FieldPath& path, Errors& errors);

}  // namespace berth::api::validation
