// What a request may not decide: before an object is validated and stored, the fields that belong
// to the system are reset, kept from the old object, or computed. One strategy per kind.
//
// Order on create: decode, ApplyDefaults, admission, (name and uid given by the server),
// PrepareForCreate, ValidateCreate. On update: decode or patch, ApplyDefaults, admission,
// PrepareForUpdate, ValidateUpdate. managedFields, uid and creationTimestamp of new objects are the
// server's. Threads: writes only to `object`.
// Source: pkg/registry/*/strategy.go, apiserver/pkg/registry/rest/{create,update}.go.
#pragma once

#include <string_view>

#include "api/fwd.h"

namespace berth::api {

struct Resource;

// Resets status, sets metadata.generation to 1 where the kind has one, and completes the object:
// a pod's phase, QoS class, SchedulingGated condition and matchLabelKeys; a namespace's phase and
// finalizer. Nodes keep the status they come with, but for the configuration of old kubelets.
// Times set here are zero yet (those of conditions absent): the clock is the server's, who fills
// in what FillTimes finds.
void PrepareForCreate(const Resource& resource, google::protobuf::Message& object);

// subresource: "", "status", "finalize", "ephemeralcontainers" or "resize"; what it does not own
// is taken from `old`. Raises metadata.generation when the spec changed.
void PrepareForUpdate(const Resource& resource, std::string_view subresource,
                      const google::protobuf::Message& old, google::protobuf::Message& object);

}  // namespace berth::api
