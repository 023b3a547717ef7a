// Forward declarations of the API messages headers name most, and the short namespaces for them
// (core::Pod, meta::ObjectMeta). Headers include this; a .cc includes "api/schema/FILE.pb.h".
#pragma once

// Kinds of different groups share names (Event, ResourceClaim), and some with other libraries.
// NOLINTBEGIN(bugprone-forward-declaration-namespace)
namespace google::protobuf {
class Message;
}

namespace k8s::io::api::core::v1 {
class Affinity;
class Binding;
class ConfigMap;
class Container;
class ContainerPort;
class ContainerStatus;
class Endpoints;
class Event;
class EventList;
class LimitRange;
class LocalObjectReference;
class Namespace;
class NamespaceList;
class Node;
class NodeAffinity;
class NodeCondition;
class NodeList;
class NodeSelector;
class NodeSelectorRequirement;
class NodeSelectorTerm;
class NodeSpec;
class NodeStatus;
class ObjectReference;
class PersistentVolume;
class PersistentVolumeClaim;
class PersistentVolumeClaimSpec;
class PersistentVolumeSpec;
class Pod;
class PodAffinity;
class PodAffinityTerm;
class PodAntiAffinity;
class PodCondition;
class PodList;
class PodSpec;
class PodStatus;
class PodTemplateSpec;
class ReplicationController;
class ResourceQuota;
class ResourceRequirements;
class Secret;
class Service;
class ServiceAccount;
class ServiceSpec;
class Taint;
class Toleration;
class TopologySpreadConstraint;
class Volume;
}  // namespace k8s::io::api::core::v1

namespace k8s::io::apimachinery::pkg::apis::meta::v1 {
class APIGroup;
class APIGroupList;
class APIResource;
class APIResourceList;
class APIVersions;
class Condition;
class CreateOptions;
class DeleteOptions;
class Duration;
class FieldsV1;
class GetOptions;
class LabelSelector;
class LabelSelectorRequirement;
class ListMeta;
class ListOptions;
class ManagedFieldsEntry;
class MicroTime;
class ObjectMeta;
class OwnerReference;
class PartialObjectMetadata;
class PartialObjectMetadataList;
class PatchOptions;
class Preconditions;
class Status;
class StatusCause;
class StatusDetails;
class Table;
class TableColumnDefinition;
class TableRow;
class Time;
class UpdateOptions;
class WatchEvent;
}  // namespace k8s::io::apimachinery::pkg::apis::meta::v1

namespace k8s::io::api::apps::v1 {
class ControllerRevision;
class DaemonSet;
class Deployment;
class ReplicaSet;
class StatefulSet;
}  // namespace k8s::io::api::apps::v1

namespace k8s::io::api::autoscaling::v1 {
class Scale;
}  // namespace k8s::io::api::autoscaling::v1

namespace k8s::io::api::batch::v1 {
class CronJob;
class Job;
}  // namespace k8s::io::api::batch::v1

namespace k8s::io::api::coordination::v1 {
class Lease;
class LeaseList;
class LeaseSpec;
}  // namespace k8s::io::api::coordination::v1

namespace k8s::io::api::discovery::v1 {
class Endpoint;
class EndpointSlice;
}  // namespace k8s::io::api::discovery::v1

namespace k8s::io::api::apidiscovery::v2 {
class APIGroupDiscovery;
class APIGroupDiscoveryList;
class APIResourceDiscovery;
}  // namespace k8s::io::api::apidiscovery::v2

namespace k8s::io::api::resource::v1 {
class DeviceClass;
class ResourceClaim;
class ResourceClaimTemplate;
class ResourceSlice;
}  // namespace k8s::io::api::resource::v1

namespace k8s::io::api::events::v1 {
class Event;
class EventSeries;
}  // namespace k8s::io::api::events::v1

namespace k8s::io::api::networking::v1 {
class Ingress;
class NetworkPolicy;
}  // namespace k8s::io::api::networking::v1

namespace k8s::io::api::policy::v1 {
class Eviction;
class PodDisruptionBudget;
class PodDisruptionBudgetList;
}  // namespace k8s::io::api::policy::v1

namespace k8s::io::api::rbac::v1 {
class ClusterRole;
class ClusterRoleBinding;
class Role;
class RoleBinding;
}  // namespace k8s::io::api::rbac::v1

namespace k8s::io::api::scheduling::v1 {
class PriorityClass;
class PriorityClassList;
}  // namespace k8s::io::api::scheduling::v1

namespace k8s::io::api::scheduling::v1alpha2 {
class PodGroup;
class PodGroupSpec;
class Workload;
}  // namespace k8s::io::api::scheduling::v1alpha2

namespace k8s::io::api::storage::v1 {
class CSIDriver;
class CSINode;
class CSIStorageCapacity;
class StorageClass;
class VolumeAttachment;
}  // namespace k8s::io::api::storage::v1

namespace k8s::io::api::authentication::v1 {
class TokenRequest;
class TokenReview;
class UserInfo;
}  // namespace k8s::io::api::authentication::v1

namespace k8s::io::api::authorization::v1 {
class SelfSubjectAccessReview;
class SubjectAccessReview;
}  // namespace k8s::io::api::authorization::v1

namespace k8s::io::apimachinery::pkg::api::resource {
class Quantity;
}  // namespace k8s::io::apimachinery::pkg::api::resource

namespace k8s::io::apimachinery::pkg::util::intstr {
class IntOrString;
}  // namespace k8s::io::apimachinery::pkg::util::intstr

namespace k8s::io::apimachinery::pkg::runtime {
class RawExtension;
class TypeMeta;
class Unknown;
}  // namespace k8s::io::apimachinery::pkg::runtime

namespace berth::api {
namespace core = ::k8s::io::api::core::v1;
namespace meta = ::k8s::io::apimachinery::pkg::apis::meta::v1;
namespace apps = ::k8s::io::api::apps::v1;
namespace autoscaling = ::k8s::io::api::autoscaling::v1;
namespace batch = ::k8s::io::api::batch::v1;
namespace coordination = ::k8s::io::api::coordination::v1;
namespace discovery = ::k8s::io::api::discovery::v1;
namespace apidiscovery = ::k8s::io::api::apidiscovery::v2;
namespace dra = ::k8s::io::api::resource::v1;
namespace events = ::k8s::io::api::events::v1;
namespace networking = ::k8s::io::api::networking::v1;
namespace policy = ::k8s::io::api::policy::v1;
namespace rbac = ::k8s::io::api::rbac::v1;
namespace scheduling_v1 = ::k8s::io::api::scheduling::v1;
namespace gang = ::k8s::io::api::scheduling::v1alpha2;
namespace storage = ::k8s::io::api::storage::v1;
namespace authentication = ::k8s::io::api::authentication::v1;
namespace authorization = ::k8s::io::api::authorization::v1;
namespace resource = ::k8s::io::apimachinery::pkg::api::resource;
namespace intstr = ::k8s::io::apimachinery::pkg::util::intstr;
namespace runtime = ::k8s::io::apimachinery::pkg::runtime;
}  // namespace berth::api
// NOLINTEND(bugprone-forward-declaration-namespace)
