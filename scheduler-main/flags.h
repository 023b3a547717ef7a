// The scheduler's command line. Flags of upstream keep their names and defaults; config.md
// section 4.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "framework/cycle/engine_options.h"
#include "scheduler-main/config.h"
#include "scheduler-main/feature_gates.h"

namespace berth::scheduler {

struct Flags {
  std::string config_file, write_config_to;
  std::string kubeconfig, master;
  std::string bind_address = "127.0.0.1";
  int secure_port = 10259;
  absl::Duration unschedulable_max = absl::Minutes(5);
  framework::TieBreak tie_break = framework::TieBreak::kRoundRobin;
  std::map<std::string, framework::TieBreak, std::less<>> profile_tie_break;
  bool adaptive_sampling = false;
  double verify_evaluations = 0;  // a share, in [0, 1]
  FeatureGates gates;
  framework::PodGroupFeatures pod_groups;  // as the gates say
  framework::DeviceFeatures devices;
  int verbosity = 0;
  std::string logging_format = "text";
  // Given explicitly: they win over the file.
  std::optional<bool> leader_elect;
  std::optional<absl::Duration> lease_duration, renew_deadline, retry_period;
  std::optional<std::string> resource_lock, resource_name, resource_namespace;
  // Deprecated, and only without a file.
  std::optional<double> qps;
  std::optional<int> burst;
  std::optional<std::string> content_type;
  std::optional<bool> profiling, contention_profiling;
  // Upstream's flags that were given and do nothing here.
  std::vector<std::string> ignored;
};

// Either flags, or the exit code of a program that has said what there was to say: 0 after --help
// and --version, 2 for a wrong command line.
std::variant<Flags, int> ParseFlags(int argc, char** argv);

// The file with the flags laid over it.
void ApplyFlags(const Flags& flags, Configuration& config);

// "RoundRobin", "Random", "First"; nullopt otherwise.
std::optional<framework::TieBreak> ParseTieBreak(std::string_view text);

}  // namespace berth::scheduler
