#include "api/defaults_pod.h"

#include "api/defaults.h"
#include "api/image_reference.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/core_v1_volume.pb.h"

namespace berth::api {
namespace {

// Text forms that can be finer than a thousandth: "5n", "5u", "5e-9".
bool MayBeFinerThanMilli(const std::string& text) {
  return text.ends_with('n') || text.ends_with('u') || text.find("e-") != std::string::npos ||
         text.find("E-") != std::string::npos || text.find('.') != std::string::npos;
}

void DefaultHttpGet(core::HTTPGetAction& action) {
  if (action.path().empty()) action.set_path("/");
  if (action.scheme().empty()) action.set_scheme("HTTP");
}

void DefaultProbe(core::Probe& probe) {
  if (probe.timeout_seconds() == 0) probe.set_timeout_seconds(1);
  if (probe.period_seconds() == 0) probe.set_period_seconds(10);
  if (probe.success_threshold() == 0) probe.set_success_threshold(1);
  if (probe.failure_threshold() == 0) probe.set_failure_threshold(3);
  if (!probe.has_handler()) return;
  core::ProbeHandler& handler = *probe.mutable_handler();
  if (handler.has_http_get()) DefaultHttpGet(*handler.mutable_http_get());
  if (handler.has_grpc() && !handler.grpc().has_service()) {
    handler.mutable_grpc()->set_service("");
  }
}

void DefaultEnv(google::protobuf::RepeatedPtrField<core::EnvVar>& env) {
  for (core::EnvVar& variable : env) {
    if (!variable.value_from().has_field_ref()) continue;
    core::ObjectFieldSelector& field = *variable.mutable_value_from()->mutable_field_ref();
    if (field.api_version().empty()) field.set_api_version("v1");
  }
}

void DefaultLifecycle(core::Lifecycle& lifecycle) {
  if (lifecycle.post_start().has_http_get()) {
    DefaultHttpGet(*lifecycle.mutable_post_start()->mutable_http_get());
  }
  if (lifecycle.pre_stop().has_http_get()) {
    DefaultHttpGet(*lifecycle.mutable_pre_stop()->mutable_http_get());
  }
}

std::string_view DefaultPullPolicy(const std::string& image) {
  return ImageTag(image) == "latest" ? "Always" : "IfNotPresent";
}

// A Container or the common part of an EphemeralContainer.
template <typename Container>
void DefaultContainer(Container& container) {
  if (container.image_pull_policy().empty()) {
    container.set_image_pull_policy(std::string(DefaultPullPolicy(container.image())));
  }
  if (container.termination_message_path().empty()) {
    container.set_termination_message_path("/dev/termination-log");
  }
  if (container.termination_message_policy().empty()) {
    container.set_termination_message_policy("File");
  }
  for (core::ContainerPort& port : *container.mutable_ports()) {
    if (port.protocol().empty()) port.set_protocol("TCP");
  }
  DefaultEnv(*container.mutable_env());
  if (container.has_resources()) RoundUpToMilli(*container.mutable_resources());
  if (container.has_liveness_probe()) DefaultProbe(*container.mutable_liveness_probe());
  if (container.has_readiness_probe()) DefaultProbe(*container.mutable_readiness_probe());
  if (container.has_startup_probe()) DefaultProbe(*container.mutable_startup_probe());
  if (container.has_lifecycle()) DefaultLifecycle(*container.mutable_lifecycle());
}

void RequestsFromLimits(core::Container& container) {
  if (container.resources().limits().empty()) return;
  core::ResourceRequirements& resources = *container.mutable_resources();
  for (const auto& [name, amount] : resources.limits()) {
    resources.mutable_requests()->insert({name, amount});
  }
}

void HostPortsFromContainerPorts(google::protobuf::RepeatedPtrField<core::Container>& containers) {
  for (core::Container& container : containers) {
    for (core::ContainerPort& port : *container.mutable_ports()) {
      if (port.host_port() == 0) port.set_host_port(port.container_port());
    }
  }
}

void Put(ResourceList& list, const std::string& name, const Quantity& amount) {
  if (list.find(name) == list.end()) SetQuantity(list[name], amount);
}


// podIP is the first of podIPs. The list follows it where the two differ; it follows the list when
// it is left out.
void AgreeOnIps(core::PodStatus& status) {
  if (status.pod_ip().empty()) {
    if (!status.pod_ips().empty()) status.set_pod_ip(status.pod_ips(0).ip());
  } else if (status.pod_ips().empty() || status.pod_ips(0).ip() != status.pod_ip()) {
    status.clear_pod_ips();
    status.add_pod_ips()->set_ip(status.pod_ip());
  }
}

// spec.resources: hugepages limits from the containers, then requests from the containers or else
// from the limits.
void DefaultPodLevelResources(core::PodSpec& spec) {
  if (!spec.has_resources()) return;
  core::ResourceRequirements& resources = *spec.mutable_resources();
  if (!resources.limits().empty() || !resources.requests().empty()) {
    for (const auto& [name, amount] : AggregateContainerLimits(spec)) {
      if (IsHugePages(name) && !resources.requests().contains(name)) {
        Put(*resources.mutable_limits(), name, amount);
      }
    }
  }
  if (!resources.limits().empty()) {
    for (const auto& [name, amount] : AggregateContainerRequests(spec)) {
      if (name == "cpu" || name == "memory") Put(*resources.mutable_requests(), name, amount);
    }
    for (const auto& [name, amount] : resources.limits()) {
      if (IsPodLevelResource(name)) resources.mutable_requests()->insert({name, amount});
    }
  }
}

}  // namespace

void RoundUpToMilli(ResourceList& list) {
  for (auto& [name, amount] : list) {
    if (!MayBeFinerThanMilli(amount.string())) continue;
    const Quantity exact = ToQuantity(amount);
    const Quantity rounded = Quantity::FromMilli(exact.MilliValue(), exact.format());
    if (rounded.Cmp(exact) > 0) SetQuantity(amount, rounded);
  }
}

void RoundUpToMilli(core::ResourceRequirements& resources) {
  RoundUpToMilli(*resources.mutable_limits());
  RoundUpToMilli(*resources.mutable_requests());
}

void ApplyPodSpecDefaults(core::PodSpec& spec) {
  if (spec.dns_policy().empty()) spec.set_dns_policy("ClusterFirst");
  if (spec.restart_policy().empty()) spec.set_restart_policy("Always");
  if (!spec.has_security_context()) spec.mutable_security_context();
  if (!spec.has_termination_grace_period_seconds()) {
    spec.set_termination_grace_period_seconds(30);
  }
  if (spec.scheduler_name().empty()) spec.set_scheduler_name("default-scheduler");
  // The deprecated name follows the other; alone, it gives it its value.
  if (spec.service_account_name().empty() && !spec.service_account().empty()) {
    spec.set_service_account_name(spec.service_account());
  }
  if (!spec.service_account_name().empty()) {
    spec.set_service_account(spec.service_account_name());
  }
  for (core::Volume& volume : *spec.mutable_volumes()) DefaultVolume(volume);
  for (core::Container& container : *spec.mutable_init_containers()) DefaultContainer(container);
  for (core::Container& container : *spec.mutable_containers()) DefaultContainer(container);
  for (core::EphemeralContainer& container : *spec.mutable_ephemeral_containers()) {
    DefaultContainer(*container.mutable_ephemeral_container_common());
  }
  RoundUpToMilli(*spec.mutable_overhead());
  if (spec.has_resources()) RoundUpToMilli(*spec.mutable_resources());
}

void DefaultPod(core::Pod& pod) {
  core::PodSpec& spec = *pod.mutable_spec();
  for (core::Container& container : *spec.mutable_containers()) RequestsFromLimits(container);
  for (core::Container& container : *spec.mutable_init_containers()) RequestsFromLimits(container);
  DefaultPodLevelResources(spec);
  if (!spec.has_enable_service_links()) spec.set_enable_service_links(true);
  if (spec.host_network()) {
    HostPortsFromContainerPorts(*spec.mutable_containers());
    HostPortsFromContainerPorts(*spec.mutable_init_containers());
  }
  ApplyPodSpecDefaults(spec);
  if (pod.has_status()) AgreeOnIps(*pod.mutable_status());
}

}  // namespace berth::api
