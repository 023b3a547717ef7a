#include "plugins/inter_pod_affinity/queueing_hints.h"

#include <algorithm>
#include <memory>

#include "api/scheduling/labels.h"
#include "api/scheduling/pod_affinity.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "framework/pod_info.h"
#include "plugins/event_objects.h"

namespace berth::plugins::inter_pod_affinity {
namespace {

using api::scheduling::LabelSet;
using api::scheduling::PodAffinity;
using api::scheduling::PodAffinityTerm;
using framework::PodInfo;
using framework::QueueingHint;
using Message = google::protobuf::Message;
using Terms = std::vector<PodAffinityTerm>;

bool MatchesAll(const Terms& terms, const api::core::Pod& pod) {
  return api::scheduling::MatchesAll(terms, Symbol::Intern(pod.metadata().namespace_()),
                  LabelSet::FromMeta(pod.metadata()));
}

Terms RequiredAnti(const api::core::Pod& pod) {
  const auto compiled = api::scheduling::CompilePodAffinity(
      pod.spec().affinity(), Symbol::Intern(pod.metadata().namespace_()));
  return compiled ? compiled->required_anti : Terms();
}

// The value of a key before and after, in a label change of a node.
struct Change {
  bool had = false, has = false, differs = false;
};
Change ChangeOf(Symbol key, const LabelSet& before, const LabelSet& after) {
  Symbol old_value, new_value;
  Change change;
  change.had = before.Get(key, &old_value);
  change.has = after.Get(key, &new_value);
  change.differs = change.had && change.has && !(old_value == new_value);
  return change;
}

}  // namespace

absl::StatusOr<QueueingHint> AfterPodChange(const PodInfo& pod, const Message* old_object,
                                            const Message* new_object) {
  const api::core::Pod* before = AsPod(old_object);
  const api::core::Pod* after = AsPod(new_object);
  if (after != nullptr && IsSamePod(pod, *after)) return QueueingHint::kQueue;
  if ((before != nullptr && !HasPlace(*before)) || (after != nullptr && !HasPlace(*after))) {
    return QueueingHint::kSkip;
  }
  if (pod.pod_affinity && !pod.pod_affinity->problem.empty()) {
    return absl::InvalidArgumentError("the pod's terms do not parse");
  }
  static const PodAffinity* const kNone = new PodAffinity;
  const PodAffinity& own = pod.pod_affinity ? *pod.pod_affinity : *kNone;
  if (before != nullptr && after != nullptr) {
    const bool wanted_now = !MatchesAll(own.required, *before) && MatchesAll(own.required, *after);
    return QueueIf(wanted_now || (MatchesAll(own.required_anti, *before) &&
                                  !MatchesAll(own.required_anti, *after)));
  }
  if (after != nullptr) return QueueIf(MatchesAll(own.required, *after));
  if (before == nullptr) return absl::InternalError("event without a pod");
  return QueueIf(MatchesAll(own.required_anti, *before) ||
                 api::scheduling::MatchesAll(RequiredAnti(*before), pod.namespace_symbol,
                                              pod.labels));
}

absl::StatusOr<QueueingHint> AfterNodeChange(const PodInfo& pod, const Message* old_object,
                                             const Message* new_object) {
  const api::core::Node* before = AsNode(old_object);
  const api::core::Node* after = AsNode(new_object);
  if (after == nullptr) return absl::InternalError("event without a node");
  if (!pod.pod_affinity) return QueueingHint::kSkip;
  const LabelSet labels = LabelSet::FromMeta(after->metadata());
  const LabelSet old_labels =
      before == nullptr ? LabelSet() : LabelSet::FromMeta(before->metadata());
  for (const PodAffinityTerm& term : pod.pod_affinity->required) {
    const Change change = ChangeOf(term.topology_key, old_labels, labels);
    if ((!change.had && change.has) || change.differs) return QueueingHint::kQueue;
  }
  for (const PodAffinityTerm& term : pod.pod_affinity->required_anti) {
    if (before == nullptr) return QueueingHint::kQueue;
    const Change change = ChangeOf(term.topology_key, old_labels, labels);
    if ((change.had && !change.has) || change.differs) return QueueingHint::kQueue;
  }
  return QueueingHint::kSkip;
}

}  // namespace berth::plugins::inter_pod_affinity
