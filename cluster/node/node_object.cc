// The Node object of a seat: what a kubelet registers and reports.
#include <charconv>

#include <fmt/core.h>

#include "api/schema/core_v1_node.pb.h"
#include "cluster/node/delay.h"
#include "cluster/node/template.h"

namespace berth::node {
namespace {

using api::core::Node;
using api::core::NodeCondition;
using api::core::NodeStatus;

constexpr std::string_view kKubeletVersion = "v1.36.2";  // the behaviour that is played

struct ConditionText {
  std::string_view type, status, reason, message;
};
constexpr ConditionText kConditions[] = {
    {"MemoryPressure", "False", "KubeletHasSufficientMemory",
     "kubelet has sufficient memory available"},
    {"DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"},
    {"PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"},
    {"Ready", "True", "KubeletReady", "kubelet is posting ready status"},
};

std::string WithNumber(std::string text, uint32_t number) {
  for (size_t at = text.find("{i}"); at != std::string::npos; at = text.find("{i}", at)) {
    text.replace(at, 3, std::to_string(number));
  }
  return text;
}

// A made-up UUID, the same for the same text.
std::string Uuid(std::string_view text) {
  const uint64_t a = StableHash(text, 1), b = StableHash(text, 2);
  return fmt::format("{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}", a >> 32, (a >> 16) & 0xffff,
                     a & 0xfff, b >> 52, b & 0xffffffffffff);
}

template <typename Map>
void SetQuantities(const std::map<std::string, std::string>& from, Map& to) {
  to.clear();
  for (const auto& [name, text] : from) to[name].set_string(text);
}

NodeCondition* FindCondition(NodeStatus& status, std::string_view type) {
  for (NodeCondition& condition : *status.mutable_conditions()) {
    if (condition.type() == type) return &condition;
  }
  return nullptr;
}

void SetConditions(NodeStatus& status, absl::Time now) {
  const int64_t seconds = absl::ToUnixSeconds(now);
  for (const ConditionText& text : kConditions) {
    NodeCondition* condition = FindCondition(status, text.type);
    if (condition == nullptr) {
      condition = status.add_conditions();
      condition->set_type(std::string(text.type));
    }
    if (condition->status() != text.status) {
      condition->set_status(std::string(text.status));
      condition->mutable_last_transition_time()->set_seconds(seconds);
    }
    condition->set_reason(std::string(text.reason));
    condition->set_message(std::string(text.message));
    condition->mutable_last_heartbeat_time()->set_seconds(seconds);
  }
}

void SetAddress(NodeStatus& status, const std::string& type, const std::string& address) {
  for (auto& known : *status.mutable_addresses()) {
    if (known.type() == type) return known.set_address(address);
  }
  auto& added = *status.add_addresses();
  added.set_type(type);
  added.set_address(address);
}

void SetNodeInfo(NodeStatus& status, const std::string& name) {
  auto& info = *status.mutable_node_info();
  info.set_machine_id(Uuid(name + "/machine"));
  info.set_system_uuid(Uuid(name + "/system"));
  info.set_boot_id(Uuid(name + "/boot"));
  info.set_kernel_version("6.1.0-sim");
  info.set_os_image("berth simulated node");
  info.set_container_runtime_version("sim://1");
  info.set_kubelet_version(std::string(kKubeletVersion));
  info.set_kube_proxy_version("");
  info.set_operating_system("linux");
  info.set_architecture("amd64");
}

}  // namespace

std::string HostIp(uint32_t index) {
  const uint32_t host = index + 1;
  return fmt::format("172.{}.{}.{}", 16 + (host >> 16), (host >> 8) & 255, host & 255);
}

std::string PodCidr(uint32_t index) {
  return fmt::format("10.{}.{}.0/24", (index >> 8) & 255, index & 255);
}

std::string PodIp(uint32_t index, uint32_t offset) {
  return fmt::format("10.{}.{}.{}", (index >> 8) & 255, index & 255, offset);
}

uint32_t PodOffset(uint32_t index, std::string_view ip) {
  const std::string prefix = fmt::format("10.{}.{}.", (index >> 8) & 255, index & 255);
  if (!ip.starts_with(prefix)) return 0;
  uint32_t offset = 0;
  const std::string_view rest = ip.substr(prefix.size());
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), offset);
  const bool good = error == std::errc() && end == rest.data() + rest.size();
  return good && offset >= kPodOffsetFirst && offset <= kPodOffsetLast ? offset : 0;
}

