#include "plugins/taint_toleration/taint_toleration.h"

#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "plugins/event_objects.h"
#include "plugins/signature_keys.h"

namespace berth::plugins::taint_toleration {
namespace {

using api::scheduling::CompiledTaint;
using api::scheduling::TaintEffect;
using framework::QueueingHint;
using Message = google::protobuf::Message;

bool HasUntolerated(const framework::PodInfo& pod, const api::core::Node& node) {
  for (const api::core::Taint& taint : node.spec().taints()) {
    const CompiledTaint compiled = api::scheduling::CompileTaint(taint);
    if (api::scheduling::FindUntolerated(pod.tolerations, {&compiled, 1}) != nullptr) return true;
  }
  return false;
}

absl::StatusOr<QueueingHint> AfterNodeChange(const framework::PodInfo& pod,
                                             const Message* old_object,
                                             const Message* new_object) {
  const api::core::Node* before = AsNode(old_object);
  const api::core::Node* after = AsNode(new_object);
  if (after == nullptr) return absl::InternalError("event without a node");
  const bool was_untolerated = before == nullptr || HasUntolerated(pod, *before);
  if (was_untolerated && !HasUntolerated(pod, *after)) return QueueingHint::kQueue;
  return QueueingHint::kSkip;
}

absl::StatusOr<QueueingHint> AfterTolerationChange(const framework::PodInfo& pod, const Message*,
                                                   const Message* new_object) {
  const api::core::Pod* changed = AsPod(new_object);
  if (changed == nullptr) return absl::InternalError("event without a pod");
  return IsSamePod(pod, *changed) ? QueueingHint::kQueue : QueueingHint::kSkip;
}

}  // namespace

absl::StatusOr<std::unique_ptr<framework::Plugin>> TaintToleration::Create(
    const framework::PluginArgs&, framework::Handle&) {
  return std::make_unique<TaintToleration>();
}

framework::Status TaintToleration::Filter(const framework::CycleState&,
                                          const framework::PodInfo& pod,
                                          const framework::NodeInfo& node) const {
  if (api::scheduling::FindUntolerated(pod.tolerations, node.taints()) == nullptr) {
    return framework::Success();
  }
  static const framework::Status* const kRejected =
      new framework::Status(framework::Unresolvable(kReason));
  return *kRejected;
}

framework::Status TaintToleration::PreScore(framework::CycleState&, const framework::PodInfo&,
                                            std::span<const framework::NodeInfo* const>) {
  return framework::Success();
}

// Only tolerations with effect "" or PreferNoSchedule can tolerate a PreferNoSchedule taint, so the
// whole list gives what upstream's reduced one does.
framework::Scored TaintToleration::Score(const framework::CycleState&,
                                         const framework::PodInfo& pod,
                                         const framework::NodeInfo& node) const {
  int64_t untolerated = 0;
  for (const CompiledTaint& taint : node.taints()) {
    if (taint.effect != TaintEffect::kPreferNoSchedule) continue;
    if (!api::scheduling::Tolerated(pod.tolerations, taint)) ++untolerated;
  }
  return {untolerated, {}};
}

framework::Dependencies TaintToleration::DependsOn(const framework::PodInfo&) const {
  return {.filter = framework::Scope::kNode,
          .score = framework::Scope::kNode,
          .node_fields = framework::kNodeTaints,
          .domains = {},
          .objects = {}};
}

bool TaintToleration::Sign(const framework::PodInfo& pod, framework::SignatureBuilder& out) const {
  PutTolerations(pod, out);
  return true;
}

std::optional<std::vector<framework::ClusterEventWithHint>> TaintToleration::EventsToRegister()
    const {
  return {{{{std::string(framework::kNodeResource),
             framework::kAdd | framework::kUpdateNodeTaint, ""},
            AfterNodeChange},
           {{std::string(framework::kPodResource), framework::kUpdatePodToleration, ""},
            AfterTolerationChange}}};
}

}  // namespace berth::plugins::taint_toleration
