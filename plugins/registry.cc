#include "plugins/registry.h"

#include <array>
#include <string>
#include <type_traits>
#include <utility>

#include "base/strings.h"
#include "plugins/args_fields.h"
#include "plugins/args_validation.h"
#include "plugins/default_binder/default_binder.h"
#include "plugins/default_preemption/default_preemption.h"
#include "plugins/dynamic_resources/dynamic_resources.h"
#include "plugins/gang_scheduling/gang_scheduling.h"
#include "plugins/image_locality/image_locality.h"
#include "plugins/inter_pod_affinity/inter_pod_affinity.h"
#include "plugins/node_affinity/node_affinity.h"
#include "plugins/node_declared_features/node_declared_features.h"
#include "plugins/node_name/node_name.h"
#include "plugins/node_ports/node_ports.h"
#include "plugins/node_resources_balanced_allocation/node_resources_balanced_allocation.h"
#include "plugins/node_resources_fit/node_resources_fit.h"
#include "plugins/node_unschedulable/node_unschedulable.h"
#include "plugins/node_volume_limits/node_volume_limits.h"
#include "plugins/pod_group_pods_count/pod_group_pods_count.h"
#include "plugins/pod_topology_spread/pod_topology_spread.h"
#include "plugins/priority_sort/priority_sort.h"
#include "plugins/scheduling_gates/scheduling_gates.h"
#include "plugins/taint_toleration/taint_toleration.h"
#include "plugins/topology_placement_generator/topology_placement_generator.h"
#include "plugins/volume_binding/volume_binding.h"
#include "plugins/volume_restrictions/volume_restrictions.h"
#include "plugins/volume_zone/volume_zone.h"

