// Topology spread constraints in the form that is counted with, and where default ones come from.
// Source: kube-scheduler podtopologyspread/common.go, plugins/helper/spread.go;
// plugins.md section 11.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "api/fwd.h"
#include "api/scheduling/label_selector.h"
#include "api/scheduling/labels.h"
#include "base/symbol.h"
#include "framework/fwd.h"
#include "framework/node_info.h"
#include "plugins/args.h"

namespace google::protobuf {
template <typename Element>
class RepeatedPtrField;
}

namespace berth::plugins::pod_topology_spread {

enum class Action : uint8_t { kDoNotSchedule, kScheduleAnyway };

struct Constraint {
  int32_t max_skew = 1;
  int32_t min_domains = 1;
  Symbol topology_key;
  api::scheduling::CompiledSelector selector;
  bool honor_affinity = true;  // nodes the pod's required node affinity excludes do not count
  bool honor_taints = false;   // nor those it does not tolerate

  // The inclusion policies.
  bool Counts(const framework::PodInfo& pod, const framework::NodeInfo& node) const;
};
using Constraints = std::vector<Constraint>;
using ConstraintTexts =
    google::protobuf::RepeatedPtrField<k8s::io::api::core::v1::TopologySpreadConstraint>;

// Those of one action. matchLabelKeys add the pod's own values to the selector.
// InvalidArgument with upstream's text for a selector that does not parse.
absl::StatusOr<Constraints> Compile(const ConstraintTexts& texts, Action action,
                                    const api::scheduling::LabelSet& pod_labels);

// The configured default constraints of an action, without selectors.
Constraints CompileDefaults(const std::vector<SpreadConstraintArgs>& args, Action action);
// With the pod's default selector: the labels by which services and the pod's controller pick it.
// One that matches everything means: none are.
api::scheduling::CompiledSelector DefaultSelector(const framework::PodInfo& pod,
                                                  const framework::ObjectSource& objects);
// What DefaultSelector reads is to be there.
void WatchForDefaults(framework::Handle& handle);
inline constexpr std::string_view kObjectsOfDefaults[] = {
    "Service", "ReplicationController", "apps/ReplicaSet", "apps/StatefulSet"};

bool HasAllKeys(const framework::NodeInfo& node, const Constraints& constraints);
bool HasAllKeys(const api::scheduling::LabelSet& labels, const Constraints& constraints);
// Pods of the namespace that match and are not on their way out. A selector that matches everything
// counts none.
int64_t CountMatching(const framework::NodeInfo& node,
                      const api::scheduling::CompiledSelector& selector, Symbol pod_namespace);
Symbol HostnameKey();
// The fewer the better. least, most: of all raw scores that count.
int64_t NormalizedSpread(int64_t raw, int64_t least, int64_t most);

}  // namespace berth::plugins::pod_topology_spread
