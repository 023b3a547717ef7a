#include "api/validation/validation.h"

#include <google/protobuf/message.h>

#include "api/event_conversion.h"
#include "api/object.h"
#include "api/resource_table.h"
#include "api/schema/apps_v1.pb.h"
#include "api/schema/coordination_v1.pb.h"
#include "api/schema/core_v1_config.pb.h"
#include "api/schema/core_v1_controller.pb.h"
#include "api/schema/core_v1_event.pb.h"
#include "api/schema/core_v1_namespace.pb.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/core_v1_service.pb.h"
#include "api/schema/events_v1.pb.h"
#include "api/schema/policy_v1.pb.h"
#include "api/schema/resource_v1.pb.h"
#include "api/schema/resource_v1alpha3.pb.h"
#include "api/schema/scheduling_v1.pb.h"
#include "api/schema/scheduling_v1alpha2.pb.h"
#include "api/schema/storage_v1.pb.h"
#include "api/validation/event.h"
#include "api/validation/metadata.h"
#include "api/validation/node.h"
#include "api/validation/persistent_volume.h"
#include "api/validation/pod.h"
#include "api/validation/pod_group.h"
#include "api/validation/resource_claim.h"
#include "api/validation/resource_slice.h"
#include "api/validation/service.h"
#include "api/validation/small_kinds.h"
#include "api/validation/stateful_set.h"
#include "api/validation/storage.h"
#include "api/validation/workloads.h"
#include "base/check.h"

