#include "bench/scheduler_perf/rig/memory_api.h"

#include <utility>

#include <fmt/core.h>

#include "api/defaults.h"
#include "api/errors.h"
#include "api/json.h"
#include "api/object.h"
#include "api/patch.h"
#include "api/pod_phase.h"
#include "api/prepare.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/meta_v1.pb.h"
#include "api/wire.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace berth::bench {
namespace {

using api::core::Pod;
using framework::ObjectPtr;
using google::protobuf::Message;

// The member `name` of `object` becomes what it is in `old`.
void Keep(const Message& old, Message& object, const char* name) {
  const auto* field = object.GetDescriptor()->FindFieldByName(name);
  if (field == nullptr) return;
  const auto* reflection = object.GetReflection();
  reflection->ClearField(&object, field);
  if (!old.GetReflection()->HasField(old, field)) return;
  reflection->MutableMessage(&object, field)
      ->CopyFrom(old.GetReflection()->GetMessage(old, field));
}

// For kinds that api::PrepareForUpdate has no strategy for: status and the rest are two halves.
void KeepOtherHalf(std::string_view subresource, const Message& old, Message& object) {
  if (subresource == "status") return Keep(old, object, "spec");
  if (object.GetDescriptor()->FindFieldByName("spec") != nullptr) Keep(old, object, "status");
}

bool HasFinalizers(const Message& object) { return !api::MetaOf(object).finalizers().empty(); }

// Seconds that a deletion leaves the object.
int64_t GraceOf(const Message& object, std::optional<int64_t> asked) {
  if (object.GetDescriptor() != Pod::descriptor()) return 0;
  const auto& pod = static_cast<const Pod&>(object);
  if (pod.spec().node_name().empty() || api::IsTerminal(pod)) return 0;
  return asked.value_or(pod.spec().termination_grace_period_seconds());
}

void SetScheduled(Pod& pod, absl::Time now) {
  api::core::PodCondition* condition = nullptr;
  for (auto& one : *pod.mutable_status()->mutable_conditions()) {
    if (one.type() == "PodScheduled") condition = &one;
  }
  if (condition == nullptr) condition = pod.mutable_status()->add_conditions();
  condition->Clear();
  condition->set_type("PodScheduled");
  condition->set_status("True");
  condition->mutable_last_transition_time()->set_seconds(absl::ToUnixSeconds(now));
}

}  // namespace

MemoryApi::MutablePtr MemoryApi::Copy(const Message& object) {
  MutablePtr out(object.New());
  out->CopyFrom(object);
  return out;
}

ObjectPtr MemoryApi::Put(const api::Resource& resource, MutablePtr object) {
  api::MutableMeta(*object).set_resource_version(std::to_string(++version_));
  ObjectPtr shown = std::move(object);
  world_.Put(resource, shown);
  return shown;
}

void MemoryApi::Remove(const api::Resource& resource, const Message& object) {
  const auto& metadata = api::MetaOf(object);
  spares_.erase(metadata.uid());
  world_.Remove(resource, metadata.namespace_(), metadata.name());
}

void MemoryApi::Prepare(const api::Resource& resource, Message& object) {
  api::ApplyDefaults(resource, object);
  api::PrepareForCreate(resource, object);
}

absl::Status MemoryApi::CreateNow(const api::Resource& resource, MutablePtr object) {
  Prepare(resource, *object);
  return CreatePrepared(resource, std::move(object));
}

absl::Status MemoryApi::CreatePrepared(const api::Resource& resource, MutablePtr object,
                                       MutablePtr spare) {
  auto& metadata = api::MutableMeta(*object);
  if (metadata.name().empty()) {
    metadata.set_name(fmt::format("{}{:05}", metadata.generate_name(), ++names_));
  }
  if (world_.Get(resource, metadata.namespace_(), metadata.name()) != nullptr) {
    return api::AlreadyExists(resource, metadata.name());
  }
  metadata.set_uid(fmt::format("{:08}", ++uids_));
  metadata.mutable_creation_timestamp()->set_seconds(absl::ToUnixSeconds(executor_.clock().Now()));
  const ObjectPtr shown = Put(resource, std::move(object));
  if (spare == nullptr) return absl::OkStatus();
  auto& same = api::MutableMeta(*spare);
  const auto& given = api::MetaOf(*shown);
  same.set_name(given.name());
  same.set_uid(given.uid());
  same.mutable_creation_timestamp()->set_seconds(given.creation_timestamp().seconds());
  same.set_resource_version(given.resource_version());
  spares_.emplace(given.uid(), std::move(spare));
  return absl::OkStatus();
}

std::shared_ptr<Pod> MemoryApi::CopyToBind(const Pod& pod) {
  const auto it = spares_.find(pod.metadata().uid());
  if (it == spares_.end()) return std::make_shared<Pod>(pod);
  const auto spare = std::static_pointer_cast<Pod>(std::move(it->second));
  spares_.erase(it);
  const bool unchanged = spare->metadata().resource_version() == pod.metadata().resource_version();
  return unchanged ? spare : std::make_shared<Pod>(pod);
}

absl::StatusOr<ObjectPtr> MemoryApi::UpdateNow(const api::Resource& resource, MutablePtr object,
                                               std::string_view subresource) {
  const auto& metadata = api::MetaOf(*object);
  const ObjectPtr held = world_.Get(resource, metadata.namespace_(), metadata.name());
  if (held == nullptr) return api::NotFound(resource, metadata.name());
  const auto& old = api::MetaOf(*held);
  if (!metadata.resource_version().empty() &&
      metadata.resource_version() != old.resource_version()) {
    return api::Conflict(resource, metadata.name(),
                         "the object has been modified; please apply your changes to the latest "
                         "version and try again");
  }
  api::ApplyDefaults(resource, *object);
  KeepOtherHalf(subresource, *held, *object);
  api::PrepareForUpdate(resource, subresource, *held, *object);
  const ObjectPtr shown = Put(resource, std::move(object));
  const bool released = api::MetaOf(*shown).has_deletion_timestamp() && !HasFinalizers(*shown) &&
                        api::MetaOf(*shown).deletion_grace_period_seconds() == 0;
  if (released) Remove(resource, *held);
  return shown;
}

