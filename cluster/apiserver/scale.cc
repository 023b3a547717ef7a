// The scale subresource: spec.replicas of any kind that has them, seen as autoscaling/v1 Scale.
// Source: pkg/registry/apps/*/storage/storage.go (ScaleREST).
#include <utility>

#include <fmt/core.h>
#include <google/protobuf/message.h>

#include "api/errors.h"
#include "api/json.h"
#include "api/patch.h"
#include "api/prepare.h"
#include "api/schema/autoscaling_v1.pb.h"
#include "api/schema/core_v1_controller.pb.h"
#include "api/schema/meta_v1.pb.h"
#include "api/selectors.h"
#include "api/warnings.h"
#include "base/status_macros.h"
#include "cluster/apiserver/object_rules.h"
#include "cluster/apiserver/request_options.h"
#include "cluster/apiserver/rest.h"

namespace berth::apiserver {
namespace {

using api::autoscaling::Scale;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

const TypeName kScale = {"autoscaling/v1", "Scale"};

// A field of `object`.part, null when the kind has none.
const FieldDescriptor* FieldOf(const Message& part, const char* name) {
  return part.GetDescriptor()->FindFieldByName(name);
}

const Message& PartOf(const Message& object, const char* name) {
  return object.GetReflection()->GetMessage(object, FieldOf(object, name));
}

int32_t Replicas(const Message& part) {
  const FieldDescriptor* field = FieldOf(part, "replicas");
  return field == nullptr ? 0 : part.GetReflection()->GetInt32(part, field);
}

std::string SelectorText(const Message& spec) {
  using api::core::ReplicationControllerSpec;
  if (spec.GetDescriptor() == ReplicationControllerSpec::descriptor()) {
    const auto& labels = static_cast<const ReplicationControllerSpec&>(spec).selector();
    return api::LabelSelector::FromLabels(labels).ToString();
  }
  const FieldDescriptor* field = FieldOf(spec, "selector");
  if (field == nullptr) return "";
  const Message& selector = spec.GetReflection()->GetMessage(spec, field);
  const auto parsed =
      api::LabelSelector::FromMessage(static_cast<const api::meta::LabelSelector&>(selector));
  return parsed.ok() ? parsed->ToString() : "";
}

Scale ScaleOf(const StoredObject& object) {
  Scale scale;
  const api::meta::ObjectMeta& from = object.metadata();
  api::meta::ObjectMeta& metadata = *scale.mutable_metadata();
  metadata.set_name(from.name());
  metadata.set_namespace_(from.namespace_());
  metadata.set_uid(from.uid());
  metadata.set_resource_version(from.resource_version());
  *metadata.mutable_creation_timestamp() = from.creation_timestamp();
  const Message& spec = PartOf(object.message(), "spec");
  const Message& status = PartOf(object.message(), "status");
  scale.mutable_spec()->set_replicas(Replicas(spec));
  scale.mutable_status()->set_replicas(Replicas(status));
  scale.mutable_status()->set_selector(SelectorText(spec));
  return scale;
}

absl::Status CheckReplicas(const Scale& wanted, const StoredObject& current) {
  if (wanted.spec().replicas() >= 0) return absl::OkStatus();
  return api::InvalidKind("autoscaling", "Scale", current.metadata().name(),
                          {api::InvalidInt("spec.replicas", wanted.spec().replicas(),
                                           "must be greater than or equal to 0")});
}

}  // namespace

struct Rest::ScaleState {
  CallPtr call;
  WriteOptions options;
  MessagePtr body;  // of an update
  std::vector<std::string> warnings;  // of the object that is to be
  // A heavy patch, applied aside: to which object, and what it came to.
  ObjectPtr base;
  absl::StatusOr<Scale> patched = Scale();
};

void Rest::GetScale(CallPtr call) {
  auto shared = std::make_shared<CallPtr>(std::move(call));
  cache_.WhenFresh([this, shared](const absl::Status& status) {
    CallPtr waiting = std::move(*shared);
    if (!status.ok()) return Reply(std::move(waiting), status);
    const RequestInfo& info = waiting->info;
    const ObjectPtr object = cache_.For(*info.resource)
                                 .Find(CacheKey(*info.resource, info.namespace_, info.name));
    if (object == nullptr) {
      return Reply(std::move(waiting), api::NotFound(*info.resource, info.name));
    }
    Reply(std::move(waiting), 200, ScaleOf(*object), kScale);
  });
}

void Rest::SetScale(CallPtr call) {
  auto state = std::make_shared<ScaleState>();
  state->call = std::move(call);
  const auto prepare = [&]() -> absl::Status {
    Call& it = *state->call;
    const bool patch = it.info.verb == Verb::kPatch;
    BERTH_ASSIGN_OR_RETURN(state->options, ParseWriteOptions(it.info.query, patch
                                                                 ? "PatchOptions"
                                                                 : "UpdateOptions"));
    if (patch) return absl::OkStatus();
    BERTH_ASSIGN_OR_RETURN(state->body, std::move(it.body));
    return CheckNamed(it.info, static_cast<const Scale&>(*state->body).metadata());
  };
  if (auto status = prepare(); !status.ok()) return Reply(std::move(state->call), status);
  const RequestInfo& info = state->call->info;
  if (state->call->heavy && !state->body) {
    state->base = cache_.For(*info.resource)
                      .Find(CacheKey(*info.resource, info.namespace_, info.name));
  }
  auto patch = [state] {
    if (state->base != nullptr) state->patched = PatchedScale(*state, *state->base);
  };
  Aside(state->base != nullptr, std::move(patch), [this, state] { WriteScale(state); });
}

void Rest::WriteScale(const std::shared_ptr<ScaleState>& state) {
  const RequestInfo& info = state->call->info;
  ObjectWriter::Options options;
  options.dry_run = state->options.dry_run;
  writer_.Modify(
      *info.resource, info.namespace_, info.name,
      [this, state](const ObjectPtr& current) { return ApplyScale(*state, current); },
      [state](absl::StatusOr<ObjectPtr> result) {
        if (!result.ok()) return Reply(std::move(state->call), result.status());
        state->call->Warn(state->warnings);
        Reply(std::move(state->call), 200, ScaleOf(**result), kScale);
      },
      std::move(options));
}

absl::StatusOr<api::autoscaling::Scale> Rest::PatchedScale(ScaleState& state,
                                                           const StoredObject& current) {
  const std::string_view content_type = state.call->request.content_type;
  BERTH_ASSIGN_OR_RETURN(
      const std::string json,
      api::ApplyPatch(content_type.substr(0, content_type.find(';')), *Scale::descriptor(),
                      Encode(ScaleOf(current), kScale, Media::kJson), state.call->request.body));
  BERTH_ASSIGN_OR_RETURN(std::unique_ptr<Message> patched,
                         DecodePatched(json, Scale::default_instance(), kScale,
                                       state.options.field_validation, state.call->warnings));
  return std::move(static_cast<Scale&>(*patched));
}

absl::StatusOr<Change> Rest::ApplyScale(ScaleState& state, const ObjectPtr& current) {
  const RequestInfo& info = state.call->info;
  const api::Resource& resource = *info.resource;
  if (current == nullptr) return api::NotFound(resource, info.name);
  Scale wanted;
  if (state.body) {
    wanted = static_cast<const Scale&>(*state.body);
    BERTH_RETURN_IF_ERROR(CheckPrecondition(resource, current->metadata(), "UID",
                                            wanted.metadata().uid(), current->metadata().uid()));
  } else if (state.base != nullptr && state.base->revision() == current->revision()) {
    BERTH_ASSIGN_OR_RETURN(wanted, state.patched);
  } else {
    BERTH_ASSIGN_OR_RETURN(wanted, PatchedScale(state, *current));
  }
  BERTH_RETURN_IF_ERROR(CheckReplicas(wanted, *current));
  if (!state.body) {
    BERTH_RETURN_IF_ERROR(
        CheckPatchedUid(resource, current->metadata(), wanted.metadata().uid(), "scale"));
  }
  const std::string& version = wanted.metadata().resource_version();
  if (!version.empty() && version != current->metadata().resource_version()) {
    return api::Conflict(resource, info.name,
                         "the object has been modified; please apply your changes to the latest "
                         "version and try again");
  }
  const Scale before = ScaleOf(*current);
  AdmissionRequest request =
      AdmissionOf(*state.call, Verb::kUpdate, "scale", &wanted, &before);
  BERTH_RETURN_IF_ERROR(pipeline_.Mutate(request));
  const int32_t replicas = wanted.spec().replicas();
  BERTH_RETURN_IF_ERROR(pipeline_.Validate(request));
  std::shared_ptr<Message> object(current->message().New());
  object->CopyFrom(current->message());
  Message& spec = *object->GetReflection()->MutableMessage(object.get(), FieldOf(*object, "spec"));
  if (Replicas(spec) == replicas) return Change::Keep();
  spec.GetReflection()->SetInt32(&spec, FieldOf(spec, "replicas"), replicas);
  api::PrepareForUpdate(resource, "", current->message(), *object);
  BERTH_RETURN_IF_ERROR(ValidateUpdate(resource, "", *object, current->message()));
  state.warnings = api::UpdateWarnings(resource, "scale", *object, current->message());
  return Change::Put(std::move(object));
}

}  // namespace berth::apiserver
