// Defaults, and the default plugin sets.
#include <algorithm>
#include <set>

#include "base/status_macros.h"
#include "client/credentials.h"
#include "plugins/registry.h"
#include "scheduler-main/config.h"
#include "scheduler-main/plugin_points.h"

namespace berth::scheduler {
namespace {

template <typename T>
void Default(std::optional<T>& field, T value) {
  if (!field) field = value;
}
void Default(std::string& field, std::string_view value) {
  if (field.empty()) field = std::string(value);
}
void Default(absl::Duration& field, absl::Duration value) {
  if (field == absl::ZeroDuration()) field = value;
}

framework::PluginSet ToEngine(const PluginSetSection& set) {
  framework::PluginSet out;
  for (const PluginSection& plugin : set.enabled) {
    out.enabled.push_back({.name = plugin.name,
                           .weight = plugin.weight,
                           .from_default = FindUpstreamPlugin(plugin.name) != nullptr});
  }
  for (const PluginSection& plugin : set.disabled) out.disabled.push_back(plugin.name);
  return out;
}

// What the user disabled keeps its place in the file, but no weight.
void FromEngine(const framework::PluginSet& merged, PluginSetSection& set) {
  for (PluginSection& plugin : set.disabled) plugin.weight = 0;
  set.enabled.clear();
  for (const framework::PluginRef& ref : merged.enabled) {
    set.enabled.push_back({ref.name, ref.weight});
  }
}

void MergePlugins(ProfileSection& profile, const framework::PodGroupFeatures& groups) {
  const framework::Plugins merged =
      framework::MergeWithDefaults(ToEnginePlugins(profile.plugins), groups);
  FromEngine(merged.multi_point, profile.plugins.multi_point);
  for (const PluginPoint& point : kPluginPoints) {
    FromEngine(merged.at(point.engine), profile.plugins.*point.section);
  }
}

// Every known plugin that is enabled anywhere gets arguments, in order of name.
void AddDefaultArgs(ProfileSection& profile) {
  std::set<std::string> names;
  const auto collect = [&](const PluginSetSection& set) {
    for (const PluginSection& plugin : set.enabled) names.insert(plugin.name);
  };
  collect(profile.plugins.multi_point);
  for (const PluginPoint& point : kPluginPoints) collect(profile.plugins.*point.section);
  for (const std::string& name : names) {
    const bool given =
        std::any_of(profile.plugin_config.begin(), profile.plugin_config.end(),
                    [&](const PluginConfigSection& entry) { return entry.name == name; });
    if (given || !plugins::HasArgs(name)) continue;
    profile.plugin_config.push_back({name, plugins::CompleteArgs(name, {}).json});
  }
}

}  // namespace

framework::Plugins ToEnginePlugins(const PluginsSection& plugins) {
  framework::Plugins out;
  out.multi_point = ToEngine(plugins.multi_point);
  for (const PluginPoint& point : kPluginPoints) {
    out.at(point.engine) = ToEngine(plugins.*point.section);
  }
  return out;
}

void SetDefaults(Configuration& config, const framework::PodGroupFeatures& groups) {
  Default(config.parallelism, 16);
  if (config.profiles.empty()) config.profiles.emplace_back();
  if (config.profiles.size() == 1) {
    Default(config.profiles[0].scheduler_name, std::string("default-scheduler"));
  }
  for (ProfileSection& profile : config.profiles) {
    MergePlugins(profile, groups);
    AddDefaultArgs(profile);
  }
  Default(config.percentage_of_nodes_to_score, 0);
  LeaderElectionSection& election = config.leader_election;
  Default(election.leader_elect, true);
  Default(election.lease_duration, absl::Seconds(15));
  Default(election.renew_deadline, absl::Seconds(10));
  Default(election.retry_period, absl::Seconds(2));
  Default(election.resource_lock, "leases");
  Default(election.resource_name, "kube-scheduler");
  Default(election.resource_namespace, "kube-system");
  Default(config.client_connection.content_type, "application/vnd.kubernetes.protobuf");
  if (config.client_connection.qps == 0) config.client_connection.qps = 50;
  if (config.client_connection.burst == 0) config.client_connection.burst = 100;
  Default(config.pod_initial_backoff_seconds, int64_t{1});
  Default(config.pod_max_backoff_seconds, int64_t{10});
  Default(config.enable_profiling, true);
  Default(config.enable_contention_profiling, *config.enable_profiling);
}

Configuration DefaultConfig(const framework::PodGroupFeatures& groups) {
  Configuration config;
  SetDefaults(config, groups);
  return config;
}

absl::StatusOr<Configuration> ReadConfig(const std::string& path,
                                         const framework::PodGroupFeatures& groups) {
  if (path.empty()) return DefaultConfig(groups);
  BERTH_ASSIGN_OR_RETURN(const std::string text, client::ReadFile(path));
  return DecodeConfig(text, groups);
}

}  // namespace berth::scheduler
