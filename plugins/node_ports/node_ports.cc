#include "plugins/node_ports/node_ports.h"

#include <algorithm>
#include <string>

#include <fmt/core.h>

#include "api/schema/core_v1_pod.pb.h"
#include "plugins/event_objects.h"
#include "plugins/signature_keys.h"

namespace berth::plugins::node_ports {
namespace {

using framework::QueueingHint;
using Message = google::protobuf::Message;

absl::StatusOr<QueueingHint> AfterPodDeleted(const framework::PodInfo& pod,
                                             const Message* old_object, const Message*) {
  const api::core::Pod* deleted = AsPod(old_object);
  if (deleted == nullptr) return absl::InternalError("event without a pod");
  if (!HasPlace(*deleted)) return QueueingHint::kSkip;
  for (const auto& held : api::scheduling::PodHostPorts(*deleted)) {
    for (const auto& wanted : pod.host_ports) {
      if (wanted.ConflictsWith(held)) return QueueingHint::kQueue;
    }
  }
  return QueueingHint::kSkip;
}

}  // namespace

absl::StatusOr<std::unique_ptr<framework::Plugin>> NodePorts::Create(const framework::PluginArgs&,
                                                                     framework::Handle&) {
  return std::make_unique<NodePorts>();
}

framework::PreFilterResult NodePorts::PreFilter(framework::CycleState&,
                                                const framework::PodInfo& pod,
                                                const framework::Snapshot&) {
  if (pod.host_ports.empty()) return {framework::Skip(), {}};
  return {};
}

framework::Status NodePorts::Filter(const framework::CycleState&, const framework::PodInfo& pod,
                                    const framework::NodeInfo& node) const {
  if (!node.used_ports().ConflictsAny(pod.host_ports)) return framework::Success();
  static const framework::Status* const kRejected =
      new framework::Status(framework::Unschedulable(kReason));
  return *kRejected;
}

framework::Dependencies NodePorts::DependsOn(const framework::PodInfo& pod) const {
  return {.filter = framework::Scope::kNode,
          .score = framework::Scope::kNode,
          .node_fields = pod.host_ports.empty() ? 0 : framework::kNodePods,
          .domains = {},
          .objects = {}};
}

bool NodePorts::Sign(const framework::PodInfo& pod, framework::SignatureBuilder& out) const {
  std::vector<std::string> ports;
  for (const auto& port : pod.host_ports) {
    ports.push_back(fmt::format("{}/{}/{};", port.ip.text(), port.protocol.text(), port.port));
  }
  std::sort(ports.begin(), ports.end());
  std::string value;
  for (const std::string& port : ports) value += port;
  out.Put(kHostPortsKey, value);
  return true;
}

std::optional<std::vector<framework::ClusterEventWithHint>> NodePorts::EventsToRegister() const {
  return {{{{std::string(framework::kPodResource), framework::kDelete, ""}, AfterPodDeleted},
           {{std::string(framework::kNodeResource), framework::kAdd, ""}, nullptr}}};
}

}  // namespace berth::plugins::node_ports
