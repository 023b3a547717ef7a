// create: body -> defaults -> admission -> server's fields -> validation -> admission -> store.
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/warnings.h"
#include "base/status_macros.h"
#include "cluster/apiserver/object_rules.h"
#include "cluster/apiserver/request_options.h"
#include "cluster/apiserver/rest.h"
#include "cluster/apiserver/strategy.h"

namespace berth::apiserver {
namespace {

// A generated name that is taken is replaced this often.
constexpr int kGenerateTriesMax = 8;

const UserInfo kSystem = {"system:apiserver", {"system:masters"}};

}  // namespace

struct Rest::CreateState {
  RequestInfo info;
  UserInfo user;
  WriteOptions options;
  std::shared_ptr<google::protobuf::Message> object;  // in the stored form
  ObjectWriter::Done done;
  bool generated = false;
  bool fresh = false;  // the cache was certainly up to date when this was admitted
  int tries = 0;
  bool heavy = false;
  absl::Status checked;
  std::vector<std::string> warnings;
  Bytes encoded;       // of a heavy one
};

void Rest::Create(CallPtr call) {
  auto state = std::make_shared<CreateState>();
  const auto prepare = [&]() -> absl::Status {
    const api::Resource& resource = *call->info.resource;
    BERTH_ASSIGN_OR_RETURN(state->options, ParseWriteOptions(call->info.query, "CreateOptions"));
    BERTH_ASSIGN_OR_RETURN(auto body, std::move(call->body));
    call->Warn(DropRepeatedOwners(*body, false));
    state->object = ToStoredForm(resource, std::move(body));
    return absl::OkStatus();
  };
  if (auto status = prepare(); !status.ok()) return Reply(std::move(call), status);
  state->info = call->info;
  state->user = call->user;
  state->heavy = call->heavy;
  auto shared = std::make_shared<CallPtr>(std::move(call));
  state->done = [shared, &made = *state](absl::StatusOr<ObjectPtr> result) {
    (*shared)->Warn(made.warnings);
    if (!result.ok()) return Reply(std::move(*shared), result.status());
    Reply(std::move(*shared), 201, *result);
  };
  api::meta::ObjectMeta& metadata = MutableMetadata(*state->object);
  if (!metadata.resource_version().empty()) {
    return state->done(
        api::PlainError("resourceVersion should not be set on objects to be created"));
  }
  if (metadata.namespace_().empty() && !state->info.namespace_.empty()) {
    metadata.set_namespace_(state->info.namespace_);
  }
  if (!state->info.resource->namespaced) metadata.clear_namespace_();
  if (metadata.namespace_() != state->info.namespace_) {
    return state->done(WrongNamespace());
  }
  (*shared)->Warn(api::GivenWarnings(*state->object));
  state->generated = metadata.name().empty() && !metadata.generate_name().empty();
  if (!state->heavy) return TryCreate(state);
  Aside(true, [state] { ApplyStoredDefaults(*state->info.resource, *state->object); },
        [this, state] { TryCreate(state); });
}

void Rest::Ensure(const api::Resource& resource, std::shared_ptr<google::protobuf::Message> object,
                  store::DoneCallback done) {
  auto state = std::make_shared<CreateState>();
  state->info.kind = RequestInfo::Kind::kResource;
  state->info.verb = Verb::kCreate;
  state->info.resource = &resource;
  state->info.namespace_ = MetadataOf(*object).namespace_();
  state->user = kSystem;
  state->object = std::move(object);
  state->done = [done = std::move(done)](const absl::StatusOr<ObjectPtr>& result) mutable {
    done(result.ok() || api::IsAlreadyExists(result.status()) ? absl::OkStatus()
                                                              : result.status());
  };
  const api::meta::ObjectMeta& metadata = MetadataOf(*state->object);
  if (cache_.For(resource).Find(CacheKey(resource, metadata.namespace_(), metadata.name()))) {
    return state->done(ObjectPtr());
  }
  TryCreate(state);
}

void Rest::TryCreate(const std::shared_ptr<CreateState>& state) {
  const api::Resource& resource = *state->info.resource;
  if (state->generated) {
    MutableMetadata(*state->object)
        .set_name(GenerateName(MetadataOf(*state->object).generate_name(), random_));
  }
  ++state->tries;
  if (!state->heavy) ApplyStoredDefaults(resource, *state->object);
  state->checked = BeginCreate(state->info, state->user, *state->object);
  if (!state->checked.ok()) return RefuseCreate(state, state->checked);
  auto check = [state, &resource, &stored = cache_.For(resource).resource()] {
    state->checked = ValidateCreate(resource, *state->object);
    if (state->checked.ok()) state->warnings = api::CreateWarnings(resource, *state->object);
    if (!state->heavy || !state->checked.ok() || state->options.dry_run) return;
    auto encoded = EncodeStored(stored, *state->object);
    state->checked = encoded.status();
    if (encoded.ok()) state->encoded = *std::move(encoded);
  };
  Aside(state->heavy, std::move(check), [this, state] {
    if (state->checked.ok()) {
      state->checked = pipeline_.Validate(AdmissionOfNew(state->info, state->user, *state->object));
    }
    if (!state->checked.ok()) return RefuseCreate(state, state->checked);
    PutNew(state);
  });
}

void Rest::PutNew(const std::shared_ptr<CreateState>& state) {
  const api::Resource& resource = *state->info.resource;
  ObjectWriter::Options options;
  options.dry_run = state->options.dry_run;
  if (resource.kind == "Pod" && !options.dry_run) {
    const auto& pod = static_cast<const api::core::Pod&>(*state->object);
    if (!pod.spec().node_name().empty()) {
      const std::string uid = pod.metadata().uid();
      ledger_.ForceReserve(uid, pod.spec().node_name(), LoadOf(pod));
      options.settled = [this, uid](store::Revision revision) { ledger_.Settle(uid, revision); };
    }
  }
  const std::string namespace_ = state->info.namespace_;
  const std::string name = MetadataOf(*state->object).name();
  auto apply = [state, name](const ObjectPtr& current) -> absl::StatusOr<Change> {
    if (current) return api::AlreadyExists(*state->info.resource, name);
    return Change::Put(state->object, state->encoded);
  };
  auto done = [this, state](absl::StatusOr<ObjectPtr> result) {
    if (!result.ok() && state->generated && state->tries < kGenerateTriesMax &&
        api::IsAlreadyExists(result.status())) {
      return TryCreate(state);
    }
    state->done(std::move(result));
  };
  writer_.Modify(resource, namespace_, name, std::move(apply), std::move(done),
                 std::move(options));
}

// A namespace that is not there may have been made by another server a moment ago.
void Rest::RefuseCreate(const std::shared_ptr<CreateState>& state, absl::Status failure) {
  if (state->fresh || !api::IsNotFound(failure)) return state->done(std::move(failure));
  state->fresh = true;
  cache_.WhenFresh([this, state](const absl::Status& status) {
    if (!status.ok()) return state->done(status);
    TryCreate(state);
  });
}

AdmissionRequest Rest::AdmissionOfNew(const RequestInfo& info, const UserInfo& user,
                                      google::protobuf::Message& object) {
  return {.info = info,
          .user = user,
          .resource = *info.resource,
          .namespace_ = info.namespace_,
          .name = MetadataOf(object).name(),
          .verb = Verb::kCreate,
          .subresource = {},
          .object = &object,
          .old_object = nullptr};
}

// From defaults to validation.
absl::Status Rest::BeginCreate(const RequestInfo& info, const UserInfo& user,
                               google::protobuf::Message& object) {
  AdmissionRequest request = AdmissionOfNew(info, user, object);
  BERTH_RETURN_IF_ERROR(pipeline_.Mutate(request));
  PrepareNew(*info.resource, object, executor_.clock().Now(), random_);
  return absl::OkStatus();
}

}  // namespace berth::apiserver
