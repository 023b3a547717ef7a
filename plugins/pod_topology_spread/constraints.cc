#include "plugins/pod_topology_spread/constraints.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "api/resource_table.h"
#include "api/schema/apps_v1.pb.h"
#include "api/schema/core_v1_controller.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/core_v1_service.pb.h"
#include "api/scheduling/tolerations.h"
#include "base/status_macros.h"
#include "framework/handle.h"
#include "framework/object_source.h"
#include "framework/pod_info.h"

namespace berth::plugins::pod_topology_spread {
namespace {

using api::scheduling::CompiledSelector;
using api::scheduling::LabelSet;
using framework::NodeInfo;
using framework::PodInfo;

std::string_view NameOf(Action action) {
  return action == Action::kDoNotSchedule ? "DoNotSchedule" : "ScheduleAnyway";
}

// By key; a later one replaces an earlier one.
using LabelMap = std::map<std::string, std::string>;

void Merge(const google::protobuf::Map<std::string, std::string>& from, LabelMap& to) {
  for (const auto& [key, value] : from) to[key] = value;
}

void RequireAll(const LabelMap& labels, CompiledSelector& selector) {
  for (const auto& [key, value] : labels) {
    selector.Require(Symbol::Intern(key), Symbol::Intern(value));
  }
}

bool Selects(const google::protobuf::Map<std::string, std::string>& selector,
             const api::core::Pod& pod) {
  return std::all_of(selector.begin(), selector.end(), [&](const auto& pair) {
    auto it = pod.metadata().labels().find(pair.first);
    return it != pod.metadata().labels().end() && it->second == pair.second;
  });
}

template <typename Kind>
std::shared_ptr<const Kind> Find(const framework::ObjectSource& objects, const PodInfo& pod,
                                 const std::string& name) {
  return std::static_pointer_cast<const Kind>(
      objects.Get(api::ResourceOf<Kind>(), pod.namespace_name, name));
}

// Adds the requirements of a workload's selector, when it parses.
template <typename Kind>
void AddSelectorOf(const std::shared_ptr<const Kind>& workload, CompiledSelector& selector) {
  if (workload == nullptr || !workload->spec().has_selector()) return;
  const auto compiled = api::scheduling::CompileSelector(workload->spec().selector());
  if (!compiled.ok()) return;
  selector.requirements.insert(selector.requirements.end(), compiled->requirements.begin(),
                               compiled->requirements.end());
}

const api::meta::OwnerReference* ControllerOf(const api::core::Pod& pod) {
  for (const auto& owner : pod.metadata().owner_references()) {
    if (owner.controller()) return &owner;
  }
  return nullptr;
}

}  // namespace

bool Constraint::Counts(const PodInfo& pod, const NodeInfo& node) const {
  if (honor_affinity &&
      !pod.required_node_affinity.Matches(node.labels(), node.name_symbol())) {
    return false;
  }
  return !honor_taints ||
         api::scheduling::FindUntolerated(pod.tolerations, node.taints()) == nullptr;
}

absl::StatusOr<Constraints> Compile(const ConstraintTexts& texts, Action action,
                                    const LabelSet& pod_labels) {
  Constraints out;
  for (const auto& text : texts) {
    if (text.when_unsatisfiable() != NameOf(action)) continue;
    Constraint made;
    made.max_skew = text.max_skew();
    made.topology_key = Symbol::Intern(text.topology_key());
    if (text.has_min_domains()) made.min_domains = text.min_domains();
    if (text.has_node_affinity_policy()) {
      made.honor_affinity = text.node_affinity_policy() == "Honor";
    }
    if (text.has_node_taints_policy()) made.honor_taints = text.node_taints_policy() == "Honor";
    made.selector = CompiledSelector::Nothing();
    if (text.has_label_selector()) {
      BERTH_ASSIGN_OR_RETURN(made.selector,
                             api::scheduling::CompileSelector(text.label_selector()));
    }
    for (const std::string& name : text.match_label_keys()) {
      const Symbol key = Symbol::Intern(name);
      Symbol value;
      if (pod_labels.Get(key, &value)) made.selector.Require(key, value);
    }
    out.push_back(std::move(made));
  }
  return out;
}

Constraints CompileDefaults(const std::vector<SpreadConstraintArgs>& args, Action action) {
  Constraints out;
  for (const SpreadConstraintArgs& arg : args) {
    if (arg.when_unsatisfiable != NameOf(action)) continue;
    Constraint made;
    made.max_skew = arg.max_skew;
    made.topology_key = Symbol::Intern(arg.topology_key);
    made.min_domains = arg.min_domains.value_or(1);
    made.honor_affinity = arg.node_affinity_policy.value_or("Honor") == "Honor";
    made.honor_taints = arg.node_taints_policy.value_or("Ignore") == "Honor";
    out.push_back(std::move(made));
  }
  return out;
}

CompiledSelector DefaultSelector(const PodInfo& pod, const framework::ObjectSource& objects) {
  const api::core::Pod& object = pod.object();
  LabelMap labels;
  objects.ForEach(api::ResourceOf<api::core::Service>(), pod.namespace_name,
                  [&](const framework::ObjectPtr& held) {
                    const auto& service = static_cast<const api::core::Service&>(*held);
                    if (!Selects(service.spec().selector(), object)) return;
                    Merge(service.spec().selector(), labels);
                  });
  CompiledSelector selector;
  const api::meta::OwnerReference* owner = ControllerOf(object);
  const auto is = [&](std::string_view version, std::string_view kind) {
    return owner != nullptr && owner->api_version() == version && owner->kind() == kind;
  };
  if (is("v1", "ReplicationController")) {
    const auto found = Find<api::core::ReplicationController>(objects, pod, owner->name());
    if (found != nullptr) Merge(found->spec().selector(), labels);
  } else if (is("apps/v1", "ReplicaSet")) {
    AddSelectorOf(Find<api::apps::ReplicaSet>(objects, pod, owner->name()), selector);
  } else if (is("apps/v1", "StatefulSet")) {
    AddSelectorOf(Find<api::apps::StatefulSet>(objects, pod, owner->name()), selector);
  }
  RequireAll(labels, selector);
  return selector;
}

void WatchForDefaults(framework::Handle& handle) {
  handle.Watch(api::ResourceOf<api::core::Service>());
  handle.Watch(api::ResourceOf<api::core::ReplicationController>());
  handle.Watch(api::ResourceOf<api::apps::ReplicaSet>());
  handle.Watch(api::ResourceOf<api::apps::StatefulSet>());
}

bool HasAllKeys(const LabelSet& labels, const Constraints& constraints) {
  return std::all_of(constraints.begin(), constraints.end(),
                     [&](const Constraint& each) { return labels.Has(each.topology_key); });
}

bool HasAllKeys(const NodeInfo& node, const Constraints& constraints) {
  return HasAllKeys(node.labels(), constraints);
}

int64_t CountMatching(const NodeInfo& node, const CompiledSelector& selector,
                      Symbol pod_namespace) {
  if (selector.nothing || selector.MatchesEverything()) return 0;
  return std::count_if(node.pods().begin(), node.pods().end(), [&](const auto& pod) {
    return pod->namespace_symbol == pod_namespace && !pod->terminating &&
           selector.Matches(pod->labels);
  });
}

int64_t NormalizedSpread(int64_t raw, int64_t least, int64_t most) {
  if (most == 0) return framework::kNodeScoreMax;
  return framework::kNodeScoreMax * (most + least - raw) / most;
}

Symbol HostnameKey() {
  static const Symbol key = Symbol::Intern("kubernetes.io/hostname");
  return key;
}

}  // namespace berth::plugins::pod_topology_spread
