#include "api/defaults.h"

#include "api/defaults_claim.h"
#include "api/defaults_pod.h"
#include "api/resource_table.h"
#include "api/schema/apps_v1.pb.h"
#include "api/schema/coordination_v1.pb.h"
#include "api/schema/core_v1_config.pb.h"
#include "api/schema/core_v1_namespace.pb.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/resource_v1.pb.h"
#include "api/schema/scheduling_v1.pb.h"

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

void DefaultReplicaSet(apps::ReplicaSet& set) {
  apps::ReplicaSetSpec& spec = *set.mutable_spec();
  if (!spec.has_replicas()) spec.set_replicas(1);
  ApplyPodSpecDefaults(*spec.mutable_template_()->mutable_spec());
}

void DefaultPriorityClass(scheduling_v1::PriorityClass& object) {
  if (!object.has_preemption_policy()) object.set_preemption_policy("PreemptLowerPriority");
}

}  // namespace

// Config maps, leases, disruption budgets and events leave nothing to be filled in.
void ApplyDefaults(const Resource& /*resource*/, google::protobuf::Message& message) {
  const auto* type = message.GetDescriptor();
  if (type == core::Pod::descriptor()) {
    DefaultPod(static_cast<core::Pod&>(message));
  } else if (type == core::Node::descriptor()) {
    DefaultNode(static_cast<core::Node&>(message));
  } else if (type == core::Namespace::descriptor()) {
    DefaultNamespace(static_cast<core::Namespace&>(message));
  } else if (type == apps::ReplicaSet::descriptor()) {
    DefaultReplicaSet(static_cast<apps::ReplicaSet&>(message));
  } else if (type == scheduling_v1::PriorityClass::descriptor()) {
    DefaultPriorityClass(static_cast<scheduling_v1::PriorityClass&>(message));
  } else if (type == dra::ResourceClaim::descriptor()) {
    DefaultClaimSpec(*static_cast<dra::ResourceClaim&>(message).mutable_spec());
  } else if (type == dra::ResourceClaimTemplate::descriptor()) {
    auto& spec = *static_cast<dra::ResourceClaimTemplate&>(message).mutable_spec();
    DefaultClaimSpec(*spec.mutable_spec());
  }
}

}  // namespace berth::api
