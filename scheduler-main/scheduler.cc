#include "scheduler-main/scheduler.h"

#include <optional>
#include <utility>

#include "base/log.h"
#include "base/status_macros.h"
#include "client/api_client.h"
#include "client/event_recorder.h"
#include "client/leader_election.h"
#include "plugins/registry.h"
#include "scheduler-main/api_sink.h"
#include "scheduler-main/informer_source.h"
#include "scheduler-main/metrics.h"

namespace berth::scheduler {
namespace {

client::ApiClientOptions ClientOptions(const ClientConnectionSection& connection) {
  client::ApiClientOptions out;
  out.user_agent = "berth-scheduler";
  if (connection.content_type == "application/json") out.media = client::Media::kJson;
  // An unset limit prints as upstream's 50 but is none: the server says when it is too much.
  if (connection.qps_is_explicit && connection.qps > 0) {
    out.qps = connection.qps;
    out.burst = connection.burst;
  }
  return out;
}

client::LeaderElectionOptions ElectionOptions(const SchedulerOptions& options) {
  const LeaderElectionSection& section = options.config.leader_election;
  client::LeaderElectionOptions out;
  out.identity = options.identity;
  out.namespace_ = section.resource_namespace;
  out.name = section.resource_name;
  out.lease_duration = section.lease_duration;
  out.renew_deadline = section.renew_deadline;
  out.retry_period = section.retry_period;
  out.seed = options.seed;
  return out;
}

}  // namespace

framework::EngineOptions EngineOptionsOf(const SchedulerOptions& options) {
  const Configuration& config = options.config;
  framework::EngineOptions out;
  out.queue.initial_backoff = absl::Seconds(*config.pod_initial_backoff_seconds);
  out.queue.max_backoff = absl::Seconds(*config.pod_max_backoff_seconds);
  out.queue.unschedulable_max = options.unschedulable_max;
  out.percentage_of_nodes_to_score = config.percentage_of_nodes_to_score;
  out.adaptive_sampling = options.adaptive_sampling;
  out.tie_break = options.tie_break;
  out.profile_tie_break = options.profile_tie_break;
  out.evaluation_cache_bytes = options.evaluation_cache_bytes;
  out.verify_evaluations = options.verify_evaluations;
  out.nominated_node_name_for_expectation = options.nominated_node_name_for_expectation;
  out.pod_groups = options.pod_groups;
  out.queue.retries_pod_groups = options.pod_groups.generic_workload;
  out.seed = options.seed;
  return out;
}

absl::Status CompleteOptions(SchedulerOptions& options) {
  BERTH_RETURN_IF_ERROR(ValidateConfig(options.config));
  std::vector<std::string> names;
  for (const framework::PluginEntry& plugin : options.plugins) names.push_back(plugin.name);
  BERTH_RETURN_IF_ERROR(CompleteProfiles(options.config, names));
  return absl::OkStatus();
}

absl::Status AddExtenders(const SchedulerOptions& options, Executor& executor,
                          framework::Engine& engine) {
  BERTH_ASSIGN_OR_RETURN(auto extenders, MakeExtenders(options.config, executor,
                                                       options.extender_transport));
  engine.SetExtenders(std::move(extenders));
  return absl::OkStatus();
}

absl::Status AddProfiles(const SchedulerOptions& options, framework::Registry& registry,
                         framework::Engine& engine) {
  for (framework::PluginEntry& entry : plugins::InTreePlugins()) {
    BERTH_RETURN_IF_ERROR(registry.Register(std::move(entry)));
  }
  for (const framework::PluginEntry& entry : options.plugins) {
    BERTH_RETURN_IF_ERROR(registry.Register(entry));
  }
  for (const framework::ProfileConfig& profile : ToProfileConfigs(options.config)) {
    BERTH_RETURN_IF_ERROR(engine.AddProfile(profile, registry));
  }
  return absl::OkStatus();
}

// In order of construction; destroyed the other way round.
struct Scheduler::Parts {
  Parts(SchedulerOptions given, client::Transport& transport, Executor& executor)
      : options(std::move(given)),
        client(transport, executor, ClientOptions(options.config.client_connection)),
        recorder(client, {.reporting_instance =
                              *options.config.profiles[0].scheduler_name + "-" + options.host_name,
                          .seed = options.seed}),
        source(client, options.seed),
        sink(client, recorder) {
    if (options.metrics) metrics.emplace();
    if (options.config.leader_election.leader_elect.value_or(false)) {
      elector.emplace(client, ElectionOptions(options));
    }
    engine = std::make_unique<framework::Engine>(EngineOptionsOf(options), executor, source, sink,
                                                 metrics ? &*metrics : nullptr);
  }

  SchedulerOptions options;
  client::ApiClient client;
  client::EventRecorder recorder;
  InformerSource source;
  ApiSink sink;
  std::optional<PrometheusMetrics> metrics;
  framework::Registry registry;
  std::unique_ptr<framework::Engine> engine;
  std::optional<client::LeaderElector> elector;
};

absl::StatusOr<std::unique_ptr<Scheduler>> Scheduler::Create(SchedulerOptions options,
                                                             client::Transport& transport,
                                                             Executor& executor) {
  BERTH_RETURN_IF_ERROR(CompleteOptions(options));
  auto parts = std::make_unique<Parts>(std::move(options), transport, executor);
  BERTH_RETURN_IF_ERROR(AddExtenders(parts->options, executor, *parts->engine));
  BERTH_RETURN_IF_ERROR(AddProfiles(parts->options, parts->registry, *parts->engine));
  return std::unique_ptr<Scheduler>(new Scheduler(std::move(parts)));
}

Scheduler::Scheduler(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Scheduler::~Scheduler() { Stop(); }

absl::Status Scheduler::Start() { return parts_->engine->Start(); }

absl::Status Scheduler::StartByElection(Task on_lost) {
  if (!parts_->elector) return Start();
  const bool watches_first = !parts_->options.config.delay_cache_until_active;
  parts_->engine->SetActive(false);
  if (watches_first) BERTH_RETURN_IF_ERROR(Start());
  parts_->elector->Start(
      [this, watches_first] {
        parts_->engine->SetActive(true);
        if (watches_first) return;
        const absl::Status started = Start();
        if (!started.ok()) BERTH_LOG(kError, "start failed err=\"{}\"", ToStd(started.message()));
      },
      [this, on_lost = std::move(on_lost)]() mutable {
        parts_->engine->SetActive(false);
        on_lost();
      });
  return absl::OkStatus();
}

void Scheduler::Resign(Task done) {
  parts_->engine->SetActive(false);
  if (!parts_->elector) return done();
  parts_->elector->Release(std::move(done));
}

void Scheduler::Stop() { parts_->engine->Stop(); }
framework::EngineCounts Scheduler::counts() const { return parts_->engine->counts(); }
std::string Scheduler::QueueSummary() const { return parts_->engine->QueueSummary(); }
absl::Status Scheduler::CheckConsistency() const { return parts_->engine->CheckConsistency(); }
const framework::ObjectSource& Scheduler::source() const { return parts_->source; }

void Scheduler::OnDecision(std::function<void(std::string_view, std::string_view)> hook) {
  parts_->engine->OnDecision(std::move(hook));
}

bool Scheduler::synced() const { return parts_->source.SyncedNow(); }
bool Scheduler::lease_is_healthy() const {
  return !parts_->elector || parts_->elector->Healthy();
}
std::string Scheduler::MetricsText() const {
  return parts_->metrics ? parts_->metrics->Text() : std::string();
}
const Configuration& Scheduler::config() const { return parts_->options.config; }

}  // namespace berth::scheduler
