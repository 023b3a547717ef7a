#include "cluster/apiserver/object_rules.h"

#include <utility>

#include "api/defaults.h"
#include "api/errors.h"
#include "api/event_conversion.h"
#include "api/schema/core_v1_event.pb.h"
#include "api/schema/events_v1.pb.h"
#include "api/validation/validation.h"
#include "cluster/apiserver/codec.h"

namespace berth::apiserver {

std::shared_ptr<google::protobuf::Message> ToStoredForm(
    const api::Resource& /*resource*/, std::shared_ptr<google::protobuf::Message> object) {
  if (object->GetDescriptor() != api::events::Event::descriptor()) return object;
  return std::make_shared<api::core::Event>(
      api::ToCoreV1(static_cast<const api::events::Event&>(*object)));
}

void ApplyStoredDefaults(const api::Resource& resource, google::protobuf::Message& object) {
  api::ApplyDefaults(resource, object);
}

namespace {

// Complaints are made in the name of the stored form.
absl::Status Complain(const google::protobuf::Message& object, const api::FieldErrors& errors) {
  if (errors.empty()) return absl::OkStatus();
  return api::Invalid(api::ResourceOfDescriptor(object), MetadataOf(object).name(), errors);
}

bool IsConverted(const api::Resource& resource, const google::protobuf::Message& object) {
  return resource.prototype->GetDescriptor() != object.GetDescriptor();
}

}  // namespace

absl::Status ValidateCreate(const api::Resource& resource,
                            const google::protobuf::Message& object) {
  if (IsConverted(resource, object)) {
    const auto shown = api::ToEventsV1(static_cast<const api::core::Event&>(object));
    return Complain(object, api::ValidateCreate(resource, shown));
  }
  return Complain(object, api::ValidateCreate(resource, object));
}

absl::Status ValidateUpdate(const api::Resource& resource, std::string_view subresource,
                            const google::protobuf::Message& object,
                            const google::protobuf::Message& old) {
  if (IsConverted(resource, object)) {
    const auto shown = api::ToEventsV1(static_cast<const api::core::Event&>(object));
    const auto shown_old = api::ToEventsV1(static_cast<const api::core::Event&>(old));
    return Complain(object, api::ValidateUpdate(resource, shown, shown_old));
  }
  return Complain(object, api::ValidateSubresourceUpdate(resource, subresource, object, old));
}

}  // namespace berth::apiserver
