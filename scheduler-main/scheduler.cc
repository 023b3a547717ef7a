#include "scheduler-main/scheduler.h"

#include <optional>
#include <utility>

#include "api/resource_table.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/status_macros.h"
#include "client/api_client.h"
#include "client/event_recorder.h"
#include "client/leader_election.h"
#include "plugins/registry.h"
#include "scheduler-main/api_sink.h"
#include "scheduler-main/client_metrics.h"
#include "scheduler-main/informer_source.h"
#include "scheduler-main/metrics.h"

namespace berth::scheduler {
namespace {

client::ApiClientOptions ClientOptions(const ClientConnectionSection& connection) {
  client::ApiClientOptions out;
  out.user_agent = "berth-scheduler";
  out.batches = true;
  if (connection.content_type == "application/json") out.media = client::Media::kJson;
  // An unset limit prints as upstream's 50 but is none: the server says when it is too much.
  if (connection.qps_is_explicit && connection.qps > 0) {
    out.qps = connection.qps;
    out.burst = connection.burst;
  }
  return out;
}

client::LeaderElectionOptions ElectionOptions(const SchedulerOptions& options,
                                              client::EventRecorder& recorder) {
  const LeaderElectionSection& section = options.config.leader_election;
  client::LeaderElectionOptions out;
  out.identity = options.identity;
  out.namespace_ = section.resource_namespace;
  out.name = section.resource_name;
  out.lease_duration = section.lease_duration;
  out.renew_deadline = section.renew_deadline;
  out.retry_period = section.retry_period;
  out.seed = options.seed;
  out.recorder = &recorder;
  out.reporting_controller = *options.config.profiles[0].scheduler_name;
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
  out.devices = options.devices;
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
        metered(options.metrics ? std::make_unique<MeteredTransport>(transport, executor.clock(),
                                                                     options.server_host)
                                : nullptr),
        client(metered ? *metered : transport, executor,
               ClientOptions(options.config.client_connection)),
        recorder(client, {.reporting_instance =
                              *options.config.profiles[0].scheduler_name + "-" + options.host_name,
                          .seed = options.seed}),
        source(client, options.seed),
        sink(client, recorder) {
    if (options.metrics) metrics.emplace();
    if (options.config.leader_election.leader_elect.value_or(false)) {
      elector.emplace(client, ElectionOptions(options, recorder));
    }
    engine = std::make_unique<framework::Engine>(EngineOptionsOf(options), executor, source, sink,
                                                 metrics ? &*metrics : nullptr);
  }

  void SetLeading(bool now);
  void Lead();
  void End(absl::Status why);

  SchedulerOptions options;
  std::unique_ptr<MeteredTransport> metered;  // null: no metrics
  client::ApiClient client;
  client::EventRecorder recorder;
  InformerSource source;
  ApiSink sink;
  std::optional<PrometheusMetrics> metrics;
  framework::Registry registry;
  std::unique_ptr<framework::Engine> engine;
  bool leads = true;          // or does not compete
  bool watches_first = true;  // before it is elected
  absl::AnyInvocable<void(absl::Status)> on_end;
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

absl::Status Scheduler::StartByElection(absl::AnyInvocable<void(absl::Status)> on_end) {
  if (!parts_->elector) return Start();
  parts_->watches_first = !parts_->options.config.delay_cache_until_active;
  parts_->on_end = std::move(on_end);
  parts_->SetLeading(false);
  if (parts_->watches_first) BERTH_RETURN_IF_ERROR(Start());
  parts_->elector->Start([this] { parts_->Lead(); },
                         [this] { parts_->End(absl::AbortedError("leaderelection lost")); });
  return absl::OkStatus();
}

void Scheduler::Parts::SetLeading(bool now) {
  leads = now;
  engine->SetActive(now);
  if (metrics) metrics->Leading(options.config.leader_election.resource_name, now);
}

void Scheduler::Parts::Lead() {
  SetLeading(true);
  if (watches_first) return;
  if (absl::Status started = engine->Start(); !started.ok()) End(std::move(started));
}

void Scheduler::Parts::End(absl::Status why) {
  SetLeading(false);
  if (auto tell = std::exchange(on_end, nullptr)) tell(std::move(why));
}

void Scheduler::Resign(Task done) {
  if (!parts_->elector) {
    parts_->engine->SetActive(false);
    return done();
  }
  parts_->SetLeading(false);
  parts_->elector->Release(std::move(done));
}

void Scheduler::Stop() { parts_->engine->Stop(); }
framework::EngineCounts Scheduler::counts() const { return parts_->engine->counts(); }
std::string Scheduler::QueueSummary() const { return parts_->engine->QueueSummary(); }
absl::Status Scheduler::CheckConsistency() const { return parts_->engine->CheckConsistency(); }
void Scheduler::DebugCache(framework::Engine::CompareDone done) {
  parts_->engine->DebugCache(std::move(done));
}
const framework::ObjectSource& Scheduler::source() const { return parts_->source; }

void Scheduler::OnDecision(std::function<void(std::string_view, std::string_view)> hook) {
  parts_->engine->OnDecision(std::move(hook));
}

bool Scheduler::synced() const { return parts_->source.SyncedNow(); }
bool Scheduler::lease_is_healthy() const {
  return !parts_->elector || parts_->elector->Healthy();
}
std::string Scheduler::MetricsText() const {
  return parts_->metrics ? parts_->metered->Text() + parts_->metrics->Text() : std::string();
}

bool Scheduler::leading() const { return parts_->leads; }

std::vector<framework::ObjectPtr> Scheduler::Pods() const {
  std::vector<framework::ObjectPtr> pods;
  parts_->source.ForEach(api::ResourceOf<api::core::Pod>(), {},
                         [&](const framework::ObjectPtr& pod) { pods.push_back(pod); });
  return pods;
}

const Configuration& Scheduler::config() const { return parts_->options.config; }

}  // namespace berth::scheduler
