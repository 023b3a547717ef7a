#include "plugins/node_affinity/node_affinity.h"

#include <algorithm>
#include <string>

#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/strings.h"
#include "plugins/args_validation.h"
#include "plugins/event_objects.h"
#include "plugins/node_selector_errors.h"
#include "plugins/signature_keys.h"

namespace berth::plugins::node_affinity {
namespace {

using api::scheduling::LabelSet;
using api::scheduling::PreferredTerm;
using api::scheduling::Requirement;
using api::scheduling::SelectorTerm;
using framework::QueueingHint;

using Names = std::vector<std::string>;  // sorted, unique

// The nodes a term names by metadata.name In; nullopt when it names none.
std::optional<Names> NamedNodes(const api::core::NodeSelectorTerm& term) {
  std::optional<Names> out;
  for (const auto& field : term.match_fields()) {
    if (field.key() != "metadata.name" || field.operator_() != "In") continue;
    Names names(field.values().begin(), field.values().end());
    SortUnique(names);
    if (!out) {
      out = std::move(names);
      continue;
    }
    Names common;
    std::set_intersection(out->begin(), out->end(), names.begin(), names.end(),
                          std::back_inserter(common));
    out = std::move(common);
  }
  return out;
}

void AppendTerm(const SelectorTerm& term, std::string& out) {
  const auto append = [&](const std::vector<Requirement>& requirements, char kind) {
    std::vector<std::string> each;
    for (const Requirement& requirement : requirements) {
      std::string text = std::to_string(requirement.key.id()) + ":" +
                         std::to_string(static_cast<int>(requirement.op));
      for (Symbol value : requirement.values) text += "," + std::to_string(value.id());
      each.push_back(std::move(text));
    }
    std::sort(each.begin(), each.end());
    for (const std::string& text : each) out.append(1, kind).append(text);
  };
  out += term.valid ? '+' : '-';
  append(term.expressions, 'e');
  append(term.fields, 'f');
}

int64_t WeightOf(const std::vector<PreferredTerm>& terms, const framework::NodeInfo& node) {
  int64_t sum = 0;
  for (const PreferredTerm& preferred : terms) {
    if (preferred.term.Matches(node.labels(), node.name_symbol())) sum += preferred.weight;
  }
  return sum;
}

}  // namespace

NodeAffinity::NodeAffinity(const NodeAffinityArgs& args) {
  if (!args.added_affinity) return;
  const api::core::NodeAffinity added = ToMessage(*args.added_affinity);
  if (args.added_affinity->required) {
    added_required_ = api::scheduling::CompileSelector(
        added.required_during_scheduling_ignored_during_execution());
  }
  added_preferred_ = api::scheduling::CompilePreferred(added);
  has_added_preferred_ = !args.added_affinity->preferred.empty();
}

bool NodeAffinity::AddedMatches(const LabelSet& labels, Symbol node_name) const {
  if (!added_required_) return true;
  return std::any_of(added_required_->begin(), added_required_->end(),
                     [&](const SelectorTerm& term) { return term.Matches(labels, node_name); });
}

framework::PreFilterResult NodeAffinity::PreFilter(framework::CycleState&,
                                                   const framework::PodInfo& pod,
                                                   const framework::Snapshot&) {
  const auto& required = pod.required_node_affinity;
  if (required.empty() && !added_required_) return {framework::Skip(), {}};
  if (!required.terms || required.terms->empty()) return {};
  Names names;
  for (const auto& term : pod.object().spec().affinity().node_affinity()
                              .required_during_scheduling_ignored_during_execution()
                              .node_selector_terms()) {
    std::optional<Names> named = NamedNodes(term);
    if (!named) return {};  // terms are ORed: this one may match any node
    names.insert(names.end(), named->begin(), named->end());
  }
  if (names.empty()) return {framework::Unresolvable(kReasonConflict), {}};
  SortUnique(names);
  return {framework::Success(), std::move(names)};
}

framework::Status NodeAffinity::Filter(const framework::CycleState&,
                                       const framework::PodInfo& pod,
                                       const framework::NodeInfo& node) const {
  if (!AddedMatches(node.labels(), node.name_symbol())) {
    static const framework::Status* const kEnforced =
        new framework::Status(framework::Unresolvable(kReasonEnforced));
    return *kEnforced;
  }
  if (!pod.required_node_affinity.Matches(node.labels(), node.name_symbol())) {
    static const framework::Status* const kRejected =
        new framework::Status(framework::Unresolvable(kReasonPod));
    return *kRejected;
  }
  return framework::Success();
}

framework::Status NodeAffinity::PreScore(framework::CycleState&, const framework::PodInfo& pod,
                                         std::span<const framework::NodeInfo* const>) {
  const auto& affinity = pod.object().spec().affinity().node_affinity();
  for (const PreferredTerm& preferred : pod.preferred_node_affinity) {
    if (preferred.term.valid) continue;
    return framework::Error(AggregateText(PreferredTermErrors("", affinity)));
  }
  if (affinity.preferred_during_scheduling_ignored_during_execution_size() == 0 &&
      !has_added_preferred_) {
    return framework::Skip();
  }
  return framework::Success();
}

framework::Scored NodeAffinity::Score(const framework::CycleState&, const framework::PodInfo& pod,
                                      const framework::NodeInfo& node) const {
  return {WeightOf(added_preferred_, node) + WeightOf(pod.preferred_node_affinity, node), {}};
}

framework::Dependencies NodeAffinity::DependsOn(const framework::PodInfo&) const {
  return {.filter = framework::Scope::kNode,
          .score = framework::Scope::kNode,
          .node_fields = framework::kNodeLabels,
          .domains = {},
          .objects = {}};
}

bool NodeAffinity::Sign(const framework::PodInfo& pod, framework::SignatureBuilder& out) const {
  std::string selector;
  for (const auto& [key, value] : pod.required_node_affinity.node_selector) {
    selector += std::to_string(key.id()) + "=" + std::to_string(value.id()) + ";";
  }
  out.Put(kNodeSelectorKey, selector);
  std::string affinity;
  if (pod.required_node_affinity.terms) {
    affinity += 'R';
    for (const SelectorTerm& term : *pod.required_node_affinity.terms) AppendTerm(term, affinity);
  }
  for (const PreferredTerm& preferred : pod.preferred_node_affinity) {
    affinity += "P" + std::to_string(preferred.weight);
    AppendTerm(preferred.term, affinity);
  }
  out.Put(kNodeAffinityKey, affinity);
  return true;
}

absl::StatusOr<QueueingHint> NodeAffinity::AfterNodeChange(
    const framework::PodInfo& pod, const google::protobuf::Message* old_object,
    const google::protobuf::Message* new_object) const {
  const api::core::Node* before = AsNode(old_object);
  const api::core::Node* after = AsNode(new_object);
  if (after == nullptr) return absl::InternalError("event without a node");
  const Symbol name = Symbol::Intern(after->metadata().name());
  const LabelSet labels = LabelSet::FromMeta(after->metadata());
  if (!AddedMatches(labels, name)) return QueueingHint::kSkip;
  if (!pod.required_node_affinity.Matches(labels, name)) return QueueingHint::kSkip;
  if (before == nullptr) return QueueingHint::kQueue;
  const LabelSet old_labels = LabelSet::FromMeta(before->metadata());
  const bool matched = AddedMatches(old_labels, name) &&
                       pod.required_node_affinity.Matches(old_labels, name);
  return matched ? QueueingHint::kSkip : QueueingHint::kQueue;
}

std::optional<std::vector<framework::ClusterEventWithHint>> NodeAffinity::EventsToRegister()
    const {
  return {{{{std::string(framework::kNodeResource),
             framework::kAdd | framework::kUpdateNodeLabel, ""},
            [this](const auto& pod, const auto* old_object, const auto* new_object) {
              return AfterNodeChange(pod, old_object, new_object);
            }}}};
}

}  // namespace berth::plugins::node_affinity
