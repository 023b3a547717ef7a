// update and patch, of whole objects, their status, and a namespace's finalizers.
//
//   current --body, or patch of its JSON--> wanted -> version check -> defaults -> admission
//           -> what may not change is put back -> validation -> admission -> store
//
// A patch is applied again whenever somebody else was faster; a whole object without a
// resourceVersion overwrites, with one it conflicts. What is heavy is worked out on the encoder,
// from the object as it was then, and again when it has changed meanwhile.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/json.h"
#include "api/patch.h"
#include "api/prepare.h"
#include "api/schema/core_v1_namespace.pb.h"
#include "api/warnings.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "cluster/apiserver/object_rules.h"
#include "cluster/apiserver/render.h"
#include "cluster/apiserver/request_options.h"
#include "cluster/apiserver/rest.h"
#include "cluster/apiserver/strategy.h"

namespace berth::apiserver {
namespace {

// A heavy update finds its object changed this often.
constexpr int kAsidesMax = 5;

constexpr std::string_view kModified =
    "the object has been modified; please apply your changes to the latest version and try again";

std::string_view MediaTypeOf(std::string_view content_type) {
  const std::string_view type = content_type.substr(0, content_type.find(';'));
  const size_t end = type.find_last_not_of(' ');
  return end == std::string_view::npos ? std::string_view() : type.substr(0, end + 1);
}

std::shared_ptr<google::protobuf::Message> CopyOf(const google::protobuf::Message& object) {
  std::shared_ptr<google::protobuf::Message> copy(object.New());
  copy->CopyFrom(object);
  return copy;
}

// The last finalizer of an object that is being deleted has gone.
bool IsDone(const api::Resource& resource, const google::protobuf::Message& object) {
  const api::meta::ObjectMeta& metadata = MetadataOf(object);
  if (!metadata.has_deletion_timestamp() || !metadata.finalizers().empty() ||
      metadata.deletion_grace_period_seconds() != 0) {
    return false;
  }
  return resource.kind != "Namespace" ||
         static_cast<const api::core::Namespace&>(object).spec().finalizers().empty();
}

// What a heavy update comes to, and from which object.
struct WorkedOut {
  ObjectPtr base;
  MessagePtr object;
  absl::Status checked;
  bool same = false;       // as the base
  Bytes encoded;           // null: nothing is to be stored
  bool overtaken = false;  // the base is not the current object any more
};

}  // namespace

struct Rest::UpdateState {
  CallPtr call;
  WriteOptions options;
  MessagePtr body;          // of an update, in the stored form
  std::string patch_type;   // of a patch
  std::string_view subresource;
  absl::Time now;           // of the latest try
  bool created = false;
  bool warned = false;      // those of the body are collected once
  std::vector<std::string> warnings;  // of the object that is to be
  std::optional<WorkedOut> aside;  // of a heavy one
  int asides = 0;
};

void Rest::Update(CallPtr call) {
  auto state = std::make_shared<UpdateState>();
  state->call = std::move(call);
  const auto prepare = [&]() -> absl::Status {
    Call& it = *state->call;
    BERTH_ASSIGN_OR_RETURN(state->options, ParseWriteOptions(it.info.query, "UpdateOptions"));
    BERTH_ASSIGN_OR_RETURN(auto body, std::move(it.body));
    state->body = ToStoredForm(*it.info.resource, std::move(body));
    api::meta::ObjectMeta& metadata = MutableMetadata(*state->body);
    BERTH_RETURN_IF_ERROR(CheckNamed(it.info, metadata));
    metadata.set_namespace_(it.info.namespace_);
    if (it.info.namespace_.empty()) metadata.clear_namespace_();
    it.Warn(DropRepeatedOwners(*state->body, false));
    return absl::OkStatus();
  };
  if (auto status = prepare(); !status.ok()) return Reply(std::move(state->call), status);
  StartUpdate(state);
}

void Rest::Patch(CallPtr call) {
  auto state = std::make_shared<UpdateState>();
  state->call = std::move(call);
  const auto prepare = [&]() -> absl::Status {
    Call& it = *state->call;
    BERTH_ASSIGN_OR_RETURN(state->options, ParseWriteOptions(it.info.query, "PatchOptions"));
    state->patch_type = std::string(MediaTypeOf(it.request.content_type));
    if (state->patch_type != api::kJsonPatchType && state->patch_type != api::kMergePatchType &&
        state->patch_type != api::kStrategicMergePatchType) {
      return api::UnsupportedMediaType(fmt::format(
          "the body of the request was in an unknown format - accepted media types include: {}, "
          "{}, {}",
          api::kJsonPatchType, api::kMergePatchType, api::kStrategicMergePatchType));
    }
    return absl::OkStatus();
  };
  if (auto status = prepare(); !status.ok()) return Reply(std::move(state->call), status);
  StartUpdate(state);
}

void Rest::StartUpdate(const std::shared_ptr<UpdateState>& state) {
  const RequestInfo& info = state->call->info;
  state->now = executor_.clock().Now();
  if (info.subresource != nullptr) state->subresource = info.subresource->name;
  const ObjectPtr base = cache_.For(*info.resource)
                             .Find(CacheKey(*info.resource, info.namespace_, info.name));
  const bool heavy =
      base != nullptr && (state->call->heavy || base->stored_bytes() > kLightBytesMax);
  state->aside.reset();
  if (!heavy) return WriteUpdate(state);
  state->aside.emplace();
  state->aside->base = base;
  ++state->asides;
  UpdateAside(state);
}

void Rest::UpdateAside(const std::shared_ptr<UpdateState>& state) {
  auto read = [state, &encoder = encoder_] {
    WorkedOut& aside = *state->aside;
    auto wanted = Wanted(*state, *aside.base);
    aside.checked = wanted.status();
    if (!wanted.ok()) return;
    aside.object = FreedOn(encoder, *std::move(wanted));
    ApplyStoredDefaults(*state->call->info.resource, *aside.object);
  };
  auto check = [state] {
    WorkedOut& aside = *state->aside;
    if (aside.checked.ok()) aside.checked = CheckUpdate(*state, *aside.base, *aside.object);
    if (!aside.checked.ok()) return;
    aside.same = SameObject(*aside.object, aside.base->message());
    const bool stays = aside.same || state->options.dry_run ||
                       IsDone(*state->call->info.resource, *aside.object);
    if (stays) return;  // nothing will be stored
    api::meta::ObjectMeta& metadata = MutableMetadata(*aside.object);
    metadata.clear_resource_version();
    auto encoded = EncodeStored(aside.base->resource(), *aside.object);
    metadata.set_resource_version(aside.base->metadata().resource_version());
    aside.checked = encoded.status();
    if (encoded.ok()) aside.encoded = *std::move(encoded);
  };
  Aside(true, std::move(read), [this, state, check = std::move(check)]() mutable {
    WorkedOut& aside = *state->aside;
    if (aside.checked.ok()) aside.checked = BeginUpdate(*state, *aside.base, *aside.object);
    Aside(true, std::move(check), [this, state] { WriteUpdate(state); });
  });
}

void Rest::WriteUpdate(const std::shared_ptr<UpdateState>& state) {
  const RequestInfo& info = state->call->info;
  ObjectWriter::Options options;
  options.dry_run = state->options.dry_run;
  writer_.Modify(
      *info.resource, info.namespace_, info.name,
      [this, state](const ObjectPtr& current) { return ApplyUpdate(*state, current); },
      [this, state](absl::StatusOr<ObjectPtr> result) {
        if (!result.ok()) {
          const bool again = state->aside && state->aside->overtaken;
          if (again && state->asides < kAsidesMax) return StartUpdate(state);
          return Reply(std::move(state->call), result.status());
        }
        state->call->Warn(state->warnings);
        Reply(std::move(state->call), state->created ? 201 : 200, *result);
      },
      std::move(options));
}

// These four: on the executor or, of a heavy update, on the encoder.
absl::StatusOr<MessagePtr> Rest::Wanted(UpdateState& state, const StoredObject& current) {
  if (state.body) return CopyOf(*state.body);  // the body itself stays for another try
  return Patched(state, current);
}

absl::StatusOr<MessagePtr> Rest::Patched(UpdateState& state, const StoredObject& current) {
  const api::Resource& resource = *state.call->info.resource;
  const ObjectPtr shown = ViewAs(resource, std::shared_ptr<const StoredObject>(
                                               std::shared_ptr<void>(), &current));
  BERTH_ASSIGN_OR_RETURN(
      const std::string json,
      api::ApplyPatch(state.patch_type, *resource.prototype->GetDescriptor(),
                      *shown->Encoded(Media::kJson), state.call->request.body));
  std::vector<std::string> ignored;
  BERTH_ASSIGN_OR_RETURN(
      std::unique_ptr<google::protobuf::Message> object,
      DecodePatched(json, *resource.prototype, TypeNameOf(resource),
                    state.options.field_validation,
                    state.warned ? ignored : state.call->warnings));
  std::string repeated = DropRepeatedOwners(*object, true);
  if (!state.warned) state.call->Warn(std::move(repeated));
  state.warned = true;
  return ToStoredForm(resource, std::move(object));
}

absl::Status Rest::CheckVersion(const UpdateState& state, const StoredObject& current,
                                const api::meta::ObjectMeta& wanted) {
  const api::Resource& resource = *state.call->info.resource;
  if (state.body) {
    BERTH_RETURN_IF_ERROR(CheckPrecondition(resource, current.metadata(), "UID", wanted.uid(),
                                            current.metadata().uid()));
  } else {
    BERTH_RETURN_IF_ERROR(CheckPatchedUid(resource, current.metadata(), wanted.uid()));
  }
  if (wanted.resource_version().empty() || wanted.resource_version() == "0") {
    if (RulesOf(resource).unconditional_update) return absl::OkStatus();
    return api::InvalidKind(resource.group, resource.plural, current.metadata().name(),
                            {api::InvalidInt("metadata.resourceVersion", 0,
                                             "must be specified for an update")});
  }
  if (wanted.resource_version() != current.metadata().resource_version()) {
    return api::Conflict(resource, current.metadata().name(), kModified);
  }
  return absl::OkStatus();
}

AdmissionRequest Rest::AdmissionOf(const Call& call, Verb verb, std::string_view subresource,
                                   google::protobuf::Message* object,
                                   const google::protobuf::Message* old_object) {
  return {.info = call.info,
          .user = call.user,
          .resource = *call.info.resource,
          .namespace_ = call.info.namespace_,
          .name = call.info.name,
          .verb = verb,
          .subresource = subresource,
          .object = object,
          .old_object = old_object};
}

absl::Status Rest::CheckUpdate(UpdateState& state, const StoredObject& current,
                               google::protobuf::Message& object) {
  const api::Resource& resource = *state.call->info.resource;
  MutableMetadata(object).clear_managed_fields();
  api::PrepareForUpdate(resource, state.subresource, current.message(), object);
  FillTimes(object, state.now);
  BERTH_RETURN_IF_ERROR(ValidateUpdate(resource, state.subresource, object, current.message()));
  state.warnings = api::UpdateWarnings(resource, state.subresource, object, current.message());
  return absl::OkStatus();
}

// Everything that has defaults, up to validation.
absl::Status Rest::BeginUpdate(const UpdateState& state, const StoredObject& current,
                               google::protobuf::Message& object) const {
  BERTH_RETURN_IF_ERROR(CheckVersion(state, current, MetadataOf(object)));
  MutableMetadata(object).set_resource_version(current.metadata().resource_version());
  AdmissionRequest request = AdmissionOf(*state.call, Verb::kUpdate, state.subresource, &object,
                                         &current.message());
  return pipeline_.Mutate(request);
}

absl::StatusOr<Change> Rest::FinishUpdate(UpdateState& state, const StoredObject& current,
                                          MessagePtr object, bool same, Bytes encoded) const {
  BERTH_RETURN_IF_ERROR(pipeline_.Validate(AdmissionOf(
      *state.call, Verb::kUpdate, state.subresource, object.get(), &current.message())));
  if (IsDone(*state.call->info.resource, *object)) return Change::Delete(std::move(object));
  if (same) return Change::Keep();
  return Change::Put(std::move(object), std::move(encoded));
}

absl::StatusOr<Change> Rest::ApplyUpdate(UpdateState& state, const ObjectPtr& current) {
  const RequestInfo& info = state.call->info;
  const api::Resource& resource = *info.resource;
  if (state.aside) state.aside->overtaken = false;
  if (current == nullptr) {
    if (state.body && state.subresource.empty() && RulesOf(resource).create_on_update) {
      MessagePtr object = CopyOf(*state.body);
      MutableMetadata(*object).clear_resource_version();
      ApplyStoredDefaults(resource, *object);
      BERTH_RETURN_IF_ERROR(BeginCreate(info, state.call->user, *object));
      BERTH_RETURN_IF_ERROR(ValidateCreate(resource, *object));
      BERTH_RETURN_IF_ERROR(
          pipeline_.Validate(AdmissionOfNew(info, state.call->user, *object)));
      state.created = true;
      return Change::Put(std::move(object));
    }
    return api::NotFound(resource, info.name);
  }
  if (state.aside) {
    WorkedOut& aside = *state.aside;
    aside.overtaken = aside.base->revision() != current->revision();
    if (aside.overtaken) return api::Conflict(resource, info.name, kModified);
    BERTH_RETURN_IF_ERROR(aside.checked);
    return FinishUpdate(state, *current, aside.object, aside.same, aside.encoded);
  }
  BERTH_ASSIGN_OR_RETURN(MessagePtr object, Wanted(state, *current));
  ApplyStoredDefaults(resource, *object);
  BERTH_RETURN_IF_ERROR(BeginUpdate(state, *current, *object));
  BERTH_RETURN_IF_ERROR(CheckUpdate(state, *current, *object));
  const bool same = SameObject(*object, current->message());
  return FinishUpdate(state, *current, std::move(object), same, nullptr);
}

}  // namespace berth::apiserver
