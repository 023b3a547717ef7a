#include "api/validation/service.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>

#include <absl/strings/ascii.h>
#include <absl/strings/str_split.h>
#include <fmt/core.h>

#include "api/schema/core_v1_service.pb.h"
#include "api/validation/conditions.h"
#include "api/validation/ip.h"
#include "api/validation/metadata.h"
#include "base/strings.h"

namespace berth::api::validation {
namespace {

using core::Service;
using core::ServiceSpec;

constexpr int32_t kAffinitySecondsMax = 86400;
constexpr char kSourceRanges[] = "service.beta.kubernetes.io/load-balancer-source-ranges";
constexpr char kTopologyMode[] = "service.kubernetes.io/topology-mode";
constexpr char kTopologyHints[] = "service.kubernetes.io/topology-aware-hints";
constexpr std::string_view kOnlyBalanced = "may only be used when `type` is 'LoadBalancer'";
constexpr std::string_view kStays = "may not change once set";

bool IsHeadless(const ServiceSpec& spec) {
  return spec.cluster_ips_size() == 1 && spec.cluster_ips(0) == "None";
}
bool IsBalanced(const ServiceSpec& spec) { return spec.type() == "LoadBalancer"; }
bool IsExternalName(const ServiceSpec& spec) { return spec.type() == "ExternalName"; }

std::string TextList(const google::protobuf::RepeatedPtrField<std::string>& texts) {
  return texts.empty() ? "null" : ToJsonList(texts);
}

// The newer name of an annotation says what the older one does.
void ValidateTopologyAnnotations(const Service& service, Errors& errors) {
  const auto& annotations = service.metadata().annotations();
  const auto mode = annotations.find(kTopologyMode), hints = annotations.find(kTopologyHints);
  if (mode == annotations.end() || hints == annotations.end()) return;
  if (mode->second == hints->second) return;
  const FieldPath path("metadata.annotations");
  errors.Invalid(path.Key(kTopologyMode), mode->second,
                 std::string_view(fmt::format("must match annotations[{}] when both are specified",
                                              kTopologyHints)));
}

// --- by type -----------------------------------------------------------------------------------

void ValidateExternalName(const ServiceSpec& spec, const FieldPath& path, Errors& errors) {
  constexpr std::string_view kText = "may not be set for ExternalName services";
  if (!spec.cluster_ips().empty()) errors.Forbidden(path.Child("clusterIPs"), kText);
  if (!spec.ip_families().empty()) errors.Forbidden(path.Child("ipFamilies"), kText);
  if (spec.has_ip_family_policy()) errors.Forbidden(path.Child("ipFamilyPolicy"), kText);
  std::string_view name = spec.external_name();
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty()) return errors.Required(path.Child("externalName"));
  errors.Invalid(path.Child("externalName"), name, IsDns1123Subdomain(name));
}

void ValidateByType(const ServiceSpec& spec, const FieldPath& path, Errors& errors) {
  const FieldPath ips = path.Child("clusterIPs");
  if (IsExternalName(spec)) {
    ValidateExternalName(spec, path, errors);
  } else if (spec.type() != "ClusterIP" && IsHeadless(spec)) {
    errors.Invalid(ips.Index(0), "None",
                   std::string_view(fmt::format("may not be set to 'None' for {} services",
                                                spec.type())));
  }
}

// --- ports -------------------------------------------------------------------------------------

void ValidateTargetPort(const intstr::IntOrString& port, const FieldPath& path, Errors& errors) {
  if (port.type() == 0) {
    errors.InvalidInt(path, port.int_val(), IsPortNumber(port.int_val()));
  } else {
    errors.Invalid(path, port.str_val(), IsPortName(port.str_val()));
  }
}

void ValidateServicePorts(const ServiceSpec& spec, const FieldPath& path, Errors& errors) {
  std::set<std::string_view> names;
  for (int i = 0; i < spec.ports_size() && !errors.full(); ++i) {
    const core::ServicePort& port = spec.ports(i);
    const FieldPath at = path.Index(i);
    if (!port.name().empty()) {
      errors.Invalid(at.Child("name"), port.name(), IsDns1123Label(port.name()));
      if (!names.insert(port.name()).second) errors.Duplicate(at.Child("name"), port.name());
    } else if (spec.ports_size() > 1) {
      errors.Required(at.Child("name"));
    }
    errors.InvalidInt(at.Child("port"), port.port(), IsPortNumber(port.port()));
    errors.OneOf(at.Child("protocol"), port.protocol(), {"SCTP", "TCP", "UDP"});
    ValidateTargetPort(port.target_port(), at.Child("targetPort"), errors);
    if (port.has_app_protocol()) {
      errors.Invalid(at.Child("appProtocol"), port.app_protocol(),
                     IsQualifiedName(port.app_protocol()));
    }
  }
}

void ValidatePortsAreUnique(const ServiceSpec& spec, const FieldPath& path, Errors& errors) {
  using Key = std::pair<std::string_view, int32_t>;
  std::set<Key> node_ports, ports;
  if (spec.type() == "ClusterIP") {
    for (int i = 0; i < spec.ports_size(); ++i) {
      if (spec.ports(i).node_port() == 0) continue;
      const FieldPath at = path.Index(i);
      errors.Forbidden(at.Child("nodePort"), "may not be used when `type` is 'ClusterIP'");
    }
  }
  for (int i = 0; i < spec.ports_size(); ++i) {
    const core::ServicePort& port = spec.ports(i);
    if (port.node_port() == 0) continue;
    const FieldPath at = path.Index(i);
    if (node_ports.emplace(port.protocol(), port.node_port()).second) continue;
    errors.DuplicateShown(at.Child("nodePort"), std::to_string(port.node_port()));
  }
  for (int i = 0; i < spec.ports_size(); ++i) {
    const core::ServicePort& port = spec.ports(i);
    if (ports.emplace(port.protocol(), port.port()).second) continue;
    errors.DuplicateShown(
        path.Index(i),
        fmt::format("{{\"Name\":\"\",\"Protocol\":{},\"AppProtocol\":null,\"Port\":{},"
                    "\"TargetPort\":0,\"NodePort\":0}}",
                    GoQuoted(port.protocol()), port.port()));
  }
}

// --- addresses ---------------------------------------------------------------------------------

// clusterIP is the first of clusterIPs.
void ValidateClusterIpsAgree(const ServiceSpec& spec, const FieldPath& path, Errors& errors) {
  if (spec.cluster_ip().empty()) {
    if (spec.cluster_ips().empty()) return;
    errors.InvalidShown(path, TextList(spec.cluster_ips()),
                        "must be empty when `clusterIP` is not specified");
  } else if (spec.cluster_ips().empty()) {
    errors.Required(path);
  } else if (spec.cluster_ips(0) != spec.cluster_ip()) {
    errors.InvalidShown(path, TextList(spec.cluster_ips()), "first value must match `clusterIP`");
  }
}

void ValidateFamilies(const ServiceSpec& spec, const FieldPath& path, Errors& errors) {
  const FieldPath families = path.Child("ipFamilies");
  std::set<std::string_view> seen;
  for (int i = 0; i < spec.ip_families_size(); ++i) {
    const std::string& family = spec.ip_families(i);
    if (family != "IPv4" && family != "IPv6") {
      errors.NotSupported(families.Index(i), family, {"IPv4", "IPv6"});
    }
    if (!seen.insert(family).second) errors.Duplicate(families.Index(i), family);
  }
  const std::string& policy = spec.ip_family_policy();
  if (spec.has_ip_family_policy() && policy != "SingleStack" && policy != "PreferDualStack" &&
      policy != "RequireDualStack") {
    errors.NotSupported(path.Child("ipFamilyPolicy"), policy,
                        {"PreferDualStack", "RequireDualStack", "SingleStack"});
  }
}

// The cluster has IPv4 only. What has neither address nor selector may say what it likes.
void ValidateFamiliesAreHere(const ServiceSpec& spec, const FieldPath& path, Errors& errors) {
  if (IsHeadless(spec) && spec.selector().empty()) return;
  const FieldPath families = path.Child("ipFamilies");
  if (spec.ip_family_policy() == "RequireDualStack") {
    errors.Invalid(path.Child("ipFamilyPolicy"), spec.ip_family_policy(),
                   "this cluster is not configured for dual-stack services");
  }
  for (int i = 0; i < spec.ip_families_size(); ++i) {
    if (spec.ip_families(i) != "IPv6") continue;
    errors.Invalid(families.Index(i), spec.ip_families(i), "not configured on this cluster");
  }
}

void ValidateClusterIps(const ServiceSpec& spec, const FieldPath& path, Errors& errors) {
  if (IsExternalName(spec)) return;
  const FieldPath ips = path.Child("clusterIPs");
  ValidateClusterIpsAgree(spec, ips, errors);
  ValidateFamilies(spec, path, errors);
  const size_t before = errors.size();
  for (int i = 0; i < spec.cluster_ips_size() && !errors.full(); ++i) {
    if (i > 0 || spec.cluster_ips(i) != "None") {
      ValidateIp(spec.cluster_ips(i), ips.Index(i), errors);
    } else if (spec.cluster_ips_size() > 1) {
      errors.InvalidShown(ips, TextList(spec.cluster_ips()),
                          "'None' must be the first and only value");
    }
  }
  const bool good = errors.size() == before;
  if (spec.cluster_ips_size() > 2) {
    errors.InvalidShown(ips, TextList(spec.cluster_ips()), "may only hold up to 2 values");
  }
  if (!good) return;
  if (spec.cluster_ips_size() == 2 &&
      ParseIp(spec.cluster_ips(0)) == ParseIp(spec.cluster_ips(1))) {
    errors.InvalidShown(ips, TextList(spec.cluster_ips()),
                        "may specify no more than one IP for each IP family");
  }
  const int both = std::min(spec.cluster_ips_size(), spec.ip_families_size());
  for (int i = 0; i < both && !IsHeadless(spec); ++i) {
    const bool v6 = ParseIp(spec.cluster_ips(i)) == IpFamily::kV6;
    const std::string& family = spec.ip_families(i);
    if (family != (v6 ? "IPv4" : "IPv6")) continue;
    errors.Invalid(ips.Index(i), spec.cluster_ips(i),
                   std::string_view(fmt::format("expected an {} value as indicated by "
                                                "`ipFamilies[{}]`",
                                                family, i)));
  }
  ValidateFamiliesAreHere(spec, path, errors);
}

void ValidateExternalIps(const ServiceSpec& spec, const FieldPath& path, Errors& errors) {
  for (int i = 0; i < spec.external_ips_size() && !errors.full(); ++i) {
    const FieldPath at = path.Index(i);
    const size_t before = errors.size();
    ValidateIp(spec.external_ips(i), at, errors);
    if (errors.size() > before) continue;
    errors.Invalid(at, spec.external_ips(i), IsNonSpecialIp(spec.external_ips(i)));
  }
}

void ValidateSourceRanges(const Service& service, Errors& errors) {
  const ServiceSpec& spec = service.spec();
  const FieldPath fields("spec.LoadBalancerSourceRanges"), annotations("metadata.annotations");
  const auto trimmed = [](std::string_view text) {
    return ToStd(absl::StripAsciiWhitespace(ToAbsl(text)));
  };
  if (!spec.load_balancer_source_ranges().empty()) {
    if (!IsBalanced(spec)) errors.Forbidden(fields, kOnlyBalanced);
    for (int i = 0; i < spec.load_balancer_source_ranges_size() && !errors.full(); ++i) {
      ValidateCidr(trimmed(spec.load_balancer_source_ranges(i)), fields.Index(i), errors);
    }
    return;
  }
  const auto it = service.metadata().annotations().find(kSourceRanges);
  if (it == service.metadata().annotations().end()) return;
  const FieldPath at = annotations.Key(kSourceRanges);
  if (!IsBalanced(spec)) errors.Forbidden(at, kOnlyBalanced);
  if (trimmed(it->second).empty()) return;
  for (const absl::string_view text : absl::StrSplit(it->second, ',')) {
    ValidateCidr(trimmed(ToStd(text)), at, errors);
  }
}

// --- policies ----------------------------------------------------------------------------------

void ValidateSessionAffinity(const ServiceSpec& spec, const FieldPath& path, Errors& errors) {
  errors.OneOf(path.Child("sessionAffinity"), spec.session_affinity(), {"ClientIP", "None"});
  const FieldPath config = path.Child("sessionAffinityConfig");
  if (spec.session_affinity() != "ClientIP") return;  // by default there is none then
  const FieldPath client = config.Child("clientIP");
  const int32_t seconds = spec.session_affinity_config().client_ip().timeout_seconds();
  if (seconds > 0 && seconds <= kAffinitySecondsMax) return;
  errors.InvalidInt(client.Child("timeoutSeconds"), seconds,
                    "must be greater than 0 and less than 86400");
}

void ValidateExternalTraffic(const ServiceSpec& spec, const FieldPath& path, Errors& errors) {
  const bool accessible = IsBalanced(spec) || spec.type() == "NodePort" ||
                          (spec.type() == "ClusterIP" && !spec.external_ips().empty());
  const std::string& policy = spec.external_traffic_policy();
  const FieldPath at = path.Child("externalTrafficPolicy");
  if (accessible) {
    errors.OneOf(at, policy, {"Cluster", "Local"});
  } else if (!policy.empty()) {
    errors.Invalid(at, policy, "may only be set for externally-accessible services");
  }
  const FieldPath port = path.Child("healthCheckNodePort");
  if (IsBalanced(spec) && policy == "Local") {
    if (spec.health_check_node_port() == 0) return errors.Required(port);
    errors.InvalidInt(port, spec.health_check_node_port(),
                      IsPortNumber(spec.health_check_node_port()));
  } else if (spec.health_check_node_port() != 0) {
    errors.InvalidInt(port, spec.health_check_node_port(),
                      "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` "
                      "is 'Local'");
  }
}

void ValidateOtherPolicies(const ServiceSpec& spec, const FieldPath& path, Errors& errors) {
  if (spec.has_internal_traffic_policy()) {
    errors.OneOf(path.Child("internalTrafficPolicy"), spec.internal_traffic_policy(),
                 {"Cluster", "Local"});
  }
  const std::string& distribution = spec.traffic_distribution();
  if (spec.has_traffic_distribution() && distribution != "PreferClose" &&
      distribution != "PreferSameNode" && distribution != "PreferSameZone") {
    errors.NotSupported(path.Child("trafficDistribution"), distribution,
                        {"PreferClose", "PreferSameNode", "PreferSameZone"});
  }
}

void ValidateBalancerClass(const ServiceSpec& spec, const FieldPath& path, Errors& errors) {
  if (!spec.has_load_balancer_class()) return;
  const FieldPath at = path.Child("loadBalancerClass");
  if (!IsBalanced(spec)) return errors.Forbidden(at, kOnlyBalanced);
  errors.Invalid(at, spec.load_balancer_class(), IsQualifiedName(spec.load_balancer_class()));
}

// --- updates -----------------------------------------------------------------------------------

void ValidateClusterIpsUpdate(const ServiceSpec& spec, const ServiceSpec& old, Errors& errors) {
  const FieldPath path("spec.clusterIPs");
  if (IsHeadless(spec) && IsHeadless(old)) return;
  const std::string shown = TextList(spec.cluster_ips());
  if (spec.cluster_ips_size() == old.cluster_ips_size()) {
    for (int i = 0; i < old.cluster_ips_size(); ++i) {
      if (spec.cluster_ips(i) != old.cluster_ips(i)) {
        errors.InvalidShown(path.Index(i), shown, kStays);
      }
    }
    return;
  }
  if (spec.cluster_ips().empty()) {
    return errors.InvalidShown(path.Index(0), shown, "primary clusterIP can not be unset");
  }
  if (!old.cluster_ips().empty() && spec.cluster_ips(0) != old.cluster_ips(0)) {
    errors.InvalidShown(path.Index(0), shown, kStays);
  }
  if (old.cluster_ips_size() > spec.cluster_ips_size() &&
      spec.ip_family_policy() != "SingleStack") {
    errors.Invalid(FieldPath("spec.ipFamilyPolicy"), spec.ip_family_policy(),
                   "must be set to 'SingleStack' when releasing the secondary clusterIP");
  }
}

void ValidateFamiliesUpdate(const ServiceSpec& spec, const ServiceSpec& old, Errors& errors) {
  if (IsHeadless(spec) || IsHeadless(old) || old.ip_families().empty()) return;
  if (!spec.ip_families().empty() && spec.ip_families(0) == old.ip_families(0)) return;
  const FieldPath path("spec.ipFamilies");
  errors.InvalidShown(path.Index(0), TextList(spec.ip_families()), kStays);
}

void ValidateAllButMetadata(const Service& service, Errors& errors) {
  ValidateTopologyAnnotations(service, errors);
  const ServiceSpec& spec = service.spec();
  const FieldPath path("spec");
  const FieldPath ports = path.Child("ports");
  if (spec.ports().empty() && !IsHeadless(spec) && !IsExternalName(spec)) errors.Required(ports);
  ValidateByType(spec, path, errors);
  ValidateServicePorts(spec, ports, errors);
  ValidateLabels(spec.selector(), path.Child("selector"), errors);
  ValidateSessionAffinity(spec, path, errors);
  ValidateClusterIps(spec, path, errors);
  ValidateExternalIps(spec, path.Child("externalIPs"), errors);
  errors.OneOf(path.Child("type"), spec.type(),
               {"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"});
  ValidatePortsAreUnique(spec, ports, errors);
  ValidateSourceRanges(service, errors);
  if (spec.has_allocate_load_balancer_node_ports() && !IsBalanced(spec)) {
    errors.Forbidden(path.Child("allocateLoadBalancerNodePorts"), kOnlyBalanced);
  }
  ValidateBalancerClass(spec, path, errors);
  ValidateExternalTraffic(spec, path, errors);
  ValidateOtherPolicies(spec, path, errors);
}

}  // namespace

