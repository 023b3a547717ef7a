#include "api/resource_table.h"

#include <array>
#include <tuple>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <fmt/core.h>
#include <google/protobuf/message.h>

#include "api/fwd_alpha.h"
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
#include "base/check.h"
#include "base/strings.h"

namespace berth::api {
namespace {

constexpr std::string_view kAllVerbs =
    "create,delete,deletecollection,get,list,patch,update,watch";
constexpr std::string_view kNoCollectionVerbs = "create,delete,get,list,patch,update,watch";
constexpr std::string_view kEditVerbs = "get,patch,update";

// In discovery order (by name). An empty group and version mean the parent's own.
constexpr Subresource kNamespaceSubresources[] = {
    {"finalize", "", "", "Namespace", "update"},
    {"status", "", "", "Namespace", kEditVerbs},
};
constexpr Subresource kNodeSubresources[] = {
    {"status", "", "", "Node", kEditVerbs},
};
constexpr Subresource kDeviceTaintRuleSubresources[] = {
    {"status", "", "", "DeviceTaintRule", kEditVerbs},
};
constexpr Subresource kPersistentVolumeClaimSubresources[] = {
    {"status", "", "", "PersistentVolumeClaim", kEditVerbs},
};
constexpr Subresource kPersistentVolumeSubresources[] = {
    {"status", "", "", "PersistentVolume", kEditVerbs},
};
constexpr Subresource kPodGroupSubresources[] = {
    {"status", "", "", "PodGroup", kEditVerbs},
};
constexpr Subresource kPodSubresources[] = {
    {"binding", "", "", "Binding", "create"},
    {"ephemeralcontainers", "", "", "Pod", kEditVerbs},
    {"eviction", "policy", "v1", "Eviction", "create"},
    {"resize", "", "", "Pod", kEditVerbs},
    {"status", "", "", "Pod", kEditVerbs},
};
constexpr Subresource kReplicaSetSubresources[] = {
    {"scale", "autoscaling", "v1", "Scale", kEditVerbs},
    {"status", "", "", "ReplicaSet", kEditVerbs},
};
constexpr Subresource kPodDisruptionBudgetSubresources[] = {
    {"status", "", "", "PodDisruptionBudget", kEditVerbs},
};
constexpr Subresource kReplicationControllerSubresources[] = {
    {"scale", "autoscaling", "v1", "Scale", kEditVerbs},
    {"status", "", "", "ReplicationController", kEditVerbs},
};
constexpr Subresource kServiceSubresources[] = {
    {"status", "", "", "Service", kEditVerbs},
};
constexpr Subresource kStatefulSetSubresources[] = {
    {"scale", "autoscaling", "v1", "Scale", kEditVerbs},
    {"status", "", "", "StatefulSet", kEditVerbs},
};
constexpr Subresource kResourceClaimSubresources[] = {
    {"status", "", "", "ResourceClaim", kEditVerbs},
};
constexpr Subresource kVolumeAttachmentSubresources[] = {
    {"status", "", "", "VolumeAttachment", kEditVerbs},
};

// A row: MakeRow<Kind, KindList>({group, version, plural, singular, kind, namespaced, verbs,
// short names, categories, storage prefix}, subresources).
template <typename Kind, typename List>
Resource MakeRow(Resource row, std::span<const Subresource> subresources = {}) {
  row.prototype = &Kind::default_instance();
  row.list_prototype = &List::default_instance();
  row.subresources = subresources;
  return row;
}

void AddCoreRows(std::vector<Resource>& rows) {
  rows.push_back(MakeRow<core::ConfigMap, core::ConfigMapList>(
      {"", "v1", "configmaps", "configmap", "ConfigMap", true, kAllVerbs, "cm", "",
       "configmaps"}));
  rows.push_back(MakeRow<core::Event, core::EventList>(
      {"", "v1", "events", "event", "Event", true, kAllVerbs, "ev", "", "events"}));
  rows.push_back(MakeRow<core::Namespace, core::NamespaceList>(
      {"", "v1", "namespaces", "namespace", "Namespace", false, kNoCollectionVerbs, "ns", "",
       "namespaces"},
      kNamespaceSubresources));
  rows.push_back(MakeRow<core::Node, core::NodeList>(
      {"", "v1", "nodes", "node", "Node", false, kAllVerbs, "no", "", "minions"},
      kNodeSubresources));
  rows.push_back(MakeRow<core::PersistentVolumeClaim, core::PersistentVolumeClaimList>(
      {"", "v1", "persistentvolumeclaims", "persistentvolumeclaim", "PersistentVolumeClaim",
       true, kAllVerbs, "pvc", "", "persistentvolumeclaims"},
      kPersistentVolumeClaimSubresources));
  rows.push_back(MakeRow<core::PersistentVolume, core::PersistentVolumeList>(
      {"", "v1", "persistentvolumes", "persistentvolume", "PersistentVolume", false,
       kAllVerbs, "pv", "", "persistentvolumes"},
      kPersistentVolumeSubresources));
  rows.push_back(MakeRow<core::Pod, core::PodList>(
      {"", "v1", "pods", "pod", "Pod", true, kAllVerbs, "po", "all", "pods"},
      kPodSubresources));
  rows.push_back(MakeRow<core::ReplicationController, core::ReplicationControllerList>(
      {"", "v1", "replicationcontrollers", "replicationcontroller",
       "ReplicationController", true, kAllVerbs, "rc", "all", "controllers"},
      kReplicationControllerSubresources));
  rows.push_back(MakeRow<core::Service, core::ServiceList>(
      {"", "v1", "services", "service", "Service", true, kAllVerbs,
       "svc", "all", "services/specs"},
      kServiceSubresources));
}

void AddWorkloadRows(std::vector<Resource>& rows) {
  rows.push_back(MakeRow<apps::ReplicaSet, apps::ReplicaSetList>(
      {"apps", "v1", "replicasets", "replicaset", "ReplicaSet", true, kAllVerbs, "rs", "all",
       "replicasets"},
      kReplicaSetSubresources));
  rows.push_back(MakeRow<apps::StatefulSet, apps::StatefulSetList>(
      {"apps", "v1", "statefulsets", "statefulset", "StatefulSet", true, kAllVerbs,
       "sts", "all", "statefulsets"},
      kStatefulSetSubresources));
  rows.push_back(MakeRow<events::Event, events::EventList>(
      {"events.k8s.io", "v1", "events", "event", "Event", true, kAllVerbs, "ev", "",
       "events"}));
  rows.push_back(MakeRow<policy::PodDisruptionBudget, policy::PodDisruptionBudgetList>(
      {"policy", "v1", "poddisruptionbudgets", "poddisruptionbudget", "PodDisruptionBudget",
       true, kAllVerbs, "pdb", "", "poddisruptionbudgets"},
      kPodDisruptionBudgetSubresources));
}

void AddStorageRows(std::vector<Resource>& rows) {
  rows.push_back(MakeRow<storage::CSIDriver, storage::CSIDriverList>(
      {"storage.k8s.io", "v1", "csidrivers", "csidriver", "CSIDriver", false, kAllVerbs, "",
       "", "csidrivers"}));
  rows.push_back(MakeRow<storage::CSINode, storage::CSINodeList>(
      {"storage.k8s.io", "v1", "csinodes", "csinode", "CSINode", false, kAllVerbs, "", "",
       "csinodes"}));
  rows.push_back(MakeRow<storage::CSIStorageCapacity, storage::CSIStorageCapacityList>(
      {"storage.k8s.io", "v1", "csistoragecapacities", "csistoragecapacity",
       "CSIStorageCapacity", true, kAllVerbs, "", "", "csistoragecapacities"}));
  rows.push_back(MakeRow<storage::StorageClass, storage::StorageClassList>(
      {"storage.k8s.io", "v1", "storageclasses", "storageclass", "StorageClass", false,
       kAllVerbs, "sc", "", "storageclasses"}));
  rows.push_back(MakeRow<storage::VolumeAttachment, storage::VolumeAttachmentList>(
      {"storage.k8s.io", "v1", "volumeattachments", "volumeattachment", "VolumeAttachment",
       false, kAllVerbs, "", "", "volumeattachments"},
      kVolumeAttachmentSubresources));
}

void AddSchedulingRows(std::vector<Resource>& rows) {
  rows.push_back(MakeRow<scheduling_v1::PriorityClass, scheduling_v1::PriorityClassList>(
      {"scheduling.k8s.io", "v1", "priorityclasses", "priorityclass", "PriorityClass", false,
       kAllVerbs, "pc", "", "priorityclasses"}));
  rows.push_back(MakeRow<gang::PodGroup, gang::PodGroupList>(
      {"scheduling.k8s.io", "v1alpha2", "podgroups", "podgroup", "PodGroup", true, kAllVerbs,
       "", "", "podgroups"},
      kPodGroupSubresources));
  rows.push_back(MakeRow<gang::Workload, gang::WorkloadList>(
      {"scheduling.k8s.io", "v1alpha2", "workloads", "workload", "Workload", true, kAllVerbs,
       "", "", "workloads"}));
  rows.push_back(MakeRow<coordination::Lease, coordination::LeaseList>(
      {"coordination.k8s.io", "v1", "leases", "lease", "Lease", true, kAllVerbs, "", "",
       "leases"}));
}

void AddDeviceRows(std::vector<Resource>& rows) {
  rows.push_back(MakeRow<dra::DeviceClass, dra::DeviceClassList>(
      {"resource.k8s.io", "v1", "deviceclasses", "deviceclass", "DeviceClass", false, kAllVerbs,
       "", "", "deviceclasses"}));
  rows.push_back(MakeRow<dra::ResourceClaim, dra::ResourceClaimList>(
      {"resource.k8s.io", "v1", "resourceclaims", "resourceclaim", "ResourceClaim", true, kAllVerbs,
       "", "", "resourceclaims"},
      kResourceClaimSubresources));
  rows.push_back(MakeRow<dra::ResourceClaimTemplate, dra::ResourceClaimTemplateList>(
      {"resource.k8s.io", "v1", "resourceclaimtemplates", "resourceclaimtemplate",
       "ResourceClaimTemplate", true, kAllVerbs, "", "", "resourceclaimtemplates"}));
  rows.push_back(MakeRow<dra::ResourceSlice, dra::ResourceSliceList>(
      {"resource.k8s.io", "v1", "resourceslices", "resourceslice",
       "ResourceSlice", false, kAllVerbs, "", "", "resourceslices"}));
  rows.push_back(MakeRow<dra_alpha::DeviceTaintRule, dra_alpha::DeviceTaintRuleList>(
      {"resource.k8s.io", "v1alpha3", "devicetaintrules", "devicetaintrule", "DeviceTaintRule",
       false, kAllVerbs, "", "", "devicetaintrules"},
      kDeviceTaintRuleSubresources));
}

// A group's versions stand together, the preferred one first.
std::vector<Resource> MakeRows() {
  std::vector<Resource> rows;
  AddCoreRows(rows);
  AddWorkloadRows(rows);
  AddStorageRows(rows);
  AddSchedulingRows(rows);
  AddDeviceRows(rows);
  return rows;
}

using ResourceKey = std::tuple<absl::string_view, absl::string_view, absl::string_view>;

ResourceKey MakeResourceKey(std::string_view group, std::string_view version,
                            std::string_view name) {
  return {ToAbsl(group), ToAbsl(version), ToAbsl(name)};
}

struct ResourceIndex {
  const std::vector<Resource> rows = MakeRows();
  absl::flat_hash_map<ResourceKey, const Resource*> by_plural;
  absl::flat_hash_map<ResourceKey, const Resource*> by_kind;
  absl::flat_hash_map<const google::protobuf::Descriptor*, const Resource*> by_descriptor;

