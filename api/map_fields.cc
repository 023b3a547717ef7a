#include "api/map_fields.h"

#include <utility>

#include <absl/container/flat_hash_map.h>
#include <google/protobuf/map.h>

#include "api/schema/apiextensions_v1_schema.pb.h"
#include "api/schema/authentication_v1.pb.h"
#include "api/schema/authorization_v1.pb.h"
#include "api/schema/certificates_v1.pb.h"
#include "api/schema/core_v1_config.pb.h"
#include "api/schema/core_v1_container_status.pb.h"
#include "api/schema/core_v1_controller.pb.h"
#include "api/schema/core_v1_namespace.pb.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/core_v1_pod_spec.pb.h"
#include "api/schema/core_v1_pod_status.pb.h"
#include "api/schema/core_v1_resources.pb.h"
#include "api/schema/core_v1_service.pb.h"
#include "api/schema/core_v1_volume.pb.h"
#include "api/schema/core_v1_volume_plugins.pb.h"
#include "api/schema/discovery_v1.pb.h"
#include "api/schema/meta_v1.pb.h"
#include "api/schema/node_v1.pb.h"
#include "api/schema/policy_v1.pb.h"
#include "api/schema/resource_v1_device.pb.h"
#include "api/schema/storage_v1.pb.h"
#include "base/strings.h"

namespace berth::api {
namespace {

namespace apiextensions = ::k8s::io::apiextensions_apiserver::pkg::apis::apiextensions::v1;
namespace certificates_api = ::k8s::io::api::certificates::v1;
namespace node_api = ::k8s::io::api::node::v1;

using google::protobuf::Map;
using google::protobuf::Message;

template <typename V>
MapEntry ViewOf(const std::string& key, const V& value) {
  if constexpr (std::is_same_v<V, std::string>) {
    return {&key, &value, nullptr};
  } else {
    return {&key, nullptr, &value};
  }
}

template <typename Owner, typename V>
class TypedAccess final : public MapAccess {
 public:
  using Getter = const Map<std::string, V>& (Owner::*)() const;
  using Mutator = Map<std::string, V>* (Owner::*)();

  TypedAccess(Getter getter, Mutator mutator) : getter_(getter), mutator_(mutator) {}

  size_t Size(const Message& message) const override { return Get(message).size(); }

  void Collect(const Message& message, std::vector<MapEntry>& out) const override {
    for (const auto& [key, value] : Get(message)) out.push_back(ViewOf(key, value));
  }

  MutableMapEntry Insert(Message& message, std::string key) const override {
    Map<std::string, V>& map = Mutable(message);
    const size_t before = map.size();
    V& value = map[std::move(key)];
    if constexpr (std::is_same_v<V, std::string>) {
      return {&value, nullptr, map.size() != before};
    } else {
      return {nullptr, &value, map.size() != before};
    }
  }

  MapEntry Find(const Message& message, const std::string& key) const override {
    const auto& map = Get(message);
    auto it = map.find(key);
    return it == map.end() ? MapEntry{nullptr, nullptr, nullptr} : ViewOf(it->first, it->second);
  }

  bool Erase(Message& message, const std::string& key) const override {
    return Mutable(message).erase(key) != 0;
  }

  void Clear(Message& message) const override { Mutable(message).clear(); }

 private:
  const Map<std::string, V>& Get(const Message& message) const {
    return (static_cast<const Owner&>(message).*getter_)();
  }
  Map<std::string, V>& Mutable(Message& message) const {
    return *(static_cast<Owner&>(message).*mutator_)();
  }