void ValidateService(const Service& service, Errors& errors) {
  ValidateCoreObjectMeta(service.metadata(), true, IsDns1123Label, FieldPath("metadata"), errors);
  ValidateAllButMetadata(service, errors);
}

void ValidateServiceUpdate(const Service& service, const Service& old, Errors& errors) {
  ValidateCoreObjectMetaUpdate(service.metadata(), old.metadata(), FieldPath("metadata"), errors);
  const ServiceSpec& spec = service.spec();
  const ServiceSpec& before = old.spec();
  if (!IsExternalName(spec) && !IsExternalName(before)) {
    ValidateClusterIpsUpdate(spec, before, errors);
    ValidateFamiliesUpdate(spec, before, errors);
  }
  if (IsBalanced(spec) && IsBalanced(before)) {
    if (spec.has_load_balancer_class() != before.has_load_balancer_class() ||
        spec.load_balancer_class() != before.load_balancer_class()) {
      errors.InvalidShown(FieldPath("spec.loadBalancerClass"),
                          spec.has_load_balancer_class() ? GoQuoted(spec.load_balancer_class())
                                                         : "null",
                          kStays);
    }
    if (spec.external_traffic_policy() == "Local" && before.external_traffic_policy() == "Local" &&
        spec.health_check_node_port() != before.health_check_node_port()) {
      errors.Forbidden(FieldPath("spec.healthCheckNodePort"), kImmutableText);
    }
  }
  ValidateAllButMetadata(service, errors);
}

