// delete and deletecollection.
//
//   bound pod        --DELETE--> deletionTimestamp, grace period; the node agent ends it and asks
//                                again with grace 0
//   grace 0, no finalizers  -->  a pod is marked (watchers see it), then removed; others at once
//   finalizers              -->  deletionTimestamp; removed by the update that takes the last one
//   namespace               -->  Terminating, until its spec.finalizers are gone; then the next
//                                DELETE removes it
//
// No garbage collector runs, so nobody would ever take the finalizers "orphan" and
// "foregroundDeletion": they are not added. A deletion that asks for something else takes them.
//
// Source: apiserver/pkg/registry/rest/delete.go, registry/generic/registry/store.go,
// pkg/registry/core/pod/strategy.go.
#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/pod_phase.h"
#include "api/schema/core_v1_namespace.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/meta_v1_options.pb.h"
#include "api/schema/meta_v1_status.pb.h"
#include "base/status_macros.h"
#include "cluster/apiserver/request_options.h"
#include "cluster/apiserver/rest.h"
#include "cluster/apiserver/strategy.h"

namespace berth::apiserver {
namespace {

using Finalizers = google::protobuf::RepeatedPtrField<std::string>;

absl::StatusOr<DeletionOptions> OptionsOf(Call& call) {
  BERTH_ASSIGN_OR_RETURN(const auto body, std::move(call.body));
  return ParseDeletionOptions(call.info.query,
                              static_cast<const api::meta::DeleteOptions*>(body.get()));
}

// How long a pod may take to end: nothing when no node runs it.
int64_t PodGrace(const api::core::Pod& pod, const std::optional<int64_t>& asked) {
  int64_t seconds = asked.value_or(pod.spec().has_termination_grace_period_seconds()
                                       ? pod.spec().termination_grace_period_seconds() : 30);
  if (pod.spec().node_name().empty() || api::IsTerminal(pod)) seconds = 0;
  return seconds < 0 ? 1 : seconds;
}

std::shared_ptr<google::protobuf::Message> CopyOf(const StoredObject& object) {
  std::shared_ptr<google::protobuf::Message> copy(object.message().New());
  copy->CopyFrom(object.message());
  return copy;
}

// The finalizers without those of the garbage collector that `propagation` rules out.
Finalizers KeptFinalizers(const api::meta::ObjectMeta& metadata, std::string_view propagation) {
  Finalizers kept = metadata.finalizers();
  if (propagation.empty()) return kept;
  const auto ruled_out = [&](const std::string& name) {
    return (name == "orphan" && propagation != "Orphan") ||
           (name == "foregroundDeletion" && propagation != "Foreground");
  };
  kept.erase(std::remove_if(kept.begin(), kept.end(), ruled_out), kept.end());
  return kept;
}

// deletionTimestamp `grace_seconds` from `now`.
void Mark(api::meta::ObjectMeta& metadata, absl::Time now, int64_t grace_seconds) {
  SetTime(*metadata.mutable_deletion_timestamp(), now + absl::Seconds(grace_seconds));
  metadata.set_deletion_grace_period_seconds(grace_seconds);
  if (metadata.generation() > 0) metadata.set_generation(metadata.generation() + 1);
}

}  // namespace

struct Rest::DeleteState {
  RequestInfo info;
  UserInfo user;
  DeletionOptions options;
  DeleteDone done;
  bool remove = false;   // the last Change was the removal
  bool marked = false;   // the last Change marks a pod with grace 0: once written, the pod goes
  bool removing = false;  // the mark is written
};

struct Rest::CollectionState {
  CallPtr call;
  DeletionOptions options;
  std::vector<ObjectPtr> objects;
  size_t next = 0;
  std::vector<ObjectPtr> deleted;  // as they were before, which is what upstream answers with
  ListMetadata metadata;
};

absl::Status Rest::CheckPreconditions(const DeletionOptions& options,
                                      const StoredObject& object) {
  const api::meta::ObjectMeta& metadata = object.metadata();
  const api::Resource& resource = object.resource();
  const auto conflict = [&](std::string_view text) {
    api::Resource named = resource;  // upstream names the kind here, not the resource
    named.plural = resource.kind;
    return api::Conflict(named, metadata.name(), text);
  };
  if (options.uid && *options.uid != metadata.uid()) {
    return conflict(fmt::format(
        "the UID in the precondition ({}) does not match the UID in record ({}). The object might "
        "have been deleted and then recreated",
        *options.uid, metadata.uid()));
  }
  if (options.resource_version && *options.resource_version != metadata.resource_version()) {
    return conflict(fmt::format(
        "the ResourceVersion in the precondition ({}) does not match the ResourceVersion in record "
        "({}). The object might have been modified",
        *options.resource_version, metadata.resource_version()));
  }
  return absl::OkStatus();
}

absl::StatusOr<Change> Rest::ApplyDelete(DeleteState& state, const ObjectPtr& current) {
  if (current == nullptr) return api::NotFound(*state.info.resource, state.info.name);
  BERTH_RETURN_IF_ERROR(CheckPreconditions(state.options, *current));
  AdmissionRequest request = {.info = state.info,
                              .user = state.user,
                              .resource = *state.info.resource,
                              .namespace_ = current->metadata().namespace_(),
                              .name = current->metadata().name(),
                              .verb = Verb::kDelete,
                              .subresource = {},
                              .object = nullptr,
                              .old_object = &current->message()};
  BERTH_RETURN_IF_ERROR(pipeline_.Validate(request));
  const absl::Time now = executor_.clock().Now();
  state.remove = state.marked = false;  // of an attempt that somebody else's write overtook
  if (state.info.resource->kind == "Pod") return DeletePod(state, *current, now);
  if (state.info.resource->kind == "Namespace") return DeleteNamespace(state, *current, now);
  const api::meta::ObjectMeta& old = current->metadata();
  Finalizers finalizers = KeptFinalizers(old, state.options.propagation);
  if (finalizers.empty()) {
    state.remove = true;
    return Change::Delete();
  }
  if (old.has_deletion_timestamp() && finalizers.size() == old.finalizers_size()) {
    return Change::Keep();
  }
  auto object = CopyOf(*current);
  api::meta::ObjectMeta& metadata = MutableMetadata(*object);
  *metadata.mutable_finalizers() = std::move(finalizers);
  if (!old.has_deletion_timestamp()) Mark(metadata, now, 0);
  return Change::Put(std::move(object));
}

absl::StatusOr<Change> Rest::DeletePod(DeleteState& state, const StoredObject& current,
                                       absl::Time now) {
  const api::meta::ObjectMeta& old = current.metadata();
  Finalizers finalizers = KeptFinalizers(old, state.options.propagation);
  const bool some = !finalizers.empty();
  const bool marked = old.has_deletion_timestamp() && old.deletion_grace_period_seconds() == 0;
  if (state.removing || marked) {
    if (some && finalizers.size() == old.finalizers_size()) return Change::Keep();
    if (!some) {
      state.remove = true;
      return Change::Delete();
    }
  }
  auto object = CopyOf(current);
  api::meta::ObjectMeta& metadata = MutableMetadata(*object);
  *metadata.mutable_finalizers() = std::move(finalizers);
  if (state.removing || marked) return Change::Put(std::move(object));
  int64_t grace = PodGrace(current.As<api::core::Pod>(), state.options.grace_seconds);
  if (!old.has_deletion_timestamp()) {
    Mark(metadata, now, grace);
  } else {
    // A deletion under way may only be hurried.
    const int64_t before = old.deletion_grace_period_seconds();
    if (!state.options.grace_seconds || grace >= before) return Change::Keep();
    const absl::Time began = absl::FromUnixSeconds(old.deletion_timestamp().seconds() - before);
    SetTime(*metadata.mutable_deletion_timestamp(), began + absl::Seconds(grace));
    metadata.set_deletion_grace_period_seconds(grace);
  }
  state.marked = grace == 0;
  if (state.marked && state.options.dry_run) state.remove = !some;
  return Change::Put(std::move(object));
}

absl::StatusOr<Change> Rest::DeleteNamespace(DeleteState& state, const StoredObject& current,
                                             absl::Time now) {
  const auto& space = current.As<api::core::Namespace>();
  if (space.metadata().has_deletion_timestamp()) {
    if (!space.spec().finalizers().empty() || !space.metadata().finalizers().empty()) {
      return Change::Keep();
    }
    state.remove = true;
    return Change::Delete();
  }
  auto object = CopyOf(current);
  auto& marked = static_cast<api::core::Namespace&>(*object);
  SetTime(*marked.mutable_metadata()->mutable_deletion_timestamp(), now);
  marked.mutable_status()->set_phase("Terminating");
  return Change::Put(std::move(object));
}

void Rest::DeleteObject(const RequestInfo& info, const UserInfo& user, DeletionOptions options,
                        DeleteDone done) {
  auto state = std::make_shared<DeleteState>();
  state->info = info;
  state->user = user;
  state->options = std::move(options);
  state->done = std::move(done);
  ObjectWriter::Options write;
  write.dry_run = state->options.dry_run;
  writer_.Modify(
      *state->info.resource, state->info.namespace_, state->info.name,
      [this, state](const ObjectPtr& current) { return ApplyDelete(*state, current); },
      [this, state](absl::StatusOr<ObjectPtr> result) {
        // The second step of a pod's removal; somebody else may have done it meanwhile.
        if (result.ok() && state->marked && !state->remove && !state->options.dry_run &&
            (*result)->metadata().finalizers().empty()) {
          return RemoveMarked(state, *result);
        }
        state->done(std::move(result), state->remove);
      },
      std::move(write));
}

void Rest::RemoveMarked(const std::shared_ptr<DeleteState>& state, const ObjectPtr& marked) {
  state->removing = true;
  state->options.resource_version.reset();
  state->options.uid = marked->metadata().uid();
  writer_.Modify(
      *state->info.resource, state->info.namespace_, state->info.name,
      [this, state](const ObjectPtr& current) { return ApplyDelete(*state, current); },
      [state, marked](const absl::StatusOr<ObjectPtr>& result) {
        if (!result.ok() && !api::IsNotFound(result.status()) &&
            !api::IsConflict(result.status())) {
          return state->done(result.status(), false);
        }
        state->done(marked, true);
      });
}

void Rest::Delete(CallPtr call) {
  auto options = OptionsOf(*call);
  if (!options.ok()) return Reply(std::move(call), options.status());
  auto shared = std::make_shared<CallPtr>(std::move(call));
  auto done = [shared](absl::StatusOr<ObjectPtr> result, bool removed) {
    CallPtr waiting = std::move(*shared);
    if (!result.ok()) return Reply(std::move(waiting), result.status());
    const api::Resource& resource = *waiting->info.resource;
    if (!removed || RulesOf(resource).returns_deleted) {
      return Reply(std::move(waiting), 200, *result);
    }
    api::meta::Status status;
    status.set_status("Success");
    status.mutable_details()->set_name((*result)->metadata().name());
    if (!resource.group.empty()) status.mutable_details()->set_group(std::string(resource.group));
    status.mutable_details()->set_kind(std::string(resource.plural));
    status.mutable_details()->set_uid((*result)->metadata().uid());
    waiting->output.as = OutputFormat::As::kItself;
    Reply(std::move(waiting), 200, status, {"v1", "Status"});
  };
  const Call& it = **shared;
  DeleteObject(it.info, it.user, *std::move(options), std::move(done));
}

// --- collections -------------------------------------------------------------------------------

void Rest::DeleteCollection(CallPtr call) {
  auto state = std::make_shared<CollectionState>();
  state->call = std::move(call);
  const RequestInfo& info = state->call->info;
  api::LabelSelector labels;
  api::FieldSelector fields;
  const auto prepare = [&]() -> absl::Status {
    BERTH_ASSIGN_OR_RETURN(state->options, OptionsOf(*state->call));
    BERTH_ASSIGN_OR_RETURN(const ListOptions list, ParseListOptions(info.query, false));
    BERTH_ASSIGN_OR_RETURN(labels, api::LabelSelector::Parse(list.label_selector));
    BERTH_ASSIGN_OR_RETURN(fields,
                           api::FieldSelector::Parse(*info.resource, list.field_selector));
    return absl::OkStatus();
  };
  if (auto status = prepare(); !status.ok()) return Reply(std::move(state->call), status);
  cache_.WhenFresh([this, state, labels = std::move(labels),
                    fields = std::move(fields)](const absl::Status& status) {
    if (!status.ok()) return Reply(std::move(state->call), status);
    const RequestInfo& asked = state->call->info;
    state->metadata.revision = cache_.applied();
    cache_.For(*asked.resource).Visit(asked.namespace_, "", [&](const ObjectPtr& object) {
      if (labels.Matches(object->metadata().labels()) && fields.Matches(object->message())) {
        state->objects.push_back(object);
      }
      return true;
    });
    DeleteNext(state);
  });
}

void Rest::DeleteNext(const std::shared_ptr<CollectionState>& state) {
  if (state->next == state->objects.size()) {
    std::string body = RenderList(*state->call->info.resource, state->deleted, state->metadata,
                                  RenderOptionsOf(*state->call, executor_.clock().Now()));
    return ReplyText(std::move(state->call), 200, std::move(body));
  }
  const ObjectPtr object = state->objects[state->next++];
  RequestInfo one = state->call->info;
  one.namespace_ = object->metadata().namespace_();
  one.name = object->metadata().name();
  auto done = [this, state, object](const absl::StatusOr<ObjectPtr>& result, bool) {
    if (!result.ok() && !api::IsNotFound(result.status())) {
      return Reply(std::move(state->call), result.status());
    }
    if (result.ok()) state->deleted.push_back(object);
    // A task of its own: some deletions end inside the call, and the stack would grow with them.
    executor_.Post([this, alive = alive_.Watch(), state] {
      if (!alive.expired()) DeleteNext(state);
    });
  };
  DeleteObject(one, state->call->user, state->options, std::move(done));
}

}  // namespace berth::apiserver
