#include "cluster/apiserver/object_rules.h"

#include <set>
#include <utility>

#include <fmt/core.h>

#include "api/defaults.h"
#include "api/errors.h"
#include "api/event_conversion.h"
#include "api/schema/core_v1_event.pb.h"
#include "api/schema/events_v1.pb.h"
#include "api/schema/meta_v1.pb.h"
#include "api/validation/validation.h"
#include "cluster/apiserver/codec.h"
#include "cluster/apiserver/watch_cache.h"

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

absl::Status CheckNamed(const RequestInfo& info, const api::meta::ObjectMeta& metadata) {
  if (metadata.name().empty()) {
    return api::BadRequest(fmt::format(
        "the name of the object ({} based on URL) was undeterminable: name must be provided",
        info.name));
  }
  if (metadata.name() != info.name) {
    return api::BadRequest(
        fmt::format("the name of the object ({}) does not match the name on the URL ({})",
                    metadata.name(), info.name));
  }
  const std::string& space = metadata.namespace_();
  if (!info.namespace_.empty() && !space.empty() && space != info.namespace_) {
    return api::BadRequest(fmt::format(
        "the namespace of the object ({}) does not match the namespace on the request ({})", space,
        info.namespace_));
  }
  return absl::OkStatus();
}

absl::Status CheckPrecondition(const api::Resource& resource, const api::meta::ObjectMeta& object,
                               std::string_view what, std::string_view asked,
                               std::string_view is) {
  if (asked.empty() || asked == is) return absl::OkStatus();
  return api::Conflict(
      resource, object.name(),
      fmt::format("StorageError: invalid object, Code: 4, Key: {0}, ResourceVersion: 0, "
                  "AdditionalErrorMsg: Precondition failed: {1} in precondition: {2}, {1} in "
                  "object meta: {3}",
                  StoreKey(resource, object.namespace_(), object.name()), what, asked, is));
}

absl::Status CheckPatchedUid(const api::Resource& resource, const api::meta::ObjectMeta& object,
                             std::string_view uid, std::string_view subresource) {
  if (uid.empty() || uid == object.uid()) return absl::OkStatus();
  return api::Conflict(
      resource, object.name(),
      fmt::format("Precondition failed: UID in precondition: {}, UID in object meta: {}", uid,
                  object.uid()),
      subresource);
}

std::string DropRepeatedOwners(google::protobuf::Message& object, bool after_admission) {
  if (MetadataOf(object).owner_references_size() < 2) return {};
  auto& owners = *MutableMetadata(object).mutable_owner_references();
  std::string repeated;
  std::set<std::string> known;
  int kept = 0;
  for (int i = 0; i < owners.size(); ++i) {
    if (!known.insert(owners[i].SerializeAsString()).second) {
      repeated.append(repeated.empty() ? "" : ", ").append(owners[i].uid());
    } else {
      owners.SwapElements(kept++, i);
    }
  }
  if (repeated.empty()) return {};
  owners.DeleteSubrange(kept, owners.size() - kept);
  return fmt::format(
      ".metadata.ownerReferences contains duplicate entries{}; API server dedups owner references "
      "in 1.20+, and may reject such requests as early as 1.24; please fix your requests; "
      "duplicate UID(s) observed: {}",
      after_admission ? " after mutating admission happens" : "", repeated);
}

}  // namespace berth::apiserver