void ValidateServiceStatusUpdate(const Service& service, const Service& old, Errors& errors) {
  ValidateCoreObjectMetaUpdate(service.metadata(), old.metadata(), FieldPath("metadata"), errors);
  const auto& ingresses = service.status().load_balancer().ingress();
  const FieldPath path("status.loadBalancer");
  if (!ingresses.empty() && !IsBalanced(service.spec())) {
    return errors.Forbidden(path.Child("ingress"),
                            "may only be used when `spec.type` is 'LoadBalancer'");
  }
  for (int i = 0; i < ingresses.size() && !errors.full(); ++i) {
    const core::LoadBalancerIngress& ingress = ingresses[i];
    const FieldPath at = path.Child("ingress", i);
    if (!ingress.ip().empty()) ValidateIp(ingress.ip(), at.Child("ip"), errors);
    if (ingress.has_ip_mode()) {
      if (ingress.ip().empty()) {
        errors.Forbidden(at.Child("ipMode"), "may not be specified when `ip` is not set");
      } else {
        errors.OneOf(at.Child("ipMode"), ingress.ip_mode(), {"Proxy", "VIP"});
      }
    }
    const std::string& host = ingress.hostname();
    if (host.empty()) continue;
    errors.Invalid(at.Child("hostname"), host, IsDns1123Subdomain(host));
    if (ParseIp(host)) {
      errors.Invalid(at.Child("hostname"), host, "must be a DNS name, not an IP address");
    }
  }
}

}  // namespace berth::api::validation
