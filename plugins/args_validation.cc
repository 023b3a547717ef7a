#include "plugins/args_validation.h"

#include <algorithm>
#include <set>
#include <vector>

#include <fmt/core.h>

#include "api/duration.h"
#include "api/schema/core_v1_affinity.pb.h"
#include "api/validation/names.h"
#include "base/strings.h"
#include "plugins/args_codec.h"
#include "plugins/node_selector_errors.h"

namespace berth::plugins {
namespace {

using api::FieldErrors;

std::string At(const std::string& path, std::string_view child) {
  return codec::Join(path, child);
}
std::string At(const std::string& path, std::string_view child, size_t index) {
  return codec::Index(codec::Join(path, child), index);
}

void Append(FieldErrors more, FieldErrors& errors) {
  std::move(more.begin(), more.end(), std::back_inserter(errors));
}

void CheckLabelName(const std::string& path, const std::string& name, FieldErrors& errors) {
  for (const std::string& complaint : api::validation::IsQualifiedName(name)) {
    errors.push_back(api::InvalidString(path, name, complaint));
  }
}

void CheckShape(const std::string& path, const std::vector<UtilizationPoint>& shape,
                FieldErrors& errors) {
  if (shape.empty()) {
    errors.push_back(api::Required(path, "at least one point must be specified"));
    return;
  }
  for (size_t i = 1; i < shape.size(); ++i) {
    if (shape[i - 1].utilization < shape[i].utilization) continue;
    errors.push_back(api::InvalidInt(At(codec::Index(path, i), "utilization"),
                                     shape[i].utilization,
                                     "values must be sorted in increasing order"));
    break;
  }
  for (size_t i = 0; i < shape.size(); ++i) {
    const UtilizationPoint& point = shape[i];
    const std::string at = codec::Index(path, i);
    if (point.utilization < 0 || point.utilization > 100) {
      errors.push_back(api::InvalidInt(At(at, "utilization"), point.utilization,
                                       "not in valid range [0, 100]"));
    }
    if (point.score < 0 || point.score > 10) {
      errors.push_back(
          api::InvalidInt(At(at, "score"), point.score, "not in valid range [0, 10]"));
    }
  }
}

void CheckConstraint(const std::string& path, const PodTopologySpreadArgs& args, size_t index,
                     FieldErrors& errors) {
  const SpreadConstraintArgs& constraint = args.default_constraints[index];
  const std::string at = At(path, "defaultConstraints", index);
  if (constraint.max_skew <= 0) {
    errors.push_back(
        api::InvalidInt(At(at, "maxSkew"), constraint.max_skew, "not in valid range (0, inf)"));
  }
  if (constraint.topology_key.empty()) {
    errors.push_back(api::Required(At(at, "topologyKey"), "can not be empty"));
  } else {
    CheckLabelName(At(at, "topologyKey"), constraint.topology_key, errors);
  }
  const std::string& action = constraint.when_unsatisfiable;
  if (action.empty()) {
    errors.push_back(api::Required(At(at, "whenUnsatisfiable"), "can not be empty"));
  } else if (action != "DoNotSchedule" && action != "ScheduleAnyway") {
    errors.push_back(api::NotSupported(At(at, "whenUnsatisfiable"), action,
                                       {"DoNotSchedule", "ScheduleAnyway"}));
  }
  if (constraint.label_selector) {
    errors.push_back(api::ForbiddenField(
        At(at, "labelSelector"),
        "constraint must not define a selector, as they deduced for each pod"));
  }
  const auto end = args.default_constraints.begin() + static_cast<std::ptrdiff_t>(index);
  const bool repeated =
      std::any_of(args.default_constraints.begin(), end, [&](const SpreadConstraintArgs& other) {
        return other.topology_key == constraint.topology_key &&
               other.when_unsatisfiable == action;
      });
  if (repeated) {
    errors.push_back(api::Duplicate(
        at, api::GoQuoted(fmt::format("{{{}, {}}}", constraint.topology_key, action))));
  }
}

std::string ShownShape(const std::vector<UtilizationPoint>& shape) {
  std::string out;
  for (const UtilizationPoint& point : shape) {
    out += fmt::format("{}{{\"Utilization\":{},\"Score\":{}}}", out.empty() ? "[" : ",",
                       point.utilization, point.score);
  }
  return out + "]";
}

std::string Shown(absl::Duration duration) {
  return api::GoQuoted(api::FormatDuration(absl::ToInt64Nanoseconds(duration)));
}

}  // namespace

FieldErrors Validate(const std::string& path, const DefaultPreemptionArgs& args) {
  FieldErrors errors;
  const int32_t percentage = args.min_candidate_nodes_percentage.value_or(0);
  const int32_t absolute = args.min_candidate_nodes_absolute.value_or(0);
  const std::string percentage_path = At(path, "minCandidateNodesPercentage");
  const std::string absolute_path = At(path, "minCandidateNodesAbsolute");
  if (percentage < 0 || percentage > 100) {
    errors.push_back(
        api::InvalidInt(percentage_path, percentage, "not in valid range [0, 100]"));
  }
  if (absolute < 0) {
    errors.push_back(api::InvalidInt(absolute_path, absolute, "not in valid range [0, inf)"));
  }
  if (percentage == 0 && absolute == 0) {
    errors.push_back(api::InvalidInt(
        percentage_path, 0, "cannot be zero at the same time as minCandidateNodesAbsolute"));
    errors.push_back(api::InvalidInt(
        absolute_path, 0, "cannot be zero at the same time as minCandidateNodesPercentage"));
  }
  return errors;
}

FieldErrors Validate(const std::string& path, const InterPodAffinityArgs& args) {
  const int32_t weight = args.hard_pod_affinity_weight.value_or(0);
  if (weight >= 0 && weight <= 100) return {};
  return {api::InvalidInt(At(path, "hardPodAffinityWeight"), weight,
                          "not in valid range [0, 100]")};
}

FieldErrors Validate(const std::string& path, const NodeAffinityArgs& args) {
  if (!args.added_affinity) return {};
  const api::core::NodeAffinity added = ToMessage(*args.added_affinity);
  const std::string at = At(path, "addedAffinity");
  FieldErrors errors;
  if (args.added_affinity->required) {
    errors = NodeSelectorErrors(At(at, "requiredDuringSchedulingIgnoredDuringExecution"),
                                added.required_during_scheduling_ignored_during_execution());
  }
  Append(PreferredTermErrors(At(at, "preferredDuringSchedulingIgnoredDuringExecution"), added),
         errors);
  return errors;
}

FieldErrors Validate(const std::string& path, const NodeResourcesFitArgs& args) {
  FieldErrors errors;
  for (size_t i = 0; i < args.ignored_resources.size(); ++i) {
    CheckLabelName(At(path, "ignoredResources", i), args.ignored_resources[i], errors);
  }
  for (size_t i = 0; i < args.ignored_resource_groups.size(); ++i) {
    const std::string& group = args.ignored_resource_groups[i];
    const std::string at = At(path, "ignoredResourceGroups", i);
    if (group.find('/') != group.npos) {
      errors.push_back(api::InvalidString(at, group, "resource group name can't contain '/'"));
    }
    CheckLabelName(at, group, errors);
  }
  const std::string at = At(path, "scoringStrategy");
  if (!args.scoring_strategy) {
    errors.push_back(api::Required(at, "ScoringStrategy field is required"));
    return errors;
  }
  const ScoringStrategyArgs& strategy = *args.scoring_strategy;
  if (strategy.type != "LeastAllocated" && strategy.type != "MostAllocated" &&
      strategy.type != "RequestedToCapacityRatio") {
    errors.push_back(
        api::NotSupported(At(at, "type"), strategy.type,
                          {"LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"}));
  }
  for (size_t i = 0; i < strategy.resources.size(); ++i) {
    const ResourceWeight& resource = strategy.resources[i];
    if (resource.weight > 0 && resource.weight <= 100) continue;
    errors.push_back(api::InvalidInt(
        At(At(at, "resources", i), "weight"), resource.weight,
        fmt::format("resource weight of {} not in valid range (0, 100]", resource.name)));
  }
  const std::string ratio_path = At(at, "requestedToCapacityRatio");
  if (strategy.type == "RequestedToCapacityRatio") {
    if (!strategy.requested_to_capacity_ratio) {
      errors.push_back(
          api::Required(ratio_path, "must be specified when type is RequestedToCapacityRatio"));
    } else {
      CheckShape(At(ratio_path, "shape"), strategy.requested_to_capacity_ratio->shape, errors);
    }
  } else if (strategy.requested_to_capacity_ratio) {
    errors.push_back(
        api::ForbiddenField(ratio_path, "must be nil when type is not RequestedToCapacityRatio"));
  }
  return errors;
}

FieldErrors Validate(const std::string& path, const NodeResourcesBalancedAllocationArgs& args) {
  FieldErrors errors;
  StringSet seen;
  for (size_t i = 0; i < args.resources.size(); ++i) {
    const ResourceWeight& resource = args.resources[i];
    const std::string at = At(path, "resources", i);
    if (!seen.insert(resource.name).second) {
      errors.push_back(api::Duplicate(At(at, "name"), api::GoQuoted(resource.name)));
    }
    if (resource.weight != 1) {
      errors.push_back(api::InvalidInt(At(at, "weight"), resource.weight, "must be 1"));
    }
  }
  return errors;
}

FieldErrors Validate(const std::string& path, const PodTopologySpreadArgs& args) {
  FieldErrors errors;
  const std::string type_path = At(path, "defaultingType");
  if (args.defaulting_type != "System" && args.defaulting_type != "List") {
    errors.push_back(api::NotSupported(type_path, args.defaulting_type, {"System", "List"}));
  } else if (args.defaulting_type == "System" && !args.default_constraints.empty()) {
    errors.push_back(api::InvalidString(type_path, args.defaulting_type,
                                        "when .defaultConstraints are not empty"));
  }
  for (size_t i = 0; i < args.default_constraints.size(); ++i) {
    CheckConstraint(path, args, i, errors);
  }
  return errors;
}

FieldErrors Validate(const std::string& path, const VolumeBindingArgs& args) {
  FieldErrors errors;
  if (args.bind_timeout_seconds.value_or(0) < 0) {
    errors.push_back(api::InvalidInt(At(path, "bindTimeoutSeconds"), *args.bind_timeout_seconds,
                                     "invalid BindTimeoutSeconds, should not be a negative value"));
  }
  if (!args.shape.empty()) {
    errors.push_back(api::InvalidValue(
        At(path, "shape"), ShownShape(args.shape),
        "unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring"));
  }
  return errors;
}

FieldErrors Validate(const std::string& path, const DynamicResourcesArgs& args) {
  FieldErrors errors;
  if (args.filter_timeout && *args.filter_timeout < absl::ZeroDuration()) {
    errors.push_back(api::InvalidValue(At(path, "filterTimeout"), Shown(*args.filter_timeout),
                                       "must be zero or positive"));
  }
  if (args.binding_timeout && *args.binding_timeout < absl::Seconds(1)) {
    errors.push_back(api::InvalidValue(At(path, "bindingTimeout"), Shown(*args.binding_timeout),
                                       "must be at least 1 second"));
  }
  return errors;
}

std::string AggregateText(const FieldErrors& errors) {
  std::vector<std::string> texts;
  std::set<std::string> seen;
  for (const api::FieldError& error : errors) {
    std::string text = error.field.empty() ? error.text : error.field + ": " + error.text;
    if (seen.insert(text).second) texts.push_back(std::move(text));
  }
  if (texts.empty()) return {};
  if (texts.size() == 1) return texts.front();
  std::string out;
  for (const std::string& text : texts) {
    out += out.empty() ? "[" : ", ";
    out += text;
  }
  return out + "]";
}

absl::Status AggregateStatus(const FieldErrors& errors) {
  if (errors.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(ToAbsl(AggregateText(errors)));
}

}  // namespace berth::plugins
