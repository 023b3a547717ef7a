#include "api/prepare.h"

#include <algorithm>
#include <vector>

#include "api/object.h"
#include "api/prepare_devices.h"
#include "api/prepare_parts.h"
#include "api/prepare_pod.h"
#include "api/prepare_service.h"
#include "api/prepare_storage.h"
#include "api/resource_table.h"
#include "api/schema/apps_v1.pb.h"
#include "api/schema/coordination_v1.pb.h"
#include "api/schema/core_v1_controller.pb.h"
#include "api/schema/core_v1_namespace.pb.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/core_v1_service.pb.h"
#include "api/schema/policy_v1.pb.h"
#include "api/schema/resource_v1.pb.h"
#include "api/schema/resource_v1alpha3.pb.h"
#include "api/schema/scheduling_v1.pb.h"
#include "api/schema/scheduling_v1alpha2.pb.h"
#include "api/schema/storage_v1.pb.h"
#include "base/check.h"

namespace berth::api {
namespace {

using google::protobuf::Message;

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

template <typename Set>
core::PodSpec& TemplateOf(Set& set) {
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

void CreateLease(coordination::Lease& lease) { DropLeaseStrategy({}, lease); }

void UpdateLease(std::string_view /*subresource*/, const coordination::Lease& old,
                 coordination::Lease& lease) {
  DropLeaseStrategy(old.spec(), lease);
}

// What makes pods of a template.
template <typename Set>
void CreateSet(Set& set) {
  CreateSpecAndStatus(set);
  if (set.spec().has_template_()) {
    DropGatedFields(core::PodSpec::default_instance(), TemplateOf(set));
  }
}

template <typename Set>
void UpdateSet(std::string_view subresource, const Set& old, Set& set) {
  if (set.spec().has_template_()) DropGatedFields(old.spec().template_().spec(), TemplateOf(set));
  UpdateSpecOrStatus(subresource, old, set);
}

// How many pods of a StatefulSet may be missing is behind a gate that is off in 1.36.
void DropMaxUnavailable(const apps::StatefulSet& old, apps::StatefulSet& set) {
  if (old.spec().update_strategy().rolling_update().has_max_unavailable()) return;
  if (!set.spec().update_strategy().has_rolling_update()) return;
  set.mutable_spec()->mutable_update_strategy()->mutable_rolling_update()->clear_max_unavailable();
}

void CreateStatefulSet(apps::StatefulSet& set) {
  DropMaxUnavailable(apps::StatefulSet::default_instance(), set);
  CreateSet(set);
}

void UpdateStatefulSet(std::string_view subresource, const apps::StatefulSet& old,
                       apps::StatefulSet& set) {
  DropMaxUnavailable(old, set);
  UpdateSet(subresource, old, set);
}

void CreatePodGroup(gang::PodGroup& group) {
  group.clear_status();
  group.mutable_status();
}

void UpdatePodGroup(std::string_view subresource, const gang::PodGroup& old,
                    gang::PodGroup& group) {
  KeepSpecOrStatus(subresource, old, group);
  if (subresource == "status") KeepUsersMetadata(old.metadata(), *group.mutable_metadata());
}

template <typename T>
void SetFirstGeneration(T& object) {
  object.mutable_metadata()->set_generation(1);
}

// How many volumes a node takes is not scaled yet: the gate VolumeLimitScaling is off in 1.36.
void CreateCsiDriver(storage::CSIDriver& driver) {
  driver.mutable_spec()->clear_prevent_pod_scheduling_if_missing();
}

void UpdateCsiDriver(std::string_view /*subresource*/, const storage::CSIDriver& old,
                     storage::CSIDriver& driver) {
  if (!old.spec().has_prevent_pod_scheduling_if_missing()) CreateCsiDriver(driver);
  CountSpecChange(old, driver);
}

template <typename T>
void CountChange(std::string_view /*subresource*/, const T& old, T& object) {
  CountSpecChange(old, object);
}

// The strategy of one kind. Null: nothing beyond what is done for every kind.
struct Strategy {
  const google::protobuf::Descriptor* type = nullptr;
  void (*create)(Message& object) = nullptr;
  void (*update)(std::string_view subresource, const Message& old, Message& object) = nullptr;
};

template <typename T>
using CreateRule = void (*)(T& object);
template <typename T>
using UpdateRule = void (*)(std::string_view subresource, const T& old, T& object);

// Adapters from the typed rules.
template <typename T, CreateRule<T> Rule>
void OnCreate(Message& object) {
  Rule(static_cast<T&>(object));
}
template <typename T, UpdateRule<T> Rule>
void OnUpdate(std::string_view subresource, const Message& old, Message& object) {
  Rule(subresource, static_cast<const T&>(old), static_cast<T&>(object));
}
template <typename T, CreateRule<T> Create, UpdateRule<T> Update>
Strategy MakeStrategy() {
  return {T::descriptor(), &OnCreate<T, Create>, &OnUpdate<T, Update>};
}

std::vector<Strategy> MakeStrategies() {
  using core::Namespace, core::Node, core::PersistentVolume, core::PersistentVolumeClaim;
  using core::Pod, policy::PodDisruptionBudget, scheduling_v1::PriorityClass;
  using storage::CSIDriver, storage::VolumeAttachment;
  return {
      MakeStrategy<Pod, PreparePodForCreate, PreparePodForUpdate>(),
      MakeStrategy<Namespace, CreateNamespace, UpdateNamespace>(),
      MakeStrategy<Node, CreateNode, UpdateNode>(),
      MakeStrategy<apps::ReplicaSet, CreateSet, UpdateSet>(),
      MakeStrategy<apps::StatefulSet, CreateStatefulSet, UpdateStatefulSet>(),
      MakeStrategy<core::ReplicationController, CreateSet, UpdateSet>(),
      MakeStrategy<core::Service, CreateService, UpdateService>(),
      MakeStrategy<PodDisruptionBudget, CreateSpecAndStatus, UpdateSpecOrStatus>(),
      {PriorityClass::descriptor(), &OnCreate<PriorityClass, SetFirstGeneration>, nullptr},
      MakeStrategy<gang::PodGroup, CreatePodGroup, UpdatePodGroup>(),
      MakeStrategy<coordination::Lease, CreateLease, UpdateLease>(),
      MakeStrategy<PersistentVolume, CreatePersistentVolume, UpdatePersistentVolume>(),
      MakeStrategy<PersistentVolumeClaim, CreatePersistentVolumeClaim,
                   UpdatePersistentVolumeClaim>(),
      MakeStrategy<CSIDriver, CreateCsiDriver, UpdateCsiDriver>(),
      MakeStrategy<VolumeAttachment, CreateVolumeAttachment, UpdateVolumeAttachment>(),
      MakeStrategy<dra::DeviceClass, SetFirstGeneration, CountChange>(),
      MakeStrategy<dra::ResourceClaim, CreateResourceClaim, UpdateResourceClaim>(),
      MakeStrategy<dra::ResourceSlice, CreateResourceSlice, UpdateResourceSlice>(),
      MakeStrategy<dra_alpha::DeviceTaintRule, CreateDeviceTaintRule, UpdateDeviceTaintRule>(),
  };
}

const Strategy& StrategyOf(const Message& object) {
  static const std::vector<Strategy>& strategies = *new auto(MakeStrategies());
  static const Strategy kNone;
  for (const Strategy& strategy : strategies) {
    if (strategy.type == object.GetDescriptor()) return strategy;
  }
  return kNone;
}

}  // namespace

void PrepareForCreate(const Resource& resource, Message& object) {
  meta::ObjectMeta& metadata = MutableMeta(object);
  if (!resource.namespaced) metadata.clear_namespace_();
  metadata.clear_self_link();
  metadata.clear_deletion_timestamp();
  metadata.clear_deletion_grace_period_seconds();
  if (const auto create = StrategyOf(object).create) create(object);
}

void PrepareForUpdate(const Resource& resource, std::string_view subresource, const Message& old,
                      Message& object) {
  BERTH_CHECK(old.GetDescriptor() == object.GetDescriptor());
  meta::ObjectMeta& metadata = MutableMeta(object);
  if (!resource.namespaced) metadata.clear_namespace_();
  const meta::ObjectMeta& old_metadata = MetaOf(old);
  if (old_metadata.has_generation()) {
    metadata.set_generation(old_metadata.generation());
  } else {
    metadata.clear_generation();
  }
  if (const auto update = StrategyOf(object).update) update(subresource, old, object);
  KeepSystemMetadata(old_metadata, metadata);
}

}  // namespace berth::api
