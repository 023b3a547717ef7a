// The rules of the api folder applied to the form of an object the store keeps. Events of
// events.k8s.io are kept as core/v1: their rules want them in the form they came in.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <google/protobuf/message.h>

#include "api/fwd.h"
#include "api/resource_table.h"
#include "cluster/apiserver/router.h"

namespace berth::apiserver {

// What the store keeps of an object of `resource`, and back.
std::shared_ptr<google::protobuf::Message> ToStoredForm(
    const api::Resource& resource, std::shared_ptr<google::protobuf::Message> object);

void ApplyStoredDefaults(const api::Resource& resource, google::protobuf::Message& object);

// Invalid with every complaint, or OK. Objects are in the stored form.
absl::Status ValidateCreate(const api::Resource& resource, const google::protobuf::Message& object);
// subresource: "" or "status" or "finalize".
absl::Status ValidateUpdate(const api::Resource& resource, std::string_view subresource,
                            const google::protobuf::Message& object,
                            const google::protobuf::Message& old);

// A body that is put somewhere belongs there; its namespace may be left out.
absl::Status CheckNamed(const RequestInfo& info, const api::meta::ObjectMeta& metadata);

// What the store says of an object that is not the one asked for. `what`: "UID" or
// "ResourceVersion", `is`: that of the object. Nothing asked: OK.
absl::Status CheckPrecondition(const api::Resource& resource, const api::meta::ObjectMeta& object,
                               std::string_view what, std::string_view asked,
                               std::string_view is);

// A patch may not make an object another one. (Upstream calls the new uid of an object invalid;
// clients take a conflict for what it is.)
absl::Status CheckPatchedUid(const api::Resource& resource, const api::meta::ObjectMeta& object,
                             std::string_view uid, std::string_view subresource = {});

// Owners that are there twice are there once from now on. A warning about them, or nothing.
// after_admission: they came so from admission or from a patch.
std::string DropRepeatedOwners(google::protobuf::Message& object, bool after_admission);

}  // namespace berth::apiserver
