#include "cluster/apiserver/object_rules.h"

#include <utility>

#include "api/defaults.h"
#include "api/errors.h"
#include "api/event_conversion.h"
#include "api/schema/core_v1_event.pb.h"
#include "api/schema/events_v1.pb.h"
#include "cluster/apiserver/codec.h"

namespace berth::apiserver {

std::shared_ptr<google::protobuf::Message> ToStoredForm(
    const api::Resource& /*resource*/, std::unique_ptr<google::protobuf::Message> object) {
  if (object->GetDescriptor() != api::events::Event::descriptor()) return object;
  return std::make_shared<api::core::Event>(
      api::ToCoreV1(static_cast<const api::events::Event&>(*object)));
}

void ApplyStoredDefaults(const api::Resource& resource, google::protobuf::Message& object) {
  api::ApplyDefaults(resource, object);
}

absl::Status ValidateCreate(const api::Resource&, const google::protobuf::Message&) {
  return absl::OkStatus();
}

absl::Status ValidateUpdate(const api::Resource&, std::string_view,
                            const google::protobuf::Message&, const google::protobuf::Message&) {
  return absl::OkStatus();
}

}  // namespace berth::apiserver
