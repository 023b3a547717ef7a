// What `kubectl get nodes` shows.
#include <set>
#include <string>
#include <string_view>

#include <fmt/core.h>

#include "api/schema/core_v1_node.pb.h"
#include "cluster/apiserver/printers/printer.h"

namespace berth::apiserver {
namespace {

namespace core = api::core;

constexpr Column kNodeColumns[] = {
    {"Name", "string", "name", 0},        {"Status", "string", "", 0},
    {"Roles", "string", "", 0},           {"Age", "string", "", 0},
    {"Version", "string", "", 0},         {"Internal-IP", "string", "", 1},
    {"External-IP", "string", "", 1},     {"OS-Image", "string", "", 1},
    {"Kernel-Version", "string", "", 1},  {"Container-Runtime", "string", "", 1},
};

constexpr std::string_view kRolePrefix = "node-role.kubernetes.io/";

std::string StatusOf(const core::Node& node) {
  std::string status;
  for (const core::NodeCondition& condition : node.status().conditions()) {
    if (condition.type() == "Ready") status = condition.status() == "True" ? "Ready" : "NotReady";
  }
  if (status.empty()) status = "Unknown";
  if (node.spec().unschedulable()) status += ",SchedulingDisabled";
  return status;
}

std::string RolesOf(const core::Node& node) {
  std::set<std::string> roles;
  for (const auto& [key, value] : node.metadata().labels()) {
    if (key.starts_with(kRolePrefix) && key.size() > kRolePrefix.size()) {
      roles.insert(key.substr(kRolePrefix.size()));
    } else if (key == "kubernetes.io/role" && !value.empty()) {
      roles.insert(value);
    }
  }
  std::string text;
  for (const std::string& role : roles) text += (text.empty() ? "" : ",") + role;
  return text;
}

std::string_view AddressOf(const core::Node& node, std::string_view type) {
  for (const core::NodeAddress& address : node.status().addresses()) {
    if (address.type() == type) return address.address();
  }
  return {};
}

void TextOrUnknownCell(api::JsonWriter& out, std::string_view text) {
  TextCell(out, text.empty() ? "<unknown>" : text);
}

void PrintNode(const google::protobuf::Message& object, absl::Time now, api::JsonWriter& out) {
  const auto& node = static_cast<const core::Node&>(object);
  const core::NodeSystemInfo& info = node.status().node_info();
  TextCell(out, node.metadata().name());
  TextCell(out, StatusOf(node));
  TextOrNoneCell(out, RolesOf(node));
  AgeCell(out, node.metadata().creation_timestamp(), now);
  TextCell(out, info.kubelet_version());
  TextOrNoneCell(out, AddressOf(node, "InternalIP"));
  TextOrNoneCell(out, AddressOf(node, "ExternalIP"));
  TextOrUnknownCell(out, info.os_image());
  TextOrUnknownCell(out, info.kernel_version().empty() || info.architecture().empty()
                             ? info.kernel_version()
                             : fmt::format("{} ({})", info.kernel_version(), info.architecture()));
  TextOrUnknownCell(out, info.container_runtime_version());
}

}  // namespace

const Printer kNodePrinter = {kNodeColumns, PrintNode};

}  // namespace berth::apiserver
