#include "plugins/node_unschedulable/node_unschedulable.h"

#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "plugins/event_objects.h"
#include "plugins/signature_keys.h"

namespace berth::plugins::node_unschedulable {
namespace {

using api::scheduling::CompiledTaint;
using framework::QueueingHint;
using Message = google::protobuf::Message;

const CompiledTaint& CordonTaint() {
  static const CompiledTaint* const kTaint =
      new CompiledTaint{Symbol::Intern("node.kubernetes.io/unschedulable"), Symbol(),
                        api::scheduling::TaintEffect::kNoSchedule};
  return *kTaint;
}

bool Tolerates(const framework::PodInfo& pod) {
  return api::scheduling::Tolerated(pod.tolerations, CordonTaint());
}

absl::StatusOr<QueueingHint> AfterNodeChange(const framework::PodInfo&, const Message* old_object,
                                             const Message* new_object) {
  const api::core::Node* before = AsNode(old_object);
  const api::core::Node* after = AsNode(new_object);
  if (after == nullptr) return absl::InternalError("event without a node");
  const bool was = before == nullptr || before->spec().unschedulable();
  return was && !after->spec().unschedulable() ? QueueingHint::kQueue : QueueingHint::kSkip;
}

absl::StatusOr<QueueingHint> AfterTolerationChange(const framework::PodInfo& pod, const Message*,
                                                   const Message* new_object) {
  const api::core::Pod* changed = AsPod(new_object);
  if (changed == nullptr) return absl::InternalError("event without a pod");
  if (!IsSamePod(pod, *changed)) return QueueingHint::kSkip;
  for (const auto& toleration : changed->spec().tolerations()) {
    if (api::scheduling::CompileToleration(toleration).Tolerates(CordonTaint())) {
      return QueueingHint::kQueue;
    }
  }
  return QueueingHint::kSkip;
}

}  // namespace

absl::StatusOr<std::unique_ptr<framework::Plugin>> NodeUnschedulable::Create(
    const framework::PluginArgs&, framework::Handle&) {
  return std::make_unique<NodeUnschedulable>();
}

framework::Status NodeUnschedulable::Filter(const framework::CycleState&,
                                            const framework::PodInfo& pod,
                                            const framework::NodeInfo& node) const {
  if (!node.unschedulable() || Tolerates(pod)) return framework::Success();
  static const framework::Status* const kRejected =
      new framework::Status(framework::Unresolvable(kReason));
  return *kRejected;
}

bool NodeUnschedulable::FilterBatch(const framework::CycleState&, const framework::PodInfo& pod,
                                    const framework::NodeColumns& columns,
                                    std::span<const framework::NodeIndex> nodes,
                                    std::span<uint8_t> out) const {
  const uint8_t tolerates = Tolerates(pod) ? 1 : 0;
  for (size_t i = 0; i < nodes.size(); ++i) {
    out[i] = static_cast<uint8_t>(columns.unschedulable[nodes[i]] == 0) | tolerates;
  }
  return true;
}

framework::Dependencies NodeUnschedulable::DependsOn(const framework::PodInfo&) const {
  return {.filter = framework::Scope::kNode,
          .score = framework::Scope::kNode,
          .node_fields = framework::kNodeTaints,
          .domains = {},
          .objects = {}};
}

bool NodeUnschedulable::Sign(const framework::PodInfo& pod,
                             framework::SignatureBuilder& out) const {
  PutTolerations(pod, out);
  return true;
}

std::optional<std::vector<framework::ClusterEventWithHint>> NodeUnschedulable::EventsToRegister()
    const {
  return {{{{std::string(framework::kNodeResource),
             framework::kAdd | framework::kUpdateNodeTaint, ""},
            AfterNodeChange},
           {{std::string(framework::kPodResource), framework::kUpdatePodToleration, ""},
            AfterTolerationChange}}};
}

}  // namespace berth::plugins::node_unschedulable
