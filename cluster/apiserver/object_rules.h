// The rules of the api folder applied to the form of an object the store keeps. Events of
// events.k8s.io are kept as core/v1: their rules want them in the form they came in.
#pragma once

#include <memory>
#include <string_view>

#include <absl/status/status.h>
#include <google/protobuf/message.h>

#include "api/resource_table.h"

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

}  // namespace berth::apiserver
