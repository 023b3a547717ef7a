#include "api/defaults_workloads.h"

#include "api/defaults.h"
#include "api/defaults_storage.h"
#include "api/schema/apps_v1.pb.h"
#include "api/schema/core_v1_controller.pb.h"
#include "api/schema/core_v1_service.pb.h"

namespace berth::api {
namespace {

constexpr int32_t kAffinitySeconds = 3 * 60 * 60;

bool IsUnset(const intstr::IntOrString& value) {
  return value.type() == 0 ? value.int_val() == 0 : value.str_val().empty();
}

void DefaultPorts(core::ServiceSpec& spec) {
  for (core::ServicePort& port : *spec.mutable_ports()) {
    if (port.protocol().empty()) port.set_protocol("TCP");
    if (!IsUnset(port.target_port())) continue;
    port.mutable_target_port()->Clear();
    port.mutable_target_port()->set_type(0);
    port.mutable_target_port()->set_int_val(port.port());
  }
}

void DefaultAffinity(core::ServiceSpec& spec) {
  if (spec.session_affinity().empty()) spec.set_session_affinity("None");
  if (spec.session_affinity() == "None") spec.clear_session_affinity_config();
  if (spec.session_affinity() != "ClientIP") return;
  core::ClientIPConfig& config = *spec.mutable_session_affinity_config()->mutable_client_ip();
  if (!config.has_timeout_seconds()) config.set_timeout_seconds(kAffinitySeconds);
}

}  // namespace

void DefaultReplicaSet(apps::ReplicaSet& set) {
  apps::ReplicaSetSpec& spec = *set.mutable_spec();
  if (!spec.has_replicas()) spec.set_replicas(1);
  ApplyPodSpecDefaults(*spec.mutable_template_()->mutable_spec());
}

void DefaultReplicationController(core::ReplicationController& controller) {
  core::ReplicationControllerSpec& spec = *controller.mutable_spec();
  if (!spec.has_replicas()) spec.set_replicas(1);
  if (!spec.has_template_()) return;
  const auto& labels = spec.template_().metadata().labels();
  if (!labels.empty()) {
    if (spec.selector().empty()) *spec.mutable_selector() = labels;
    auto& own = *controller.mutable_metadata()->mutable_labels();
    if (own.empty()) own = labels;
  }
  ApplyPodSpecDefaults(*spec.mutable_template_()->mutable_spec());
}

void DefaultStatefulSet(apps::StatefulSet& set) {
  apps::StatefulSetSpec& spec = *set.mutable_spec();
  if (spec.pod_management_policy().empty()) spec.set_pod_management_policy("OrderedReady");
  apps::StatefulSetUpdateStrategy& strategy = *spec.mutable_update_strategy();
  if (strategy.type().empty()) {
    strategy.set_type("RollingUpdate");
    strategy.mutable_rolling_update();
  }
  if (strategy.type() == "RollingUpdate" && strategy.has_rolling_update() &&
      !strategy.rolling_update().has_partition()) {
    strategy.mutable_rolling_update()->set_partition(0);
  }
  auto& retention = *spec.mutable_persistent_volume_claim_retention_policy();
  if (retention.when_deleted().empty()) retention.set_when_deleted("Retain");
  if (retention.when_scaled().empty()) retention.set_when_scaled("Retain");
  if (!spec.has_replicas()) spec.set_replicas(1);
  if (!spec.has_revision_history_limit()) spec.set_revision_history_limit(10);
  for (auto& claim : *spec.mutable_volume_claim_templates()) DefaultPersistentVolumeClaim(claim);
  ApplyPodSpecDefaults(*spec.mutable_template_()->mutable_spec());
}

void DefaultService(core::Service& service) {
  core::ServiceSpec& spec = *service.mutable_spec();
  DefaultAffinity(spec);
  if (spec.type().empty()) spec.set_type("ClusterIP");
  DefaultPorts(spec);
  const bool balanced = spec.type() == "LoadBalancer";
  const bool external = balanced || spec.type() == "NodePort";
  const bool accessible = external || (spec.type() == "ClusterIP" && !spec.external_ips().empty());
  if (accessible && spec.external_traffic_policy().empty()) {
    spec.set_external_traffic_policy("Cluster");
  }
  if ((external || spec.type() == "ClusterIP") && !spec.has_internal_traffic_policy()) {
    spec.set_internal_traffic_policy("Cluster");
  }
  if (!balanced) return;
  if (!spec.has_allocate_load_balancer_node_ports()) {
    spec.set_allocate_load_balancer_node_ports(true);
  }
  for (auto& ingress : *service.mutable_status()->mutable_load_balancer()->mutable_ingress()) {
    if (!ingress.ip().empty() && !ingress.has_ip_mode()) ingress.set_ip_mode("VIP");
  }
}

}  // namespace berth::api
