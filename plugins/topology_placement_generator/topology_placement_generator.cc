#include "plugins/topology_placement_generator/topology_placement_generator.h"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/core.h>
#include <fmt/format.h>

#include "api/errors.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/scheduling_v1alpha2.pb.h"
#include "base/symbol.h"
#include "framework/handle.h"
#include "framework/object_source.h"
#include "framework/pod_group.h"
#include "framework/snapshot.h"

namespace berth::plugins::topology_placement_generator {

namespace {

constexpr std::string_view kCannot = "cannot determine domain for already scheduled pods: ";

}  // namespace

using framework::NodeInfo;
using framework::Placement;
using framework::PodGroupOf;
using framework::PodInfo;
using framework::Status;
using api::gang::PodGroup;

TopologyPlacementGenerator::TopologyPlacementGenerator(framework::Handle& handle)
    : handle_(handle) {
  handle.Watch(api::ResourceOf<PodGroup>());
}

Status TopologyPlacementGenerator::GeneratePlacements(framework::CycleState&,
                                                      std::span<const framework::PodPtr> group,
                                                      const Placement& parent,
                                                      std::vector<Placement>& out) {
  const PodInfo& any = *group.front();
  const auto object = framework::FindPodGroup(handle_.objects(), any);
  if (object == nullptr) {
    return framework::Error(fmt::format("podgroup.scheduling.k8s.io {} not found",
                                        api::GoQuoted(PodGroupOf(any))));
  }
  const auto& topology = object->spec().scheduling_constraints().topology();
  if (topology.empty()) {
    out.push_back(parent);
    return framework::Success();
  }
  const Symbol key = Symbol::Intern(topology[0].key());
  const framework::Snapshot& snapshot = handle_.snapshot();
  const auto value_of = [&](const NodeInfo* node, std::string* value) {
    Symbol held;
    if (node == nullptr || !node->labels().Get(key, &held)) return false;
    *value = std::string(held.text());
    return true;
  };
  std::set<std::string> taken;  // values with members of the group
  std::string value;
  for (const NodeInfo* node : snapshot.nodes()) {
    for (const framework::PodPtr& pod : node->pods()) {
      const bool member = pod->namespace_name == any.namespace_name &&
                          PodGroupOf(*pod) == PodGroupOf(any);
      if (!member) continue;
      if (!value_of(node, &value)) {
        return framework::Error(fmt::format("{}no topology domain found for pod {}", kCannot,
                                            pod->key));
      }
      taken.insert(value);
    }
  }
  if (taken.size() > 1) {
    return framework::Error(fmt::format("{}more than 1 domain found for pod group: {}", kCannot,
                                        fmt::join(taken, ", ")));
  }
  std::map<std::string, Placement> by_value;
  for (const std::string& node_name : parent.node_names) {
    if (!value_of(snapshot.Find(node_name), &value)) continue;
    if (!taken.empty() && !taken.contains(value)) continue;
    Placement& placement = by_value[value];
    placement.name = value;
    placement.node_names.push_back(node_name);
  }
  for (auto& [name, placement] : by_value) out.push_back(std::move(placement));
  return framework::Success();
}

}  // namespace berth::plugins::topology_placement_generator
