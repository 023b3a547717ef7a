// Every rule of config.md section 3, in upstream's order.
#include <fmt/core.h>

#include "api/duration.h"
#include "api/errors.h"
#include "api/scheduling/resources.h"
#include "api/validation/names.h"
#include "base/strings.h"
#include "plugins/args_codec.h"
#include "plugins/args_validation.h"
#include "plugins/registry.h"
#include "scheduler-main/config.h"
#include "scheduler-main/plugin_points.h"

namespace berth::scheduler {
namespace {

using api::FieldErrors;

std::string Shown(absl::Duration duration) {
  return api::GoQuoted(api::FormatDuration(absl::ToInt64Nanoseconds(duration)));
}

void CheckLeaderElection(const LeaderElectionSection& election, FieldErrors& errors) {
  if (!election.leader_elect.value_or(true)) return;
  const auto positive = [&](std::string_view field, absl::Duration value) {
    if (value > absl::ZeroDuration()) return;
    errors.push_back(api::InvalidValue(fmt::format("leaderElection.{}", field), Shown(value),
                                       "must be greater than zero"));
  };
  positive("leaseDuration", election.lease_duration);
  positive("renewDeadline", election.renew_deadline);
  positive("retryPeriod", election.retry_period);
  if (election.lease_duration <= election.renew_deadline) {
    errors.push_back(api::InvalidValue("leaderElection.leaseDuration",
                                       Shown(election.renew_deadline),
                                       "must be greater than `RenewDeadline`"));
  }
  const auto required = [&](std::string_view field, const std::string& value) {
    if (!value.empty()) return;
    errors.push_back(api::Required(fmt::format("leaderElection.{}", field),
                                   fmt::format("{} is required", field)));
  };
  required("resourceLock", election.resource_lock);
  required("resourceNamespace", election.resource_namespace);
  required("resourceName", election.resource_name);
  if (election.resource_lock != "leases") {
    errors.push_back(api::InvalidString("leaderElection.resourceLock", election.resource_lock,
                                        "resourceLock value must be \"leases\""));
  }
}

void CheckPercentage(const std::string& path, std::optional<int32_t> percentage,
                     FieldErrors& errors) {
  if (!percentage || (*percentage >= 0 && *percentage <= 100)) return;
  errors.push_back(api::InvalidInt(path, *percentage, "not in valid range [0-100]"));
}

std::string RemovedDetail() {
  return fmt::format("was invalid in version {} (KubeSchedulerConfiguration is version {})",
                     api::GoQuoted("v1"), api::GoQuoted(kConfigApiVersion));
}

void CheckRemovedPlugins(const std::string& path, const PluginsSection& plugins,
                         FieldErrors& errors) {
  for (const PluginPoint& point : kPluginPoints) {
    if (point.key.starts_with("placement")) continue;
    const auto& enabled = (plugins.*point.section).enabled;
    for (size_t i = 0; i < enabled.size(); ++i) {
      if (!IsRemovedPlugin(enabled[i].name)) continue;
      errors.push_back(
          api::InvalidString(fmt::format("{}.plugins.{}.enabled[{}]", path, point.key, i),
                             enabled[i].name, RemovedDetail()));
    }
  }
}

void CheckProfile(const std::string& path, const ProfileSection& profile, FieldErrors& errors) {
  if (profile.scheduler_name.value_or("").empty()) {
    errors.push_back(api::Required(path + ".schedulerName"));
  }
  CheckPercentage(path + ".percentageOfNodesToScore", profile.percentage_of_nodes_to_score,
                  errors);
  CheckRemovedPlugins(path, profile.plugins, errors);
  StringSet seen;
  for (size_t i = 0; i < profile.plugin_config.size(); ++i) {
    const PluginConfigSection& entry = profile.plugin_config[i];
    const std::string at = fmt::format("{}.pluginConfig[{}]", path, i);
    if (!seen.insert(entry.name).second) {
      errors.push_back(api::Duplicate(at, api::GoQuoted(entry.name)));
    }
    if (IsRemovedPlugin(entry.name)) {
      errors.push_back(api::InvalidString(at, entry.name, RemovedDetail()));
      continue;
    }
    // Upstream looks at these only when it builds the plugin (CompleteProfiles does too).
    if (entry.name == "NodeResourcesFit") continue;
    for (api::FieldError& error : plugins::ValidateArgs(entry.name, at + ".args", entry.args)) {
      errors.push_back(std::move(error));
    }
  }
}

// As Go prints the internal type.
std::string ShownSet(const PluginSetSection& set) {
  const auto list = [](const std::vector<PluginSection>& plugins) -> std::string {
    if (plugins.empty()) return "null";
    std::string out;
    for (const PluginSection& plugin : plugins) {
      out += fmt::format("{}{{\"Name\":{},\"Weight\":{}}}", out.empty() ? "[" : ",",
                         api::GoQuoted(plugin.name), plugin.weight);
    }
    return out + "]";
  };
  return fmt::format("{{\"Enabled\":{},\"Disabled\":{}}}", list(set.enabled), list(set.disabled));
}

const api::JsonValue* ArgsOf(const ProfileSection& profile, std::string_view name) {
  for (const PluginConfigSection& entry : profile.plugin_config) {
    if (entry.name == name) return &entry.args;
  }
  return nullptr;
}

void CheckCommonQueueSort(const std::vector<ProfileSection>& profiles, FieldErrors& errors) {
  const PluginSetSection& first = profiles[0].plugins.queue_sort;
  if (first.enabled.size() > 1) {
    errors.push_back(api::InvalidInt("profiles[0].plugins.queueSort.Enabled",
                                     static_cast<int64_t>(first.enabled.size()),
                                     "only one queue sort plugin can be enabled"));
  }
  const std::string name = first.enabled.empty() ? std::string() : first.enabled[0].name;
  const api::JsonValue* args = name.empty() ? nullptr : ArgsOf(profiles[0], name);
  for (size_t i = 1; i < profiles.size(); ++i) {
    const std::string path = fmt::format("profiles[{}]", i);
    const PluginSetSection& here = profiles[i].plugins.queue_sort;
    if (ShownSet(here) != ShownSet(first)) {
      errors.push_back(api::InvalidValue(path + ".plugins.queueSort", ShownSet(here),
                                         "must be the same for all profiles"));
    }
    const api::JsonValue* here_args = name.empty() ? nullptr : ArgsOf(profiles[i], name);
    if (here_args != nullptr && (args == nullptr || !(*here_args == *args))) {
      errors.push_back(api::InvalidValue(path + ".pluginConfig.args", here_args->ToText(),
                                         "queueSort must be the same for all profiles"));
    }
  }
}

void CheckManagedResource(const std::string& path, const std::string& name, StringSet& seen,
                          FieldErrors& errors) {
  const auto complaints = api::validation::IsQualifiedName(name);
  for (const std::string& complaint : complaints) {
    errors.push_back(api::InvalidString(path, name, complaint));
  }
  if (complaints.empty() && !api::scheduling::IsExtendedResourceName(name)) {
    errors.push_back(api::InvalidString(path, name, "is an invalid extended resource name"));
  }
  if (!seen.insert(name).second) {
    errors.push_back(api::InvalidString(path, name, "duplicate extender managed resource name"));
  }
}

void CheckExtenders(const std::vector<ExtenderSection>& extenders, FieldErrors& errors) {
  StringSet seen;
  int binders = 0;
  for (size_t i = 0; i < extenders.size(); ++i) {
    const ExtenderSection& extender = extenders[i];
    const std::string path = fmt::format("extenders[{}]", i);
    if (!extender.prioritize_verb.empty() && extender.weight <= 0) {
      errors.push_back(api::InvalidInt(path + ".weight", extender.weight,
                                       "must have a positive weight applied to it"));
    }
    if (!extender.bind_verb.empty()) ++binders;
    for (size_t j = 0; j < extender.managed_resources.size(); ++j) {
      CheckManagedResource(fmt::format("{}.managedResources[{}].name", path, j),
                           extender.managed_resources[j].name, seen, errors);
    }
  }
  if (binders > 1) {
    errors.push_back(api::InvalidString(
        "extenders", fmt::format("found {} extenders implementing bind", binders),
        "only one extender can implement bind"));
  }
}

void CheckProfiles(const std::vector<ProfileSection>& profiles, FieldErrors& errors) {
  if (profiles.empty()) {
    errors.push_back(api::Required("profiles"));
    return;
  }
  StringMap<size_t> places;
  for (size_t i = 0; i < profiles.size(); ++i) {
    const std::string path = fmt::format("profiles[{}]", i);
    CheckProfile(path, profiles[i], errors);
    const std::string name = profiles[i].scheduler_name.value_or("");
    if (auto it = places.find(name); it != places.end()) {
      errors.push_back(api::Duplicate(path + ".schedulerName",
                                      fmt::format("profiles[{}].schedulerName", it->second)));
    }
    places[name] = i;
  }
  CheckCommonQueueSort(profiles, errors);
}

}  // namespace

absl::Status ValidateConfig(const Configuration& config) {
  FieldErrors errors;
  if (config.client_connection.burst < 0) {
    errors.push_back(api::InvalidInt("clientConnection.burst", config.client_connection.burst,
                                     "must be non-negative"));
  }
  CheckLeaderElection(config.leader_election, errors);
  if (config.parallelism.value_or(0) <= 0) {
    errors.push_back(api::InvalidInt("parallelism", config.parallelism.value_or(0),
                                     "should be an integer value greater than zero"));
  }
  CheckProfiles(config.profiles, errors);
  CheckPercentage("percentageOfNodesToScore", config.percentage_of_nodes_to_score, errors);
  const int64_t initial = config.pod_initial_backoff_seconds.value_or(0);
  const int64_t max = config.pod_max_backoff_seconds.value_or(0);
  if (initial <= 0) {
    errors.push_back(
        api::InvalidInt("podInitialBackoffSeconds", initial, "must be greater than 0"));
  }
  if (max < initial) {
    errors.push_back(
        api::InvalidInt("podMaxBackoffSeconds", max,
                        "must be greater than or equal to PodInitialBackoffSeconds"));
  }
  CheckExtenders(config.extenders, errors);
  return plugins::AggregateStatus(errors);
}

}  // namespace berth::scheduler
