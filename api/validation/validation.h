// Whether an object may be stored: every complaint at once, with upstream's paths, words and order.
//
//   const FieldErrors errors = ValidateCreate(resource, *object);
//   if (!errors.empty()) return Invalid(resource, name, errors);
//
// Objects come decoded, defaulted and prepared (api/prepare.h). A kind without rules of its own
// gets those of its metadata. Threads: pure functions. Cost: one walk; a valid pod of two
// containers about 5 us.
// Source: apiserver/pkg/registry/rest/{create,update}.go, pkg/apis/*/validation.
#pragma once

#include <string_view>

#include "api/errors.h"
#include "api/fwd.h"

namespace berth::api {

struct Resource;

// object: of the resource's own kind; events of events.k8s.io in that form.
FieldErrors ValidateCreate(const Resource& resource, const google::protobuf::Message& object);
FieldErrors ValidateUpdate(const Resource& resource, const google::protobuf::Message& object,
                           const google::protobuf::Message& old);
FieldErrors ValidateStatusUpdate(const Resource& resource, const google::protobuf::Message& object,
                                 const google::protobuf::Message& old);
// By subresource: "" and "status" as above, "finalize" (namespaces), "ephemeralcontainers" and
// "resize" (pods).
FieldErrors ValidateSubresourceUpdate(const Resource& resource, std::string_view subresource,
                                      const google::protobuf::Message& object,
                                      const google::protobuf::Message& old);

// Upstream answers a bad binding with the plain text: PlainError("target.name: Required value").
FieldErrors ValidateBinding(const core::Binding& binding);

}  // namespace berth::api
