#include "api/prepare_service.h"

#include <algorithm>
#include <set>
#include <string>

#include "api/prepare_parts.h"
#include "api/schema/core_v1_service.pb.h"
#include "api/validation/ip.h"

namespace berth::api {
namespace {

using core::ServiceSpec;

template <typename List>
bool SameList(const List& a, const List& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

bool HasClusterIp(const ServiceSpec& spec) { return spec.type() != "ExternalName"; }
bool IsBalanced(const ServiceSpec& spec) { return spec.type() == "LoadBalancer"; }
bool IsExternal(const ServiceSpec& spec) { return IsBalanced(spec) || spec.type() == "NodePort"; }
bool IsExternallyAccessible(const ServiceSpec& spec) {
  return IsExternal(spec) || (spec.type() == "ClusterIP" && !spec.external_ips().empty());
}
bool HasHealthCheck(const ServiceSpec& spec) {
  return IsBalanced(spec) && spec.external_traffic_policy() == "Local";
}

// What the user meant when only one of clusterIP and clusterIPs was changed.
void AgreeOnClusterIps(const ServiceSpec& old, ServiceSpec& spec) {
  if (!old.cluster_ips().empty() && spec.cluster_ips().empty() &&
      old.cluster_ip() == spec.cluster_ip()) {
    *spec.mutable_cluster_ips() = old.cluster_ips();
  }
  if (old.cluster_ip() == spec.cluster_ip() || !SameList(old.cluster_ips(), spec.cluster_ips())) {
    return;
  }
  spec.clear_cluster_ips();
  if (!spec.cluster_ip().empty()) spec.add_cluster_ips(spec.cluster_ip());
}

void SetFamilies(ServiceSpec& spec) {
  if (!HasClusterIp(spec)) return;
  const bool headless = spec.cluster_ip() == "None";
  const bool free = headless && spec.selector().empty();
  if (!spec.has_ip_family_policy()) {
    spec.set_ip_family_policy(free ? "RequireDualStack" : "SingleStack");
  }
  if (spec.ip_families().empty() && !headless) {
    for (const std::string& ip : spec.cluster_ips()) {
      const auto family = validation::ParseIp(ip);
      if (!family) continue;
      const std::string name = *family == validation::IpFamily::kV6 ? "IPv6" : "IPv4";
      const auto& families = spec.ip_families();
      if (std::find(families.begin(), families.end(), name) == families.end()) {
        spec.add_ip_families(name);
      }
    }
  }
  if (spec.ip_families().empty()) spec.add_ip_families("IPv4");
  if (free && spec.ip_family_policy() != "SingleStack" && spec.ip_families_size() == 1) {
    spec.add_ip_families(spec.ip_families(0) == "IPv4" ? "IPv6" : "IPv4");
  }
}

// A port without a node port keeps the one that the port of its name had, if no other has it now.
void KeepNodePorts(const ServiceSpec& old, ServiceSpec& spec) {
  std::set<int32_t> used;
  for (const core::ServicePort& port : spec.ports()) used.insert(port.node_port());
  for (core::ServicePort& port : *spec.mutable_ports()) {
    if (port.node_port() != 0) continue;
    for (const core::ServicePort& was : old.ports()) {
      if (was.node_port() == 0 || was.name() != port.name()) continue;
      if (used.insert(was.node_port()).second) port.set_node_port(was.node_port());
    }
  }
}

// What an update leaves out although the service still needs it.
void KeepGiven(const ServiceSpec& old, ServiceSpec& spec) {
  if (HasClusterIp(old) && HasClusterIp(spec)) {
    if (spec.cluster_ip().empty()) spec.set_cluster_ip(old.cluster_ip());
    if (spec.cluster_ips().empty() && spec.cluster_ip() == old.cluster_ip()) {
      *spec.mutable_cluster_ips() = old.cluster_ips();
    }
    if (!spec.has_ip_family_policy() && old.has_ip_family_policy()) {
      spec.set_ip_family_policy(old.ip_family_policy());
    }
  }
  if (HasHealthCheck(old) && HasHealthCheck(spec) && spec.health_check_node_port() == 0) {
    spec.set_health_check_node_port(old.health_check_node_port());
  }
  if (IsExternal(old) && IsExternal(spec)) KeepNodePorts(old, spec);
}

bool HasNewNodePort(const ServiceSpec& old, const ServiceSpec& spec) {
  std::set<int32_t> known = {0};
  for (const core::ServicePort& port : old.ports()) known.insert(port.node_port());
  return std::any_of(spec.ports().begin(), spec.ports().end(),
                     [&](const auto& port) { return !known.contains(port.node_port()); });
}

// A user who changes the type does not have to clear what the old type had, if it was not touched.
void DropUseless(const ServiceSpec& old, ServiceSpec& spec) {
  if (HasClusterIp(old) && !HasClusterIp(spec)) {
    if (old.cluster_ip() == spec.cluster_ip() && SameList(old.cluster_ips(), spec.cluster_ips())) {
      spec.clear_cluster_ip();
      spec.clear_cluster_ips();
    }
    if (SameList(old.ip_families(), spec.ip_families())) spec.clear_ip_families();
    if (old.ip_family_policy() == spec.ip_family_policy()) spec.clear_ip_family_policy();
  }
  if (IsExternal(old) && !IsExternal(spec) && !HasNewNodePort(old, spec)) {
    for (core::ServicePort& port : *spec.mutable_ports()) port.clear_node_port();
  }
  if (IsExternallyAccessible(old) && !IsExternallyAccessible(spec) &&
      old.external_traffic_policy() == spec.external_traffic_policy()) {
    spec.clear_external_traffic_policy();
  }
  if (HasHealthCheck(old) && !HasHealthCheck(spec) &&
      old.health_check_node_port() == spec.health_check_node_port()) {
    spec.clear_health_check_node_port();
  }
  if (IsBalanced(old) && !IsBalanced(spec)) {
    if (old.allocate_load_balancer_node_ports() == spec.allocate_load_balancer_node_ports()) {
      spec.clear_allocate_load_balancer_node_ports();
    }
    if (old.load_balancer_class() == spec.load_balancer_class()) spec.clear_load_balancer_class();
  }
  if (!HasClusterIp(old) && HasClusterIp(spec) && old.external_name() == spec.external_name()) {
    spec.clear_external_name();
  }
}

}  // namespace

void CreateService(core::Service& service) {
  service.clear_status();
  service.mutable_status();
  ServiceSpec& spec = *service.mutable_spec();
  if (!spec.cluster_ip().empty() && spec.cluster_ips().empty()) {
    spec.add_cluster_ips(spec.cluster_ip());
  }
  SetFamilies(spec);
}

void UpdateService(std::string_view subresource, const core::Service& old,
                   core::Service& service) {
  KeepSpecOrStatus(subresource, old, service);
  if (subresource == "status") return;
  ServiceSpec& spec = *service.mutable_spec();
  KeepGiven(old.spec(), spec);
  AgreeOnClusterIps(old.spec(), spec);
  DropUseless(old.spec(), spec);
  if (!IsBalanced(spec)) service.mutable_status()->clear_load_balancer();
  SetFamilies(spec);
}

}  // namespace berth::api