  ResourceIndex() {
    for (const Resource& row : rows) {
      by_plural.emplace(MakeResourceKey(row.group, row.version, row.plural), &row);
      by_kind.emplace(MakeResourceKey(row.group, row.version, row.kind), &row);
      by_descriptor.emplace(row.prototype->GetDescriptor(), &row);
    }
  }
};

const ResourceIndex& TheIndex() {
  static const ResourceIndex& table = *new ResourceIndex();
  return table;
}

template <typename Map>
const Resource* FindRow(const Map& map,
                        const typename Map::key_type& key) {
  const auto it = map.find(key);
  return it == map.end() ? nullptr : it->second;
}

}  // namespace

std::string_view Resource::list_kind() const { return list_prototype->GetDescriptor()->name(); }

std::string Resource::api_version() const {
  return group.empty() ? std::string(version) : fmt::format("{}/{}", group, version);
}

std::string Resource::path_prefix() const {
  return group.empty() ? fmt::format("/api/{}", version)
                       : fmt::format("/apis/{}/{}", group, version);
}

std::string Resource::qualified() const {
  return group.empty() ? std::string(plural) : fmt::format("{}.{}", plural, group);
}

const Subresource* Resource::FindSubresource(std::string_view name) const {
  for (const Subresource& row : subresources) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

std::unique_ptr<google::protobuf::Message> Resource::New() const {
  return std::unique_ptr<google::protobuf::Message>(prototype->New());
}

std::unique_ptr<google::protobuf::Message> Resource::NewList() const {
  return std::unique_ptr<google::protobuf::Message>(list_prototype->New());
}

std::span<const Resource> Resources() { return TheIndex().rows; }

const Resource* FindResource(std::string_view group, std::string_view version,
                             std::string_view plural) {
  return FindRow(TheIndex().by_plural, MakeResourceKey(group, version, plural));
}

const Resource* FindKind(std::string_view group, std::string_view version, std::string_view kind) {
  return FindRow(TheIndex().by_kind, MakeResourceKey(group, version, kind));
}

GroupVersion ParseGroupVersion(std::string_view api_version) {
  const size_t slash = api_version.find('/');
  if (slash == std::string_view::npos) return {"", api_version};
  return {api_version.substr(0, slash), api_version.substr(slash + 1)};
}

const Resource& ResourceOfDescriptor(const google::protobuf::Message& prototype) {
  const Resource* row = FindRow(TheIndex().by_descriptor, prototype.GetDescriptor());
  BERTH_CHECK(row != nullptr);
  return *row;
}

std::string CollectionPath(const Resource& resource, std::string_view namespace_) {
  std::string path = resource.path_prefix();
  if (resource.namespaced && !namespace_.empty()) {
    path.append("/namespaces/").append(namespace_);
  }
  path.append("/").append(resource.plural);
  return path;
}

std::string ObjectPath(const Resource& resource, std::string_view namespace_,
                       std::string_view name, std::string_view subresource) {
  std::string path = CollectionPath(resource, namespace_);
  path.append("/").append(name);
  if (!subresource.empty()) path.append("/").append(subresource);
  return path;
}

}  // namespace berth::api
