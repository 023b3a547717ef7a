#include "plugins/pod_topology_spread/queueing_hints.h"

#include <algorithm>

#include "api/equality.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "framework/pod_info.h"
#include "plugins/event_objects.h"

namespace berth::plugins::pod_topology_spread {
namespace {

using api::scheduling::LabelSet;
using framework::PodInfo;
using framework::QueueingHint;
using Message = google::protobuf::Message;

// Whether a change of this pod can matter at all.
bool Relevant(const PodInfo& waiting, const api::core::Pod& pod) {
  if (IsSamePod(waiting, pod)) return true;
  return HasPlace(pod) && pod.metadata().namespace_() == waiting.namespace_name;
}

template <typename Object>
bool SameLabels(const Object& a, const Object& b) {
  return LabelSet::FromMeta(a.metadata()) == LabelSet::FromMeta(b.metadata());
}

bool SameTolerations(const api::core::Pod& a, const api::core::Pod& b) {
  const auto& left = a.spec().tolerations();
  const auto& right = b.spec().tolerations();
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](const auto& x, const auto& y) { return api::SemanticEqual(x, y); });
}

bool SameTaints(const api::core::Node& a, const api::core::Node& b) {
  const auto& left = a.spec().taints();
  const auto& right = b.spec().taints();
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](const auto& x, const auto& y) { return api::SemanticEqual(x, y); });
}

}  // namespace

absl::StatusOr<QueueingHint> AfterPodChange(const PodInfo& pod,
                                            const absl::StatusOr<Constraints>& constraints,
                                            const Message* old_object, const Message* new_object) {
  const api::core::Pod* before = AsPod(old_object);
  const api::core::Pod* after = AsPod(new_object);
  if (before == nullptr && after == nullptr) return absl::InternalError("event without a pod");
  if ((before != nullptr && !Relevant(pod, *before)) ||
      (after != nullptr && !Relevant(pod, *after))) {
    return QueueingHint::kSkip;
  }
  if (!constraints.ok()) return constraints.status();
  if (before != nullptr && after != nullptr) {
    if (IsSamePod(pod, *after) && !SameTolerations(*before, *after)) {
      const bool by_taints =
          std::any_of(constraints->begin(), constraints->end(),
                      [](const Constraint& each) { return each.honor_taints; });
      if (by_taints) return QueueingHint::kQueue;
    }
    if (SameLabels(*before, *after)) return QueueingHint::kSkip;
    const LabelSet old_labels = LabelSet::FromMeta(before->metadata());
    const LabelSet labels = LabelSet::FromMeta(after->metadata());
    return QueueIf(std::any_of(constraints->begin(), constraints->end(), [&](const auto& each) {
      return each.selector.Matches(old_labels) != each.selector.Matches(labels);
    }));
  }
  const LabelSet labels =
      LabelSet::FromMeta(after != nullptr ? after->metadata() : before->metadata());
  return QueueIf(std::any_of(constraints->begin(), constraints->end(), [&](const auto& each) {
    return each.selector.Matches(labels);
  }));
}

absl::StatusOr<QueueingHint> AfterNodeChange(const absl::StatusOr<Constraints>& constraints,
                                             const Message* old_object,
                                             const Message* new_object) {
  const api::core::Node* before = AsNode(old_object);
  const api::core::Node* after = AsNode(new_object);
  if (before == nullptr && after == nullptr) return absl::InternalError("event without a node");
  if (!constraints.ok()) return constraints.status();
  const LabelSet old_labels =
      before == nullptr ? LabelSet() : LabelSet::FromMeta(before->metadata());
  const LabelSet labels = after == nullptr ? LabelSet() : LabelSet::FromMeta(after->metadata());
  const bool matched = before != nullptr && HasAllKeys(old_labels, *constraints);
  const bool matches = after != nullptr && HasAllKeys(labels, *constraints);
  if (before == nullptr || after == nullptr) return QueueIf(matched || matches);
  if (matched != matches) return QueueingHint::kQueue;
  if (!matches) return QueueingHint::kSkip;
  const bool moved = std::any_of(constraints->begin(), constraints->end(), [&](const auto& each) {
    Symbol old_value, value;
    old_labels.Get(each.topology_key, &old_value);
    labels.Get(each.topology_key, &value);
    return !(old_value == value);
  });
  return QueueIf(moved || !SameTaints(*before, *after));
}

}  // namespace berth::plugins::pod_topology_spread