namespace berth::plugins {
namespace {

constexpr std::string_view kApiVersion = "kubescheduler.config.k8s.io/v1";

// One row per plugin with arguments: type-erased decode + default, and validate.
struct ArgsRow {
  std::string_view plugin;
  CompletedArgs (*complete)(std::string_view plugin, const api::JsonValue& args);
  api::FieldErrors (*validate)(const std::string& path, const api::JsonValue& completed);
};

template <typename Args>
CompletedArgs Complete(std::string_view plugin, const api::JsonValue& json) {
  const std::string kind = std::string(plugin) + "Args";
  DecodeProblems problems(kind);
  Args args{};
  if (!json.is_null()) args = Decode<Args>(json, problems);
  CompletedArgs out;
  out.problem = problems.WrongText();
  out.strict_problem = problems.StrictText();
  if (!out.problem.empty()) return out;
  SetDefaults(args);
  out.json = Encode(args);
  out.json.Set("apiVersion", api::JsonValue(std::string(kApiVersion)));
  out.json.Set("kind", api::JsonValue(kind));
  return out;
}

template <typename Args>
api::FieldErrors ValidateJson(const std::string& path, const api::JsonValue& completed) {
  DecodeProblems problems("");
  return Validate(path, Decode<Args>(completed, problems));
}

template <typename Args>
constexpr ArgsRow Row(std::string_view plugin) {
  return {plugin, &Complete<Args>, &ValidateJson<Args>};
}

constexpr std::array kArgsRows = {
    Row<DefaultPreemptionArgs>("DefaultPreemption"),
    Row<DynamicResourcesArgs>("DynamicResources"),
    Row<InterPodAffinityArgs>("InterPodAffinity"),
    Row<NodeAffinityArgs>("NodeAffinity"),
    Row<NodeResourcesBalancedAllocationArgs>("NodeResourcesBalancedAllocation"),
    Row<NodeResourcesFitArgs>("NodeResourcesFit"),
    Row<PodTopologySpreadArgs>("PodTopologySpread"),
    Row<VolumeBindingArgs>("VolumeBinding"),
};

const ArgsRow* FindRow(std::string_view plugin) {
  for (const ArgsRow& row : kArgsRows) {
    if (row.plugin == plugin) return &row;
  }
  return nullptr;
}

// Valid arguments of a plugin, or why they are not.
template <typename Args>
absl::StatusOr<Args> Parse(const framework::PluginArgs& text) {
  api::JsonValue json;
  if (!text.json.empty()) {
    auto parsed = api::JsonValue::Parse(text.json);
    if (!parsed.ok()) return parsed.status();
    json = *std::move(parsed);
  }
  DecodeProblems problems("args");
  Args args{};
  if (!json.is_null()) args = Decode<Args>(json, problems);
  if (!problems.empty()) {
    const std::string wrong = problems.WrongText();
    return absl::InvalidArgumentError(ToAbsl(wrong.empty() ? problems.StrictText() : wrong));
  }
  SetDefaults(args);
  if (auto errors = Validate("", args); !errors.empty()) return AggregateStatus(errors);
  return args;
}

// A factory for a plugin whose constructor takes its typed arguments, and the handle if it wants.
template <typename P, typename Args>
framework::PluginEntry WithArgs() {
  return {std::string(P::kName),
          [](const framework::PluginArgs& text,
             framework::Handle& handle) -> absl::StatusOr<std::unique_ptr<framework::Plugin>> {
            auto args = Parse<Args>(text);
            if (!args.ok()) return args.status();
            if constexpr (std::is_constructible_v<P, const Args&, framework::Handle&>) {
              return std::make_unique<P>(*args, handle);
            } else {
              return std::make_unique<P>(*args);
            }
          }};
}

template <typename P>
framework::PluginEntry Plain() {
  if constexpr (requires { &P::Create; }) {
    return {std::string(P::kName), &P::Create};
  } else {
    return {std::string(P::kName),
            [](const framework::PluginArgs&, framework::Handle& handle)
                -> absl::StatusOr<std::unique_ptr<framework::Plugin>> {
              return std::make_unique<P>(handle);
            }};
  }
}

}  // namespace

std::vector<framework::PluginEntry> InTreePlugins() {
  return {
      Plain<scheduling_gates::SchedulingGates>(),
      Plain<priority_sort::PrioritySort>(),
      Plain<node_unschedulable::NodeUnschedulable>(),
      Plain<node_name::NodeName>(),
      Plain<taint_toleration::TaintToleration>(),
      WithArgs<node_affinity::NodeAffinity, NodeAffinityArgs>(),
      Plain<node_ports::NodePorts>(),
      WithArgs<node_resources_fit::NodeResourcesFit, NodeResourcesFitArgs>(),
      Plain<volume_restrictions::VolumeRestrictions>(),
      Plain<node_volume_limits::NodeVolumeLimits>(),
      WithArgs<volume_binding::VolumeBinding, VolumeBindingArgs>(),
      Plain<volume_zone::VolumeZone>(),
      WithArgs<pod_topology_spread::PodTopologySpread, PodTopologySpreadArgs>(),
      WithArgs<inter_pod_affinity::InterPodAffinity, InterPodAffinityArgs>(),
      WithArgs<dynamic_resources::DynamicResources, DynamicResourcesArgs>(),
      WithArgs<default_preemption::DefaultPreemption, DefaultPreemptionArgs>(),
      WithArgs<node_resources_balanced_allocation::NodeResourcesBalancedAllocation,
               NodeResourcesBalancedAllocationArgs>(),
      Plain<image_locality::ImageLocality>(),
      Plain<default_binder::DefaultBinder>(),
      Plain<node_declared_features::NodeDeclaredFeatures>(),
      Plain<gang_scheduling::GangScheduling>(),
      Plain<topology_placement_generator::TopologyPlacementGenerator>(),
      Plain<pod_group_pods_count::PodGroupPodsCount>(),
  };
}

bool HasArgs(std::string_view plugin) { return FindRow(plugin) != nullptr; }

CompletedArgs CompleteArgs(std::string_view plugin, const api::JsonValue& args) {
  return FindRow(plugin)->complete(plugin, args);
}

api::FieldErrors ValidateArgs(std::string_view plugin, const std::string& path,
                              const api::JsonValue& completed) {
  const ArgsRow* row = FindRow(plugin);
  return row == nullptr ? api::FieldErrors() : row->validate(path, completed);
}

}  // namespace berth::plugins
