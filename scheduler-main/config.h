// KubeSchedulerConfiguration: the file that says what a scheduler does.
//
//   BERTH_ASSIGN_OR_RETURN(Configuration config, DecodeConfig(text));   // strict, with defaults
//   ... flags that override ...
//   BERTH_RETURN_IF_ERROR(ValidateConfig(config));                      // every error at once
//   BERTH_RETURN_IF_ERROR(CompleteProfiles(config, out_of_tree_names)); // as if plugins were built
//   std::string yaml = WriteConfig(config);
//
// The structs have the fields of kubescheduler.config.k8s.io/v1; field names and what is left out
// when empty are in config_fields.h. Pure functions but for ReadConfig. Texts are upstream's.
// Source: kube-scheduler config/v1, apis/config/{v1,validation}; config.md sections 1-3.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "api/json_value.h"
#include "framework/pod_group.h"
#include "framework/profile/plugin_config.h"

namespace berth::scheduler {

inline constexpr std::string_view kConfigApiVersion = "kubescheduler.config.k8s.io/v1";
inline constexpr std::string_view kConfigKind = "KubeSchedulerConfiguration";

struct PluginSection {
  std::string name;
  int32_t weight = 0;
};
struct PluginSetSection {
  std::vector<PluginSection> enabled, disabled;
};
struct PluginsSection {
  PluginSetSection pre_enqueue, queue_sort, pre_filter, filter, post_filter, pre_score, score,
      reserve, permit, pre_bind, bind, post_bind, placement_generate, placement_score, multi_point;
};
struct PluginConfigSection {
  std::string name;
  api::JsonValue args;  // null: none given
};
struct ProfileSection {
  std::optional<std::string> scheduler_name;
  std::optional<int32_t> percentage_of_nodes_to_score;
  PluginsSection plugins;
  std::vector<PluginConfigSection> plugin_config;
};

struct LeaderElectionSection {
  std::optional<bool> leader_elect;
  absl::Duration lease_duration, renew_deadline, retry_period;
  std::string resource_lock, resource_name, resource_namespace;
};
struct ClientConnectionSection {
  std::string kubeconfig, accept_content_types, content_type;
  double qps = 0;
  int32_t burst = 0;
  bool qps_is_explicit = false;  // the file set it: an unset limit prints as 50 but is none
};

struct ExtenderTlsSection {
  bool insecure = false;
  std::string server_name, cert_file, key_file, ca_file;
  std::string cert_data, key_data, ca_data;  // base64
};
struct ManagedResourceSection {
  std::string name;
  bool ignored_by_scheduler = false;
};
struct ExtenderSection {
  std::string url_prefix, filter_verb, preempt_verb, prioritize_verb, bind_verb;
  int64_t weight = 0;
  bool enable_https = false;
  std::optional<ExtenderTlsSection> tls_config;
  absl::Duration http_timeout;
  bool node_cache_capable = false;
  std::vector<ManagedResourceSection> managed_resources;
  bool ignorable = false;
};

struct Configuration {
  std::optional<int32_t> parallelism;
  LeaderElectionSection leader_election;
  ClientConnectionSection client_connection;
  std::optional<bool> enable_profiling, enable_contention_profiling;
  std::optional<int32_t> percentage_of_nodes_to_score;
  std::optional<int64_t> pod_initial_backoff_seconds, pod_max_backoff_seconds;
  std::vector<ProfileSection> profiles;
  std::vector<ExtenderSection> extenders;
  bool delay_cache_until_active = false;
};

// YAML or JSON text, first document. Unknown and duplicate fields are errors, also in the
// arguments of known plugins; all of them are named at once. Defaults are set, plugin sets merged
// with the default ones, known arguments completed. InvalidArgument.
// groups: which plugins of pod groups are among the defaults (feature gates).
absl::StatusOr<Configuration> DecodeConfig(std::string_view text,
                                           const framework::PodGroupFeatures& groups = {});
// What an absent file gives.
Configuration DefaultConfig(const framework::PodGroupFeatures& groups = {});
// The file decoded; an empty path: DefaultConfig. Errors: client::ReadFile, and it names the file.
absl::StatusOr<Configuration> ReadConfig(const std::string& path,
                                         const framework::PodGroupFeatures& groups = {});
void SetDefaults(Configuration& config, const framework::PodGroupFeatures& groups = {});

// InvalidArgument "[first, second]" with field paths; one alone without brackets.
absl::Status ValidateConfig(const Configuration& config);

// Checks each profile as building it would (plugins exist, implement their points, one queue sort,
// a binder, arguments valid), and leaves in pluginConfig what the profile uses, by name: the form
// upstream writes. Plugins of upstream that this build lacks count as existing.
// out_of_tree: further plugins that may be named; which points they implement is not known here.
absl::Status CompleteProfiles(Configuration& config, const std::vector<std::string>& out_of_tree);

// The file again, as YAML.
std::string WriteConfig(const Configuration& config);
api::JsonValue ConfigToJson(const Configuration& config);

// For the engine. Upstream's plugins that this build lacks are marked so that they are left out.
std::vector<framework::ProfileConfig> ToProfileConfigs(const Configuration& config);

}  // namespace berth::scheduler
