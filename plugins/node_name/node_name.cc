#include "plugins/node_name/node_name.h"

#include <algorithm>

#include "plugins/signature_keys.h"

namespace berth::plugins::node_name {

absl::StatusOr<std::unique_ptr<framework::Plugin>> NodeName::Create(const framework::PluginArgs&,
                                                                    framework::Handle&) {
  return std::make_unique<NodeName>();
}

framework::Status NodeName::Filter(const framework::CycleState&, const framework::PodInfo& pod,
                                   const framework::NodeInfo& node) const {
  if (pod.node_name.empty() || pod.node_name == node.name()) return framework::Success();
  static const framework::Status* const kRejected =
      new framework::Status(framework::Unresolvable(kReason));
  return *kRejected;
}

// Offered for the usual pod, which names no node.
bool NodeName::FilterBatch(const framework::CycleState&, const framework::PodInfo& pod,
                           const framework::NodeColumns&, std::span<const framework::NodeIndex>,
                           std::span<uint8_t> out) const {
  if (!pod.node_name.empty()) return false;
  std::fill(out.begin(), out.end(), uint8_t{1});
  return true;
}

framework::Dependencies NodeName::DependsOn(const framework::PodInfo&) const {
  return {.filter = framework::Scope::kNode,  // and of a node only its name, which never changes
          .score = framework::Scope::kNode,
          .node_fields = 0,
          .domains = {},
          .objects = {}};
}

bool NodeName::Sign(const framework::PodInfo& pod, framework::SignatureBuilder& out) const {
  out.Put(kNodeNameKey, pod.node_name);
  return true;
}

std::optional<std::vector<framework::ClusterEventWithHint>> NodeName::EventsToRegister() const {
  return {{{{std::string(framework::kNodeResource), framework::kAdd, ""}, nullptr}}};
}

}  // namespace berth::plugins::node_name
