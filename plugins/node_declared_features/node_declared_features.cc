#include "plugins/node_declared_features/node_declared_features.h"

#include <algorithm>

#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "plugins/event_objects.h"
#include "plugins/signature_keys.h"

namespace berth::plugins::node_declared_features {
namespace {

using framework::PodInfo;
using framework::QueueingHint;
using Message = google::protobuf::Message;

bool RestartsAllContainers(const api::core::Container& container) {
  const auto& rules = container.restart_policy_rules();
  return std::any_of(rules.begin(), rules.end(), [](const auto& rule) {
    return rule.action() == "RestartAllContainers";
  });
}

bool Declares(const api::core::Node& node, std::string_view feature) {
  const auto& declared = node.status().declared_features();
  return std::find(declared.begin(), declared.end(), feature) != declared.end();
}

absl::StatusOr<QueueingHint> AfterNodeChange(const PodInfo&, const Message* old_object,
                                             const Message* new_object) {
  const api::core::Node* before = AsNode(old_object);
  const api::core::Node* after = AsNode(new_object);
  if (after == nullptr) return absl::InternalError("event without a node");
  if (before == nullptr) return QueueingHint::kQueue;
  const auto& had = before->status().declared_features();
  const auto& has = after->status().declared_features();
  return QueueIf(!std::equal(had.begin(), had.end(), has.begin(), has.end()));
}

absl::StatusOr<QueueingHint> AfterPodChange(const PodInfo& pod, const Message* old_object,
                                            const Message* new_object) {
  const api::core::Pod* before = AsPod(old_object);
  const api::core::Pod* after = AsPod(new_object);
  if (before == nullptr || after == nullptr) return absl::InternalError("event without a pod");
  return QueueIf(IsSamePod(pod, *after) &&
                 RequiredFeatures(before->spec()) != RequiredFeatures(after->spec()));
}

}  // namespace

std::vector<std::string_view> RequiredFeatures(const api::core::PodSpec& spec) {
  std::vector<std::string_view> features;
  const auto restarts = [](const auto& containers) {
    return std::any_of(containers.begin(), containers.end(), RestartsAllContainers);
  };
  if (restarts(spec.containers()) || restarts(spec.init_containers())) {
    features.push_back("RestartAllContainersOnContainerExits");
  }
  if (spec.host_network() && spec.has_host_users() && !spec.host_users()) {
    features.push_back("UserNamespacesHostNetworkSupport");
  }
  return features;
}

absl::StatusOr<std::unique_ptr<framework::Plugin>> NodeDeclaredFeatures::Create(
    const framework::PluginArgs&, framework::Handle&) {
  return std::make_unique<NodeDeclaredFeatures>();
}

framework::PreFilterResult NodeDeclaredFeatures::PreFilter(framework::CycleState&,
                                                           const PodInfo& pod,
                                                           const framework::Snapshot&) {
  if (RequiredFeatures(pod.object().spec()).empty()) return {framework::Skip(), {}};
  return {};
}

framework::Status NodeDeclaredFeatures::Filter(const framework::CycleState&, const PodInfo& pod,
                                               const framework::NodeInfo& node) const {
  static const framework::Status* const kRejected =
      new framework::Status(framework::Unresolvable(kReason));
  for (const std::string_view feature : RequiredFeatures(pod.object().spec())) {
    if (!Declares(*node.node(), feature)) return *kRejected;
  }
  return framework::Success();
}

framework::Dependencies NodeDeclaredFeatures::DependsOn(const PodInfo& pod) const {
  const bool needs_some = !RequiredFeatures(pod.object().spec()).empty();
  return {.filter = framework::Scope::kNode,
          .score = framework::Scope::kNode,
          .node_fields = needs_some ? framework::kNodeOther : 0,
          .domains = {},
          .objects = {}};
}

bool NodeDeclaredFeatures::Sign(const PodInfo& pod, framework::SignatureBuilder& out) const {
  std::string value;
  for (const std::string_view feature : RequiredFeatures(pod.object().spec())) {
    value.append(feature).append(1, '\n');
  }
  if (!value.empty()) out.Put(kRequiredFeaturesKey, value);
  return true;
}

std::optional<std::vector<framework::ClusterEventWithHint>>
NodeDeclaredFeatures::EventsToRegister() const {
  constexpr framework::ActionType kNodeActions =
      framework::kAdd | framework::kUpdateNodeDeclaredFeature;
  return {{{{std::string(framework::kNodeResource), kNodeActions, ""}, AfterNodeChange},
           {{std::string(framework::kPodResource), framework::kUpdate, ""}, AfterPodChange}}};
}

}  // namespace berth::plugins::node_declared_features
