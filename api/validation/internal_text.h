// Messages as upstream's internal types print in "Invalid value: {...}": with Go's names of the
// fields in Go's order, and with null for what is not there. Cost: the text.
// Source: pkg/apis/core/types.go, apimachinery/pkg/util/validation/field/errors.go.
#pragma once

#include <string>

#include "api/fwd.h"

namespace google::protobuf {
template <typename T>
class RepeatedPtrField;
}

namespace k8s::io::api::core::v1 {
class EventSource;
class PodResourceClaim;
class SeccompProfile;
class SecurityContext;
}  // namespace k8s::io::api::core::v1

namespace berth::api::validation {

std::string InternalText(const core::EventSource& source);
std::string InternalText(const core::NodeSelectorTerm& term);
std::string InternalText(const google::protobuf::RepeatedPtrField<core::NodeSelectorTerm>& terms);
std::string InternalText(const core::ObjectReference& reference);
std::string InternalText(const core::PodResourceClaim& claim);
std::string InternalText(const core::SeccompProfile& profile);
std::string InternalText(const core::SecurityContext& context);

}  // namespace berth::api::validation
