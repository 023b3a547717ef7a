#include "scheduler-main/flags.h"

#include <array>

#include <CLI/CLI.hpp>
#include <absl/strings/numbers.h>
#include <fmt/core.h>

#include "api/duration.h"
#include "base/strings.h"

#ifndef BERTH_VERSION
#define BERTH_VERSION "unknown"
#endif

namespace berth::scheduler {
namespace {

constexpr char kAbout[] =
    "Schedules pods of any Kubernetes API server. A KubeSchedulerConfiguration file of\n"
    "kube-scheduler 1.36 works unchanged: profiles, plugins, plugin arguments.";
constexpr char kExamples[] =
    "Examples:\n"
    "  berth scheduler --kubeconfig ~/.kube/config\n"
    "  berth scheduler --config scheduler.yaml --kubeconfig ~/.kube/config\n"
    "  berth scheduler --config scheduler.yaml --write-config-to -    # completed, and exit\n"
    "  berth scheduler --tie-break First --tie-break batch:Random\n"
    "\n"
    "A pod is taken when its spec.schedulerName is the name of a profile. Equal scores are\n"
    "decided round robin unless --tie-break says otherwise. All nodes are scored unless the file\n"
    "sets percentageOfNodesToScore, or --adaptive-sampling asks for upstream's formula.\n"
    "Health, /metrics and /configz are served as plain HTTP on --secure-port; TLS and\n"
    "authentication are not there yet, so the address is loopback unless you say otherwise.\n"
    "Of several processes with the same lease (kube-system/kube-scheduler unless named otherwise)\n"
    "one decides; --leader-elect=false decides at once.";

// Accepted so that upstream's command lines run; each is named in the log when given.
constexpr std::array<const char*, 25> kIgnored = {
    "--authentication-kubeconfig", "--authentication-skip-lookup",
    "--authentication-token-webhook-cache-ttl", "--authentication-tolerate-lookup-failure",
    "--authorization-kubeconfig", "--authorization-always-allow-paths",
    "--authorization-webhook-cache-authorized-ttl",
    "--authorization-webhook-cache-unauthorized-ttl", "--client-ca-file",
    "--requestheader-allowed-names", "--requestheader-client-ca-file",
    "--requestheader-extra-headers-prefix", "--requestheader-group-headers",
    "--requestheader-username-headers", "--tls-cert-file", "--tls-private-key-file", "--cert-dir",
    "--tls-cipher-suites", "--tls-min-version", "--http2-max-streams-per-connection",
    "--permit-port-sharing", "--permit-address-sharing", "--show-hidden-metrics-for-version",
    "--log-flush-frequency", "--vmodule"};

// Texts of flags that need more than CLI11's own conversions.
struct Texts {
  std::vector<std::string> tie_break;
  std::string feature_gates, unschedulable_max, verify_evaluations;
  std::optional<std::string> lease_duration, renew_deadline, retry_period;
  std::map<std::string, std::string> ignored;
  bool leader_elect = false, profiling = false, contention_profiling = false;
  bool version = false;
};

void AddOwnFlags(CLI::App& app, Flags& flags, Texts& texts) {
  app.add_option("--config", flags.config_file, "KubeSchedulerConfiguration, YAML or JSON");
  app.add_option("--write-config-to", flags.write_config_to,
                 "Write the completed configuration to a file ('-': standard output) and exit");
  app.add_option("--kubeconfig", flags.kubeconfig,
                 "Where the API server is; without it, --master or the pod's service account");
  app.add_option("--master", flags.master, "URL of the API server; wins over the kubeconfig's");
  app.add_option("--tie-break", texts.tie_break,
                 "[PROFILE:]RoundRobin|Random|First: which of equally good nodes; repeatable");
  app.add_flag("--adaptive-sampling", flags.adaptive_sampling,
               "Score a share of large clusters by upstream's formula");
  app.add_flag("--verify-evaluations{1}", texts.verify_evaluations,
               "Check this share of the decisions that share evaluations, e.g. =0.001, against "
               "plain ones, and say which plugin is to blame for a difference; alone: all (slow)");
  app.add_option("--bind-address", flags.bind_address, "Of health and metrics, plain HTTP")
      ->capture_default_str();
  app.add_option("--secure-port", flags.secure_port,
                 "Of health and metrics; 0: none. Each scheduler of a machine needs its own")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  app.add_option("--pod-max-in-unschedulable-pods-duration", texts.unschedulable_max,
                 "A rejected pod is tried again after this, whatever happened [5m0s]");
  app.add_option("--feature-gates", texts.feature_gates, "A=true,B=false");
  // "-v=2", as Go's flags have it.
  app.add_option("-v,--v", flags.verbosity,
                 "How much the log says: 2 how each pod fared, 3 attempts and changes, 4+ more")
      ->transform([](const std::string& text) {
        return text.starts_with('=') ? text.substr(1) : text;
      });
  app.add_option("--logging-format", flags.logging_format, "Of the log: text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app.add_flag("--version", texts.version, "Print the version and exit");
}

void AddUpstreamFlags(CLI::App& app, Flags& flags, Texts& texts) {
  const std::string election = "Decide only while holding the lease";
  app.add_flag("--leader-elect", texts.leader_elect, election);
  app.add_option("--leader-elect-lease-duration", texts.lease_duration)->group("");
  app.add_option("--leader-elect-renew-deadline", texts.renew_deadline)->group("");
  app.add_option("--leader-elect-retry-period", texts.retry_period)->group("");
  app.add_option("--leader-elect-resource-lock", flags.resource_lock)->group("");
  app.add_option("--leader-elect-resource-name", flags.resource_name)->group("");
  app.add_option("--leader-elect-resource-namespace", flags.resource_namespace)->group("");
  const std::string deprecated = "Deprecated; only without --config";
  app.add_option("--kube-api-qps", flags.qps, deprecated)->group(deprecated);
  app.add_option("--kube-api-burst", flags.burst, deprecated)->group(deprecated);
  app.add_option("--kube-api-content-type", flags.content_type, deprecated)->group(deprecated);
  app.add_flag("--profiling", texts.profiling, deprecated)->group(deprecated);
  app.add_flag("--contention-profiling", texts.contention_profiling, deprecated)
      ->group(deprecated);
  for (const char* name : kIgnored) {
    app.add_option(name, texts.ignored[name])->group("")->expected(0, 1);
  }
}

absl::Status Invalid(std::string_view text) { return absl::InvalidArgumentError(ToAbsl(text)); }

absl::Status ReadDuration(const char* flag, const std::optional<std::string>& text,
                          std::optional<absl::Duration>& out) {
  if (!text) return absl::OkStatus();
  auto nanos = api::ParseDuration(*text);
  if (!nanos.ok()) {
    return Invalid(fmt::format("{}: {}", flag, ToStd(nanos.status().message())));
  }
  out = absl::Nanoseconds(*nanos);
  return absl::OkStatus();
}

absl::Status ReadTieBreaks(const std::vector<std::string>& texts, Flags& flags) {
  for (const std::string& text : texts) {
    const size_t colon = text.rfind(':');
    const std::string mode_text = colon == text.npos ? text : text.substr(colon + 1);
    const auto mode = ParseTieBreak(mode_text);
    if (!mode) {
      return Invalid(fmt::format("--tie-break: \"{}\" is none of RoundRobin, Random, First",
                                 mode_text));
    }
    if (colon == text.npos) {
      flags.tie_break = *mode;
    } else {
      flags.profile_tie_break[text.substr(0, colon)] = *mode;
    }
  }
  return absl::OkStatus();
}

absl::Status ReadShareToVerify(const std::string& text, Flags& flags) {
  if (text.empty()) return absl::OkStatus();
  double& share = flags.verify_evaluations;
  if (!absl::SimpleAtod(ToAbsl(text), &share) || !(share >= 0 && share <= 1)) {
    return Invalid(fmt::format("--verify-evaluations: \"{}\" is no share from 0 to 1", text));
  }
  return absl::OkStatus();
}

absl::Status ReadTexts(const Texts& texts, Flags& flags) {
  if (auto status = ReadTieBreaks(texts.tie_break, flags); !status.ok()) return status;
  if (auto status = ReadShareToVerify(texts.verify_evaluations, flags); !status.ok()) return status;
  std::optional<absl::Duration> unschedulable_max;
  const std::optional<std::string> unschedulable_text =
      texts.unschedulable_max.empty() ? std::nullopt : std::optional(texts.unschedulable_max);
  for (absl::Status status :
       {ReadDuration("--pod-max-in-unschedulable-pods-duration", unschedulable_text,
                     unschedulable_max),
        ReadDuration("--leader-elect-lease-duration", texts.lease_duration, flags.lease_duration),
        ReadDuration("--leader-elect-renew-deadline", texts.renew_deadline, flags.renew_deadline),
        ReadDuration("--leader-elect-retry-period", texts.retry_period, flags.retry_period)}) {
    if (!status.ok()) return status;
  }
  if (unschedulable_max && *unschedulable_max <= absl::ZeroDuration()) {
    return Invalid("--pod-max-in-unschedulable-pods-duration must be longer than 0");
  }
  if (unschedulable_max) flags.unschedulable_max = *unschedulable_max;
  auto gates = FeatureGates::Parse(texts.feature_gates);
  if (!gates.ok()) return gates.status();
  flags.gates = *std::move(gates);
  auto pod_groups = flags.gates.PodGroups();
  if (!pod_groups.ok()) return pod_groups.status();
  flags.pod_groups = *pod_groups;
  auto devices = flags.gates.Devices();
  if (!devices.ok()) return devices.status();
  flags.devices = *devices;
  return absl::OkStatus();
}

}  // namespace

std::optional<framework::TieBreak> ParseTieBreak(std::string_view text) {
  if (text == "RoundRobin") return framework::TieBreak::kRoundRobin;
  if (text == "Random") return framework::TieBreak::kRandom;
  if (text == "First") return framework::TieBreak::kFirst;
  return std::nullopt;
}

std::variant<Flags, int> ParseFlags(int argc, char** argv) {
  Flags flags;
  Texts texts;
  CLI::App app{kAbout};
  app.name("berth scheduler");
  app.footer(kExamples);
  AddOwnFlags(app, flags, texts);
  AddUpstreamFlags(app, flags, texts);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (texts.version) {
    fmt::print("berth scheduler {} (behaviour of kube-scheduler 1.36)\n", BERTH_VERSION);
    return 0;
  }
  if (absl::Status status = ReadTexts(texts, flags); !status.ok()) {
    fmt::print(stderr, "berth scheduler: {}\n", ToStd(status.message()));
    return 2;
  }
  if (app.count("--leader-elect") > 0) flags.leader_elect = texts.leader_elect;
  if (app.count("--profiling") > 0) flags.profiling = texts.profiling;
  if (app.count("--contention-profiling") > 0) {
    flags.contention_profiling = texts.contention_profiling;
  }
  for (const char* name : kIgnored) {
    if (app.count(name) > 0) flags.ignored.emplace_back(name);
  }
  return flags;
}

void ApplyFlags(const Flags& flags, Configuration& config) {
  LeaderElectionSection& election = config.leader_election;
  if (flags.leader_elect) election.leader_elect = *flags.leader_elect;
  if (flags.lease_duration) election.lease_duration = *flags.lease_duration;
  if (flags.renew_deadline) election.renew_deadline = *flags.renew_deadline;
  if (flags.retry_period) election.retry_period = *flags.retry_period;
  if (flags.resource_lock) election.resource_lock = *flags.resource_lock;
  if (flags.resource_name) election.resource_name = *flags.resource_name;
  if (flags.resource_namespace) election.resource_namespace = *flags.resource_namespace;
  if (!flags.config_file.empty()) return;
  ClientConnectionSection& client = config.client_connection;
  client.kubeconfig = flags.kubeconfig;
  if (flags.qps) {
    client.qps = *flags.qps;
    client.qps_is_explicit = client.qps > 0;
  }
  if (flags.burst) client.burst = *flags.burst;
  if (flags.content_type) client.content_type = *flags.content_type;
  if (flags.profiling) config.enable_profiling = *flags.profiling;
  if (flags.contention_profiling) {
    config.enable_contention_profiling = *flags.contention_profiling;
  }
}

}  // namespace berth::scheduler
