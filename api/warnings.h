// What a client should know of an object that is accepted: fields that are deprecated or do
// nothing, and values that mean something else than they seem to. Become Warning headers.
//
// Called when the object is final and valid: after PrepareForCreate and ValidateCreate, or
// PrepareForUpdate and ValidateUpdate (metadata.generation says whether the spec changed).
// Texts are upstream's, in upstream's order, each once. Those with control characters are left
// out, as upstream does: no header can carry them. Feature gates as 1.36 has them by default.
// Kinds without warnings of their own: ConfigMap, Event, Lease, Namespace, PodDisruptionBudget,
// PriorityClass. Finalizers without a path are warned about in custom resources only; of the kinds
// here they are refused or accepted.
// Bounds: the list ends soon after the text that upstream shows of one request (4,096 runes).
// Threads: pure. Cost: a small pod 1 us, with ports or projected files 6 us; in proportion to the
// object and the warnings, whatever a client sends.
// Source: WarningsOnCreate and WarningsOnUpdate of pkg/registry/*/strategy.go.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/fwd.h"

namespace berth::api {

struct Resource;

// Of an object before PrepareForCreate, which changes what they are about. Shown before the others.
std::vector<std::string> GivenWarnings(const google::protobuf::Message& object);

// Objects in the form of their resource's version; none of Events, in either group.
std::vector<std::string> CreateWarnings(const Resource& resource,
                                        const google::protobuf::Message& object);

// subresource: "", "status", "scale", "finalize", "ephemeralcontainers" or "resize". Updates of
// pods are frequent and not made by hand: only the addresses in their status are looked at.
std::vector<std::string> UpdateWarnings(const Resource& resource, std::string_view subresource,
                                        const google::protobuf::Message& object,
                                        const google::protobuf::Message& old);

}  // namespace berth::api
