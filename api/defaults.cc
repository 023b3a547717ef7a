#include "api/defaults.h"

#include <vector>

#include "api/defaults_claim.h"
#include "api/defaults_pod.h"
#include "api/defaults_storage.h"
#include "api/defaults_workloads.h"
#include "api/resource_table.h"
#include "api/schema/apps_v1.pb.h"
#include "api/schema/core_v1_controller.pb.h"
#include "api/schema/core_v1_namespace.pb.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/core_v1_service.pb.h"
#include "api/schema/resource_v1.pb.h"
#include "api/schema/scheduling_v1.pb.h"
#include "api/schema/storage_v1.pb.h"

namespace berth::api {
namespace {

void DefaultNamespace(core::Namespace& object) {
  const std::string& name = object.metadata().name();
  if (!name.empty()) {
    (*object.mutable_metadata()->mutable_labels())["kubernetes.io/metadata.name"] = name;
  }
  if (object.status().phase().empty()) object.mutable_status()->set_phase("Active");
}

void DefaultNode(core::Node& node) {
  core::NodeSpec& spec = *node.mutable_spec();
  // podCIDR is authoritative where the two forms differ; the list is what counts from here on.
  if (!spec.pod_cidr().empty() &&
      (spec.pod_cidrs().empty() || spec.pod_cidrs(0) != spec.pod_cidr())) {
    spec.clear_pod_cidrs();
    spec.add_pod_cidrs(spec.pod_cidr());
  } else if (spec.pod_cidr().empty() && !spec.pod_cidrs().empty()) {
    spec.set_pod_cidr(spec.pod_cidrs(0));
  }
  core::NodeStatus& status = *node.mutable_status();
  if (status.allocatable().empty()) *status.mutable_allocatable() = status.capacity();
  RoundUpToMilli(*status.mutable_capacity());
  RoundUpToMilli(*status.mutable_allocatable());
}

void DefaultPriorityClass(scheduling_v1::PriorityClass& object) {
  if (!object.has_preemption_policy()) object.set_preemption_policy("PreemptLowerPriority");
}

void DefaultResourceClaim(dra::ResourceClaim& claim) { DefaultClaimSpec(*claim.mutable_spec()); }

void DefaultResourceClaimTemplate(dra::ResourceClaimTemplate& object) {
  DefaultClaimSpec(*object.mutable_spec()->mutable_spec());
}

struct KindDefaults {
  const google::protobuf::Descriptor* type;
  void (*apply)(google::protobuf::Message& object);
};

template <typename T, void (*Rule)(T&)>
KindDefaults MakeDefaults() {
  return {T::descriptor(),
          [](google::protobuf::Message& object) { Rule(static_cast<T&>(object)); }};
}

// Config maps, leases, disruption budgets and events leave nothing to be filled in.
std::vector<KindDefaults> MakeKinds() {
  return {
      MakeDefaults<core::Pod, DefaultPod>(),
      MakeDefaults<core::Node, DefaultNode>(),
      MakeDefaults<core::Namespace, DefaultNamespace>(),
      MakeDefaults<apps::ReplicaSet, DefaultReplicaSet>(),
      MakeDefaults<core::ReplicationController, DefaultReplicationController>(),
      MakeDefaults<apps::StatefulSet, DefaultStatefulSet>(),
      MakeDefaults<core::Service, DefaultService>(),
      MakeDefaults<scheduling_v1::PriorityClass, DefaultPriorityClass>(),
      MakeDefaults<core::PersistentVolume, DefaultPersistentVolume>(),
      MakeDefaults<core::PersistentVolumeClaim, DefaultPersistentVolumeClaim>(),
      MakeDefaults<storage::StorageClass, DefaultStorageClass>(),
      MakeDefaults<storage::CSIDriver, DefaultCsiDriver>(),
      MakeDefaults<storage::VolumeAttachment, DefaultVolumeAttachment>(),
      MakeDefaults<dra::ResourceClaim, DefaultResourceClaim>(),
      MakeDefaults<dra::ResourceClaimTemplate, DefaultResourceClaimTemplate>(),
  };
}

}  // namespace

void ApplyDefaults(const Resource& /*resource*/, google::protobuf::Message& message) {
  static const std::vector<KindDefaults>& kinds = *new auto(MakeKinds());
  for (const KindDefaults& kind : kinds) {
    if (kind.type == message.GetDescriptor()) return kind.apply(message);
  }
}

}  // namespace berth::api