absl::Status MemoryApi::DeleteNow(const api::Resource& resource, std::string_view namespace_,
                                  std::string_view name, std::string_view uid,
                                  std::optional<int64_t> grace_s) {
  const ObjectPtr held = world_.Get(resource, namespace_, name);
  if (held == nullptr) return api::NotFound(resource, name);
  const auto& old = api::MetaOf(*held);
  if (!uid.empty() && uid != old.uid()) {
    return api::Conflict(resource, name, "the UID in the precondition does not match");
  }
  const int64_t grace = GraceOf(*held, grace_s);
  if (grace == 0 && !HasFinalizers(*held)) {
    Remove(resource, *held);
    return absl::OkStatus();
  }
  if (old.has_deletion_timestamp()) return absl::OkStatus();
  MutablePtr marked = Copy(*held);
  auto& metadata = api::MutableMeta(*marked);
  metadata.mutable_deletion_timestamp()->set_seconds(
      absl::ToUnixSeconds(executor_.clock().Now()) + grace);
  metadata.set_deletion_grace_period_seconds(grace);
  Put(resource, std::move(marked));
  return absl::OkStatus();
}

absl::Status MemoryApi::BindNow(std::string_view namespace_, std::string_view name,
                                std::string_view uid, const std::string& node) {
  const auto& resource = api::ResourceOf<Pod>();
  const ObjectPtr held = world_.Get(resource, namespace_, name);
  if (held == nullptr) return api::NotFound(resource, name);
  const auto& old = static_cast<const Pod&>(*held);
  const auto refuse = [&](const std::string& why) {
    return api::Conflict(resource, name, why, "binding");
  };
  if (old.metadata().uid() != uid) return refuse("the pod is another one by now");
  if (old.metadata().has_deletion_timestamp()) {
    return refuse(fmt::format("pod {} is being deleted, cannot be assigned to a host", name));
  }
  if (!old.spec().node_name().empty()) {
    return refuse(fmt::format("pod {} is already assigned to node \"{}\"", name,
                              old.spec().node_name()));
  }
  auto bound = CopyToBind(old);
  bound->mutable_spec()->set_node_name(node);
  SetScheduled(*bound, executor_.clock().Now());
  Put(resource, std::move(bound));
  return absl::OkStatus();
}

absl::Status MemoryApi::PatchNow(const api::Resource& resource, std::string_view namespace_,
                                 std::string_view name, const std::string& patch,
                                 std::string_view subresource) {
  const ObjectPtr held = world_.Get(resource, namespace_, name);
  if (held == nullptr) return api::NotFound(resource, name);
  std::string json;
  api::PrintJson(*held, json);
  BERTH_ASSIGN_OR_RETURN(
      const std::string patched,
      api::ApplyPatch(api::kStrategicMergePatchType, *held->GetDescriptor(), json, patch));
  MutablePtr object(held->New());
  BERTH_RETURN_IF_ERROR(api::ParseJson(patched, *object));
  if (api::MetaOf(*object).uid() != api::MetaOf(*held).uid()) {
    return api::Conflict(resource, name, "the object is another one by now");
  }
  return UpdateNow(resource, std::move(object), subresource).status();
}

void MemoryApi::Bind(const Pod& pod, std::string_view node_name, Done done) {
  executor_.Post([this, ns = pod.metadata().namespace_(), name = pod.metadata().name(),
                  uid = pod.metadata().uid(), node = std::string(node_name),
                  done = std::move(done)]() mutable { done(BindNow(ns, name, uid, node)); });
}

void MemoryApi::Create(const api::Resource& resource, ObjectPtr object, ObjectDone done) {
  executor_.Post([this, &resource, object = std::move(object), done = std::move(done)]() mutable {
    MutablePtr made = Copy(*object);
    const absl::Status status = CreateNow(resource, made);
    done(status, status.ok() ? ObjectPtr(made) : nullptr);
  });
}

void MemoryApi::Update(const api::Resource& resource, ObjectPtr object,
                       std::string_view subresource, ObjectDone done) {
  executor_.Post([this, &resource, object = std::move(object),
                  subresource = std::string(subresource), done = std::move(done)]() mutable {
    auto updated = UpdateNow(resource, Copy(*object), subresource);
    done(updated.status(), updated.ok() ? *updated : nullptr);
  });
}

void MemoryApi::Patch(const api::Resource& resource, std::string_view namespace_,
                      std::string_view name, std::string patch, std::string_view subresource,
                      Done done) {
  executor_.Post([this, &resource, ns = std::string(namespace_), name = std::string(name),
                  patch = std::move(patch), subresource = std::string(subresource),
                  done = std::move(done)]() mutable {
    done(PatchNow(resource, ns, name, patch, subresource));
  });
}

void MemoryApi::Delete(const api::Resource& resource, std::string_view namespace_,
                       std::string_view name, std::string_view uid, Done done) {
  executor_.Post([this, &resource, ns = std::string(namespace_), name = std::string(name),
                  uid = std::string(uid), done = std::move(done)]() mutable {
    done(DeleteNow(resource, ns, name, uid, std::nullopt));
  });
}

}  // namespace berth::bench