  Getter getter_;
  Mutator mutator_;
};

using AccessTable = StringMap<const MapAccess*>;

template <typename Owner, typename V>
void Add(AccessTable& table, std::string_view name,
         const Map<std::string, V>& (Owner::*getter)() const,
         Map<std::string, V>* (Owner::*mutator)()) {
  std::string key = Owner::descriptor()->full_name() + "." + std::string(name);
  table.emplace(std::move(key), new TypedAccess<Owner, V>(getter, mutator));
}

#define BERTH_MAP(message, field) Add(table, #field, &message::field, &message::mutable_##field)

void AddApiextensions(AccessTable& table) {
  BERTH_MAP(apiextensions::JSONSchemaProps, properties);
  BERTH_MAP(apiextensions::JSONSchemaProps, pattern_properties);
  BERTH_MAP(apiextensions::JSONSchemaProps, dependencies);
  BERTH_MAP(apiextensions::JSONSchemaProps, definitions);
}

void AddAuthentication(AccessTable& table) { BERTH_MAP(authentication::UserInfo, extra); }

void AddAuthorization(AccessTable& table) {
  BERTH_MAP(authorization::SubjectAccessReviewSpec, extra);
}

void AddCertificates(AccessTable& table) {
  BERTH_MAP(certificates_api::CertificateSigningRequestSpec, extra);
}

void AddCore(AccessTable& table) {
  BERTH_MAP(core::ConfigMap, data);
  BERTH_MAP(core::ConfigMap, binary_data);
  BERTH_MAP(core::Secret, data);
  BERTH_MAP(core::Secret, string_data);
  BERTH_MAP(core::ContainerStatus, allocated_resources);
  BERTH_MAP(core::ReplicationControllerSpec, selector);
  BERTH_MAP(core::LimitRangeItem, max);
  BERTH_MAP(core::LimitRangeItem, min);
  Add(table, "default", &core::LimitRangeItem::default_, &core::LimitRangeItem::mutable_default_);
  BERTH_MAP(core::LimitRangeItem, default_request);
  BERTH_MAP(core::LimitRangeItem, max_limit_request_ratio);
  BERTH_MAP(core::ResourceQuotaSpec, hard);
  BERTH_MAP(core::ResourceQuotaStatus, hard);
  BERTH_MAP(core::ResourceQuotaStatus, used);
  BERTH_MAP(core::NodeStatus, capacity);
  BERTH_MAP(core::NodeStatus, allocatable);
  BERTH_MAP(core::PersistentVolumeClaimStatus, capacity);
  BERTH_MAP(core::PersistentVolumeClaimStatus, allocated_resources);
  BERTH_MAP(core::PersistentVolumeClaimStatus, allocated_resource_statuses);
  BERTH_MAP(core::PersistentVolumeSpec, capacity);
  BERTH_MAP(core::VolumeResourceRequirements, limits);
  BERTH_MAP(core::VolumeResourceRequirements, requests);
  BERTH_MAP(core::PodSpec, node_selector);
  BERTH_MAP(core::PodSpec, overhead);
  BERTH_MAP(core::NodeAllocatableResourceClaimStatus, resources);
  BERTH_MAP(core::PodStatus, allocated_resources);
  BERTH_MAP(core::ResourceRequirements, limits);
  BERTH_MAP(core::ResourceRequirements, requests);
  BERTH_MAP(core::ServiceSpec, selector);
  BERTH_MAP(core::PodCertificateProjection, user_annotations);
  BERTH_MAP(core::CSIPersistentVolumeSource, volume_attributes);
  BERTH_MAP(core::CSIVolumeSource, volume_attributes);
  BERTH_MAP(core::FlexPersistentVolumeSource, options);
  BERTH_MAP(core::FlexVolumeSource, options);
}

void AddDiscovery(AccessTable& table) { BERTH_MAP(discovery::Endpoint, deprecated_topology); }

void AddMeta(AccessTable& table) {
  BERTH_MAP(meta::LabelSelector, match_labels);
  BERTH_MAP(meta::ObjectMeta, labels);
  BERTH_MAP(meta::ObjectMeta, annotations);
}

void AddNode(AccessTable& table) {
  BERTH_MAP(node_api::Overhead, pod_fixed);
  BERTH_MAP(node_api::Scheduling, node_selector);
}

void AddPolicy(AccessTable& table) { BERTH_MAP(policy::PodDisruptionBudgetStatus, disrupted_pods); }

void AddDra(AccessTable& table) {
  BERTH_MAP(dra::CapacityRequirements, requests);
  BERTH_MAP(dra::CounterSet, counters);
  BERTH_MAP(dra::Device, attributes);
  BERTH_MAP(dra::Device, capacity);
  BERTH_MAP(dra::Device, node_allocatable_resource_mappings);
  BERTH_MAP(dra::DeviceCounterConsumption, counters);
  BERTH_MAP(dra::DeviceRequestAllocationResult, consumed_capacity);
}

void AddStorage(AccessTable& table) {
  BERTH_MAP(storage::StorageClass, parameters);
  BERTH_MAP(storage::VolumeAttachmentStatus, attachment_metadata);
  BERTH_MAP(storage::VolumeAttributesClass, parameters);
}

#undef BERTH_MAP

// Built once and never destroyed: tables of messages point into it.
const AccessTable& AccessRows() {
  static const AccessTable* const table = [] {
    auto* rows = new AccessTable;
    AddApiextensions(*rows);
    AddAuthentication(*rows);
    AddAuthorization(*rows);
    AddCertificates(*rows);
    AddCore(*rows);
    AddDiscovery(*rows);
    AddMeta(*rows);
    AddNode(*rows);
    AddPolicy(*rows);
    AddDra(*rows);
    AddStorage(*rows);
    return rows;
  }();
  return *table;
}

}  // namespace

const MapAccess* FindMapAccess(const google::protobuf::FieldDescriptor& field) {
  auto it = AccessRows().find(field.full_name());
  return it == AccessRows().end() ? nullptr : it->second;
}

}  // namespace berth::api