void SetNodeStatus(const NodePool& pool, const NodeSeat& seat, uint32_t index, absl::Time now,
                   Node& node) {
  NodeStatus& status = *node.mutable_status();
  SetQuantities(pool.capacity, *status.mutable_capacity());
  SetQuantities(pool.allocatable, *status.mutable_allocatable());
  SetConditions(status, now);
  SetAddress(status, "InternalIP", HostIp(index));
  SetAddress(status, "Hostname", seat.name);
  status.mutable_daemon_endpoints()->mutable_kubelet_endpoint()->set_port(10250);
  SetNodeInfo(status, seat.name);
  status.clear_images();
  for (const NodePool::Image& image : pool.images) {
    auto& added = *status.add_images();
    added.add_names(image.name);
    if (image.size_bytes > 0) added.set_size_bytes(image.size_bytes);
  }
}

Node MakeNode(const NodePool& pool, const NodeSeat& seat, uint32_t index, absl::Time now) {
  Node node;
  node.mutable_metadata()->set_name(seat.name);
  auto& labels = *node.mutable_metadata()->mutable_labels();
  labels["kubernetes.io/hostname"] = seat.name;
  labels["kubernetes.io/os"] = "linux";
  labels["kubernetes.io/arch"] = "amd64";
  labels["beta.kubernetes.io/os"] = "linux";
  labels["beta.kubernetes.io/arch"] = "amd64";
  if (!pool.zones.empty()) {
    labels["topology.kubernetes.io/zone"] = pool.zones[(seat.number - 1) % pool.zones.size()];
  }
  if (!pool.region.empty()) labels["topology.kubernetes.io/region"] = pool.region;
  for (const auto& [key, value] : pool.labels) labels[key] = WithNumber(value, seat.number);
  (*node.mutable_metadata()->mutable_annotations())["berth.dev/simulated"] = "true";
  auto& spec = *node.mutable_spec();
  spec.set_pod_cidr(PodCidr(index));
  spec.add_pod_cidrs(PodCidr(index));
  spec.set_provider_id("berth-sim://" + seat.name);
  spec.set_unschedulable(pool.unschedulable);
  if (!pool.unschedulable) spec.clear_unschedulable();
  for (const NodePool::Taint& taint : pool.taints) {
    auto& added = *spec.add_taints();
    added.set_key(taint.key);
    if (!taint.value.empty()) added.set_value(taint.value);
    added.set_effect(taint.effect);
  }
  SetNodeStatus(pool, seat, index, now, node);
  return node;
}

bool NodeStatusHolds(const NodePool& pool, const NodeSeat& seat, uint32_t index,
                     const Node& node) {
  Node wanted = node;
  SetNodeStatus(pool, seat, index, absl::UnixEpoch(), wanted);
  NodeStatus& want = *wanted.mutable_status();
  NodeStatus have = node.status();
  const auto same = [](const auto& a, const auto& b) {
    if (a.size() != b.size()) return false;
    for (const auto& [key, value] : a) {
      const auto it = b.find(key);
      if (it == b.end() || it->second.string() != value.string()) return false;
    }
    return true;
  };
  // Maps have no order of their own: they are compared apart.
  if (!same(want.capacity(), have.capacity())) return false;
  if (!same(want.allocatable(), have.allocatable())) return false;
  for (auto* status : {&want, &have}) {
    for (auto& condition : *status->mutable_conditions()) condition.clear_last_heartbeat_time();
    status->clear_capacity();
    status->clear_allocatable();
  }
  return want.SerializeAsString() == have.SerializeAsString();
}

}  // namespace berth::node
