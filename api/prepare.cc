#include "api/prepare.h"

#include <algorithm>

#include "api/equality.h"
#include "api/object.h"
#include "api/prepare_pod.h"
#include "api/resource_table.h"
#include "api/schema/apps_v1.pb.h"
#include "api/schema/coordination_v1.pb.h"
#include "api/schema/core_v1_namespace.pb.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/policy_v1.pb.h"
#include "api/schema/scheduling_v1.pb.h"
#include "base/check.h"

namespace berth::api {
namespace {

using google::protobuf::Message;

template <typename T>
T* As(Message& object) {
  return object.GetDescriptor() == T::descriptor() ? &static_cast<T&>(object) : nullptr;
}

template <typename T>
const T& Same(const Message& old) {
  BERTH_CHECK(old.GetDescriptor() == T::descriptor());
  return static_cast<const T&>(old);
}

// Kinds of a spec that users write and a status that controllers write.
template <typename T>
void CreateSpecAndStatus(T& object) {
  object.clear_status();
  object.mutable_status();
  object.mutable_metadata()->set_generation(1);
}

template <typename T>
void UpdateSpecOrStatus(std::string_view subresource, const T& old, T& object) {
  if (subresource == "status") {
    *object.mutable_spec() = old.spec();
    return;
  }
  *object.mutable_status() = old.status();
  if (!SemanticEqual(old.spec(), object.spec())) {
    object.mutable_metadata()->set_generation(old.metadata().generation() + 1);
  }
}

void CreateNamespace(core::Namespace& object) {
  object.clear_status();
  object.mutable_status()->set_phase("Active");
  auto& finalizers = *object.mutable_spec()->mutable_finalizers();
  if (std::find(finalizers.begin(), finalizers.end(), "kubernetes") == finalizers.end()) {
    *finalizers.Add() = "kubernetes";
  }
  // Names that were generated are known only now.
  (*object.mutable_metadata()->mutable_labels())["kubernetes.io/metadata.name"] =
      object.metadata().name();
}

void UpdateNamespace(std::string_view subresource, const core::Namespace& old,
                     core::Namespace& object) {
  if (subresource != "finalize") *object.mutable_spec() = old.spec();
  if (subresource != "status") *object.mutable_status() = old.status();
}

core::PodSpec& TemplateOf(apps::ReplicaSet& set) {
  return *set.mutable_spec()->mutable_template_()->mutable_spec();
}

// The kubelet has not taken its configuration from a config map since 1.24.
void CreateNode(core::Node& object) {
  object.mutable_spec()->clear_config_source();
  object.mutable_status()->clear_config();
}

void UpdateNode(std::string_view subresource, const core::Node& old, core::Node& object) {
  if (subresource == "status") {
    *object.mutable_spec() = old.spec();
    return;
  }
  *object.mutable_status() = old.status();
  if (!old.spec().has_config_source()) object.mutable_spec()->clear_config_source();
}

// Coordinated leader election is off in 1.36: its fields are dropped unless they are there already.
void DropLeaseStrategy(const coordination::LeaseSpec& old, coordination::Lease& lease) {
  if (old.has_strategy() || old.has_preferred_holder() || !lease.has_spec()) return;
  lease.mutable_spec()->clear_strategy();
  lease.mutable_spec()->clear_preferred_holder();
}

// What no update changes, whatever the kind.
void KeepSystemMetadata(const meta::ObjectMeta& old, meta::ObjectMeta& metadata) {
  if (metadata.uid().empty() && old.has_uid()) metadata.set_uid(old.uid());
  if (old.has_creation_timestamp()) {
    *metadata.mutable_creation_timestamp() = old.creation_timestamp();
  } else {
    metadata.clear_creation_timestamp();
  }
  if (old.has_deletion_timestamp()) {
    *metadata.mutable_deletion_timestamp() = old.deletion_timestamp();
  }
  if (old.has_deletion_grace_period_seconds() && !metadata.has_deletion_grace_period_seconds()) {
    metadata.set_deletion_grace_period_seconds(old.deletion_grace_period_seconds());
  }
  metadata.clear_self_link();
}

}  // namespace

void PrepareForCreate(const Resource& resource, Message& object) {
  meta::ObjectMeta& metadata = MutableMeta(object);
  if (!resource.namespaced) metadata.clear_namespace_();
  metadata.clear_self_link();
  metadata.clear_deletion_timestamp();
  metadata.clear_deletion_grace_period_seconds();
  if (auto* pod = As<core::Pod>(object)) {
    PreparePodForCreate(*pod);
  } else if (auto* space = As<core::Namespace>(object)) {
    CreateNamespace(*space);
  } else if (auto* node = As<core::Node>(object)) {
    CreateNode(*node);
  } else if (auto* set = As<apps::ReplicaSet>(object)) {
    CreateSpecAndStatus(*set);
    DropGatedFields(core::PodSpec::default_instance(), TemplateOf(*set));
  } else if (auto* budget = As<policy::PodDisruptionBudget>(object)) {
    CreateSpecAndStatus(*budget);
  } else if (As<scheduling_v1::PriorityClass>(object) != nullptr) {
    metadata.set_generation(1);
  } else if (auto* lease = As<coordination::Lease>(object)) {
    DropLeaseStrategy({}, *lease);
  }
}

void PrepareForUpdate(const Resource& resource, std::string_view subresource, const Message& old,
                      Message& object) {
  meta::ObjectMeta& metadata = MutableMeta(object);
  if (!resource.namespaced) metadata.clear_namespace_();
  const meta::ObjectMeta& old_metadata = MetaOf(old);
  if (old_metadata.has_generation()) {
    metadata.set_generation(old_metadata.generation());
  } else {
    metadata.clear_generation();
  }
  if (auto* pod = As<core::Pod>(object)) {
    PreparePodForUpdate(subresource, Same<core::Pod>(old), *pod);
  } else if (auto* space = As<core::Namespace>(object)) {
    UpdateNamespace(subresource, Same<core::Namespace>(old), *space);
  } else if (auto* node = As<core::Node>(object)) {
    UpdateNode(subresource, Same<core::Node>(old), *node);
  } else if (auto* set = As<apps::ReplicaSet>(object)) {
    const auto& old_set = Same<apps::ReplicaSet>(old);
    DropGatedFields(old_set.spec().template_().spec(), TemplateOf(*set));
    UpdateSpecOrStatus(subresource, old_set, *set);
  } else if (auto* budget = As<policy::PodDisruptionBudget>(object)) {
    UpdateSpecOrStatus(subresource, Same<policy::PodDisruptionBudget>(old), *budget);
  } else if (auto* lease = As<coordination::Lease>(object)) {
    DropLeaseStrategy(Same<coordination::Lease>(old).spec(), *lease);
  }
  KeepSystemMetadata(old_metadata, metadata);
}

}  // namespace berth::api