namespace berth::api {
namespace {

using google::protobuf::Message;
using validation::Errors;
using validation::FieldPath;

// The rules of one kind. Null: only what every object's metadata must satisfy.
struct KindValidation {
  const google::protobuf::Descriptor* type = nullptr;
  void (*create)(const Message& object, Errors& errors) = nullptr;
  void (*update)(const Message& object, const Message& old, Errors& errors) = nullptr;
  void (*status)(const Message& object, const Message& old, Errors& errors) = nullptr;
};

// Adapters from the typed rules.
template <typename T, void (*Rule)(const T&, Errors&)>
void OnCreate(const Message& object, Errors& errors) {
  Rule(static_cast<const T&>(object), errors);
}
template <typename T, void (*Rule)(const T&, Errors&)>
void OnNew(const Message& object, const Message&, Errors& errors) {
  Rule(static_cast<const T&>(object), errors);
}
template <typename T, void (*Rule)(const T&, const T&, Errors&)>
void OnUpdate(const Message& object, const Message& old, Errors& errors) {
  Rule(static_cast<const T&>(object), static_cast<const T&>(old), errors);
}

void CreateNewEvent(const events::Event& event, Errors& errors) {
  validation::ValidateNewEvent(ToCoreV1(event), errors);
}

void UpdateNewEvent(const events::Event& event, const events::Event& old, Errors& errors) {
  validation::ValidateNewEventUpdate(ToCoreV1(event), ToCoreV1(old), errors);
}

template <typename T, void (*Create)(const T&, Errors&),
          void (*Update)(const T&, const T&, Errors&)>
KindValidation MakeRules() {
  return {T::descriptor(), &OnCreate<T, Create>, &OnUpdate<T, Update>, nullptr};
}
template <typename T, void (*Create)(const T&, Errors&),
          void (*Update)(const T&, const T&, Errors&), void (*Status)(const T&, const T&, Errors&)>
KindValidation MakeRules() {
  return {T::descriptor(), &OnCreate<T, Create>, &OnUpdate<T, Update>, &OnUpdate<T, Status>};
}

std::vector<KindValidation> MakeKinds() {
  namespace v = validation;
  using core::ConfigMap, core::Event, core::Namespace, core::Node, core::Pod;
  using core::PersistentVolume, core::PersistentVolumeClaim;
  using apps::ReplicaSet, coordination::Lease, policy::PodDisruptionBudget;
  using scheduling_v1::PriorityClass;
  return {
      MakeRules<Pod, v::ValidatePodCreate, v::ValidatePodUpdate, v::ValidatePodStatusUpdate>(),
      MakeRules<Node, v::ValidateNode, v::ValidateNodeUpdate, v::ValidateNodeStatusUpdate>(),
      MakeRules<Namespace, v::ValidateNamespace, v::ValidateNamespaceUpdate,
                v::ValidateNamespaceStatusUpdate>(),
      MakeRules<ConfigMap, v::ValidateConfigMap, v::ValidateConfigMapUpdate>(),
      MakeRules<Lease, v::ValidateLease, v::ValidateLeaseUpdate>(),
      MakeRules<PriorityClass, v::ValidatePriorityClass, v::ValidatePriorityClassUpdate>(),
      MakeRules<ReplicaSet, v::ValidateReplicaSet, v::ValidateReplicaSetUpdate,
                v::ValidateReplicaSetStatusUpdate>(),
      MakeRules<events::Event, CreateNewEvent, UpdateNewEvent>(),
      {Event::descriptor(), &OnCreate<Event, v::ValidateLegacyEvent>,
       &OnNew<Event, v::ValidateLegacyEvent>, nullptr},
      MakeRules<PersistentVolume, v::ValidatePersistentVolume, v::ValidatePersistentVolumeUpdate,
                v::ValidatePersistentVolumeStatusUpdate>(),
      MakeRules<PersistentVolumeClaim, v::ValidatePersistentVolumeClaim,
                v::ValidatePersistentVolumeClaimUpdate,
                v::ValidatePersistentVolumeClaimStatusUpdate>(),
      MakeRules<storage::StorageClass, v::ValidateStorageClass, v::ValidateStorageClassUpdate>(),
      MakeRules<storage::CSIDriver, v::ValidateCsiDriver, v::ValidateCsiDriverUpdate>(),
      MakeRules<storage::CSINode, v::ValidateCsiNode, v::ValidateCsiNodeUpdate>(),
      MakeRules<storage::CSIStorageCapacity, v::ValidateCsiStorageCapacity,
                v::ValidateCsiStorageCapacityUpdate>(),
      MakeRules<storage::VolumeAttachment, v::ValidateVolumeAttachmentCreate,
                v::ValidateVolumeAttachmentUpdate, v::ValidateVolumeAttachmentUpdate>(),
      MakeRules<dra::ResourceClaim, v::ValidateResourceClaim, v::ValidateResourceClaimUpdate,
                v::ValidateResourceClaimStatusUpdate>(),
      MakeRules<dra::ResourceClaimTemplate, v::ValidateResourceClaimTemplate,
                v::ValidateResourceClaimTemplateUpdate>(),
      MakeRules<dra::ResourceSlice, v::ValidateResourceSlice, v::ValidateResourceSliceUpdate>(),
      MakeRules<dra::DeviceClass, v::ValidateDeviceClass, v::ValidateDeviceClassUpdate>(),
      MakeRules<dra_alpha::DeviceTaintRule, v::ValidateDeviceTaintRule,
                v::ValidateDeviceTaintRuleUpdate, v::ValidateDeviceTaintRuleStatusUpdate>(),
      MakeRules<gang::Workload, v::ValidateWorkload, v::ValidateWorkloadUpdate>(),
      MakeRules<gang::PodGroup, v::ValidatePodGroup, v::ValidatePodGroupUpdate,
                v::ValidatePodGroupStatusUpdate>(),
      MakeRules<core::Service, v::ValidateService, v::ValidateServiceUpdate,
                v::ValidateServiceStatusUpdate>(),
      MakeRules<core::ReplicationController, v::ValidateReplicationController,
                v::ValidateReplicationControllerUpdate,
                v::ValidateReplicationControllerStatusUpdate>(),
      MakeRules<apps::StatefulSet, v::ValidateStatefulSet, v::ValidateStatefulSetUpdate,
                v::ValidateStatefulSetStatusUpdate>(),
      {PodDisruptionBudget::descriptor(),
       &OnCreate<PodDisruptionBudget, v::ValidateDisruptionBudget>,
       &OnNew<PodDisruptionBudget, v::ValidateDisruptionBudget>,
       &OnNew<PodDisruptionBudget, v::ValidateDisruptionBudgetStatus>},
  };
}

const KindValidation& KindOf(const Message& object) {
  static const std::vector<KindValidation>& kinds = *new auto(MakeKinds());
  static const KindValidation kNone;
  for (const KindValidation& kind : kinds) {
    if (kind.type == object.GetDescriptor()) return kind;
  }
  return kNone;
}

// What upstream checks of every kind before its own rules.
void ValidateAnyUpdate(const Message& object, const Message& old, Errors& errors) {
  BERTH_CHECK(object.GetDescriptor() == old.GetDescriptor());
  validation::ValidateObjectMetaUpdate(MetaOf(object), MetaOf(old), FieldPath("metadata"),
                                       errors);
}

}  // namespace

FieldErrors ValidateCreate(const Resource& resource, const Message& object) {
  Errors errors;
  if (const auto create = KindOf(object).create) create(object, errors);
  if (errors.empty()) {
    validation::ValidateObjectMeta(MetaOf(object), resource.namespaced,
                                   validation::IsPathSegmentName, FieldPath("metadata"), errors);
  }
  return errors.Take();
}

FieldErrors ValidateUpdate(const Resource& /*resource*/, const Message& object,
                           const Message& old) {
  Errors errors;
  ValidateAnyUpdate(object, old, errors);
  if (const auto update = KindOf(object).update) update(object, old, errors);
  return errors.Take();
}

FieldErrors ValidateStatusUpdate(const Resource& /*resource*/, const Message& object,
                                 const Message& old) {
  Errors errors;
  ValidateAnyUpdate(object, old, errors);
  if (const auto status = KindOf(object).status) status(object, old, errors);
  return errors.Take();
}

FieldErrors ValidateSubresourceUpdate(const Resource& resource, std::string_view subresource,
                                      const Message& object, const Message& old) {
  if (subresource == "status") return ValidateStatusUpdate(resource, object, old);
  const auto* type = object.GetDescriptor();
  Errors errors;
  if (subresource == "finalize" && type == core::Namespace::descriptor()) {
    ValidateAnyUpdate(object, old, errors);
    validation::ValidateNamespaceFinalize(static_cast<const core::Namespace&>(object),
                                          static_cast<const core::Namespace&>(old), errors);
    return errors.Take();
  }
  if (type == core::Pod::descriptor() && !subresource.empty()) {
    ValidateAnyUpdate(object, old, errors);
    const auto& pod = static_cast<const core::Pod&>(object);
    const auto& old_pod = static_cast<const core::Pod&>(old);
    if (subresource == "ephemeralcontainers") {
      validation::ValidateEphemeralContainersUpdate(pod, old_pod, errors);
      return errors.Take();
    }
    if (subresource == "resize") {
      validation::ValidatePodResize(pod, old_pod, errors);
      return errors.Take();
    }
  }
  return ValidateUpdate(resource, object, old);
}

FieldErrors ValidateBinding(const core::Binding& binding) {
  Errors errors;
  const std::string& kind = binding.target().kind();
  if (!kind.empty() && kind != "Node") {
    errors.NotSupported(FieldPath("target.kind"), kind, {"Node", "<empty>"});
  }
  if (binding.target().name().empty()) errors.Required(FieldPath("target.name"));
  return errors.Take();
}

}  // namespace berth::api
