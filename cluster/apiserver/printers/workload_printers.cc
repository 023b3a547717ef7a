// What `kubectl get` shows of services, of what makes pods, and of groups of pods.
#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include "api/schema/apps_v1.pb.h"
#include "api/schema/core_v1_container.pb.h"
#include "api/schema/core_v1_controller.pb.h"
#include "api/schema/core_v1_service.pb.h"
#include "api/schema/scheduling_v1alpha2.pb.h"
#include "api/selectors.h"
#include "cluster/apiserver/printers/printer.h"

namespace berth::apiserver {
namespace {

namespace core = api::core;
using google::protobuf::Message;

constexpr Column kReplicaColumns[] = {
    kNameColumn,
    {"Desired", "integer", "", 0},
    {"Current", "integer", "", 0},
    {"Ready", "integer", "", 0},
    kAgeColumn,
    {"Containers", "string", "", 1},
    {"Images", "string", "", 1},
    {"Selector", "string", "", 1},
};
constexpr Column kStatefulSetColumns[] = {
    kNameColumn,
    {"Ready", "string", "", 0},
    kAgeColumn,
    {"Containers", "string", "", 1},
    {"Images", "string", "", 1},
};
constexpr Column kServiceColumns[] = {
    kNameColumn,
    {"Type", "string", "", 0},
    {"Cluster-IP", "string", "", 0},
    {"External-IP", "string", "", 0},
    {"Port(s)", "string", "", 0},
    kAgeColumn,
    {"Selector", "string", "", 1},
};

// Names and images, two cells.
void ContainersCells(api::JsonWriter& out, const core::PodTemplateSpec& pod_template) {
  std::string names, images;
  for (const core::Container& container : pod_template.spec().containers()) {
    if (!names.empty()) names += ',', images += ',';
    names += container.name();
    images += container.image();
  }
  TextCell(out, names);
  TextCell(out, images);
}

// ReplicaSet or ReplicationController.
template <typename Set>
void ReplicaCells(api::JsonWriter& out, const Set& set, absl::Time now) {
  NameCell(out, set);
  IntCell(out, set.spec().replicas());
  IntCell(out, set.status().replicas());
  IntCell(out, set.status().ready_replicas());
  CreatedCell(out, set, now);
  ContainersCells(out, set.spec().template_());
}

void PrintReplicaSet(const Message& object, absl::Time now, api::JsonWriter& out) {
  const auto& set = static_cast<const api::apps::ReplicaSet&>(object);
  ReplicaCells(out, set, now);
  const auto selector = api::LabelSelector::FromMessage(set.spec().selector());
  if (!selector.ok()) return TextCell(out, "<error>");
  TextOrNoneCell(out, selector->ToString());
}

void PrintReplicationController(const Message& object, absl::Time now, api::JsonWriter& out) {
  const auto& controller = static_cast<const core::ReplicationController&>(object);
  ReplicaCells(out, controller, now);
  TextOrNoneCell(out, api::LabelSelector::FromLabels(controller.spec().selector()).ToString());
}

void PrintStatefulSet(const Message& object, absl::Time now, api::JsonWriter& out) {
  const auto& set = static_cast<const api::apps::StatefulSet&>(object);
  NameCell(out, object);
  TextCell(out, fmt::format("{}/{}", set.status().ready_replicas(), set.spec().replicas()));
  CreatedCell(out, object, now);
  ContainersCells(out, set.spec().template_());
}

template <typename Texts>
std::string WithCommas(const Texts& texts) {
  std::string all;
  for (const std::string& text : texts) {
    if (!all.empty()) all += ',';
    all += text;
  }
  return all;
}

// Sorted, each once. Never cut: a table of the server has what -o wide shows.
std::string BalancerText(const core::LoadBalancerStatus& status) {
  std::set<std::string> addresses;
  for (const core::LoadBalancerIngress& ingress : status.ingress()) {
    const std::string& address = ingress.ip().empty() ? ingress.hostname() : ingress.ip();
    if (!address.empty()) addresses.insert(address);
  }
  return WithCommas(addresses);
}

std::string ExternalAddresses(const core::Service& service) {
  const core::ServiceSpec& spec = service.spec();
  std::string external = WithCommas(spec.external_ips());
  if (spec.type() == "ExternalName") return spec.external_name();
  if (spec.type() == "ClusterIP" || spec.type() == "NodePort") {
    return external.empty() ? "<none>" : external;
  }
  if (spec.type() != "LoadBalancer") return "<unknown>";
  const std::string balancer = BalancerText(service.status().load_balancer());
  if (external.empty()) return balancer.empty() ? "<pending>" : balancer;
  return balancer.empty() ? external : balancer + "," + external;
}

std::string PortsText(const core::ServiceSpec& spec) {
  std::vector<std::string> texts;
  for (const core::ServicePort& port : spec.ports()) {
    texts.push_back(port.node_port() > 0
                        ? fmt::format("{}:{}/{}", port.port(), port.node_port(), port.protocol())
                        : fmt::format("{}/{}", port.port(), port.protocol()));
  }
  return WithCommas(texts);
}

void PrintService(const Message& object, absl::Time now, api::JsonWriter& out) {
  const auto& service = static_cast<const core::Service&>(object);
  const core::ServiceSpec& spec = service.spec();
  NameCell(out, object);
  TextCell(out, spec.type());
  TextOrNoneCell(out, spec.cluster_ips().empty() ? "" : spec.cluster_ips(0));
  TextCell(out, ExternalAddresses(service));
  TextOrNoneCell(out, PortsText(spec));
  CreatedCell(out, object, now);
  TextOrNoneCell(out, api::LabelSelector::FromLabels(spec.selector()).ToString());
}

constexpr Column kPodGroupColumns[] = {
    kNameColumn,
    {"Policy", "string", "", 0},
    {"Workload", "string", "", 0},
    {"Status", "string", "", 0},
    kAgeColumn,
};

std::string_view PolicyOf(const api::gang::PodGroupSchedulingPolicy& policy) {
  if (policy.has_gang()) return "Gang";
  return policy.has_basic() ? "Basic" : "";
}

std::string_view StatusOf(const api::gang::PodGroupStatus& status) {
  for (const api::meta::Condition& condition : status.conditions()) {
    if (condition.type() != "PodGroupScheduled") continue;
    if (condition.status() == "True") return "Scheduled";
    return condition.reason();
  }
  return "Pending";
}

void PrintPodGroup(const Message& object, absl::Time now, api::JsonWriter& out) {
  const auto& group = static_cast<const api::gang::PodGroup&>(object);
  NameCell(out, object);
  TextOrNoneCell(out, PolicyOf(group.spec().scheduling_policy()));
  TextOrNoneCell(out, group.spec().pod_group_template_ref().workload().workload_name());
  TextCell(out, StatusOf(group.status()));
  CreatedCell(out, object, now);
}

}  // namespace

const Printer kPodGroupPrinter = {kPodGroupColumns, PrintPodGroup};
const Printer kReplicaSetPrinter = {kReplicaColumns, PrintReplicaSet};
const Printer kReplicationControllerPrinter = {kReplicaColumns, PrintReplicationController};
const Printer kStatefulSetPrinter = {kStatefulSetColumns, PrintStatefulSet};
const Printer kServicePrinter = {kServiceColumns, PrintService};

}  // namespace berth::apiserver
