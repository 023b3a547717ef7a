#include "tests/sim/sim_cluster.h"

#include <cmath>
#include <utility>

#include <fmt/core.h>

#include "api/resource_table.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/check.h"
#include "cluster/store/memory_store.h"
#include "scheduler-main/config.h"
#include "tests/sim/sim_processes.h"

namespace berth::sim {
namespace {

// Everything must be at rest this long after it is healed: a lost request is given up after 30 s, a
// watch waits 60 s at most before it is tried again.
constexpr absl::Duration kRestMax = absl::Minutes(4);

constexpr std::string_view kPackerConfig = R"({
  "apiVersion": "kubescheduler.config.k8s.io/v1",
  "kind": "KubeSchedulerConfiguration",
  "profiles": [{
    "schedulerName": "packer",
    "pluginConfig": [{
      "name": "NodeResourcesFit",
      "args": {"scoringStrategy": {"type": "MostAllocated",
                                   "resources": [{"name": "cpu", "weight": 1}]}}
    }]
  }]
})";

}  // namespace

SimCluster::SimCluster(SimOptions options, Probes& probes)
    : options_(std::move(options)),
      probes_(probes),
      loop_(options_.seed),
      chaos_random_(options_.seed ^ 0x6368616f73),
      network_random_(options_.seed ^ 0x6e6574776f726b),
      store_random_(options_.seed ^ 0x73746f7265),
      chaos_(loop_.MakeExecutor("chaos")),
      store_executor_(loop_.MakeExecutor("store")),
      store_(store::MakeMemoryStore(*store_executor_)),
      observer_(std::make_unique<Observer>(*store_, *store_executor_, probes)) {}

SimCluster::~SimCluster() {
  StopServer();
  server_.reset();
  people_.reset();
  witnesses_.clear();
  agents_.clear();
  schedulers_.clear();
  observer_.reset();
  store_.reset();
}

// --- processes -----------------------------------------------------------------------------------

std::vector<SimCluster::Link*> SimCluster::Links() {
  std::vector<Link*> out;
  for (const auto& each : schedulers_) {
    if (each) out.push_back(each.get());
  }
  for (const auto& each : agents_) {
    if (each) out.push_back(each.get());
  }
  for (const auto& each : witnesses_) out.push_back(each.get());
  if (people_) out.push_back(people_.get());
  return out;
}

void SimCluster::Open(Link& link, std::string name, std::string scheduler) {
  ++starts_;
  link.name = std::move(name);
  observer_->Note("start " + link.name);
  link.executor = loop_.MakeExecutor(link.name);
  link.tap = std::make_unique<WireTap>(link.name, std::move(scheduler), *observer_, probes_);
  if (!calm_) link.faults = options_.network;
  if (link.short_watches) link.faults.stall_stream = options_.stall_stream;
  link.wire = std::make_unique<apiserver::InProcessTransport>(
      *link.executor,
      apiserver::InProcessOptions{.stream_budget_bytes = options_.stream_budget_bytes});
  if (server_) link.wire->Connect(*server_->server, *server_->executor);
  link.net = std::make_unique<FaultyTransport>(*link.wire, *link.executor, network_random_,
                                               probes_, healed_ ? FaultOptions{} : link.faults,
                                               link.tap.get());
}

void SimCluster::StartServer() {
  ++starts_;
  observer_->Note("start server");
  server_ = std::make_unique<Server>();
  server_->executor = loop_.MakeExecutor("server");
  server_->link =
      std::make_unique<StoreLink>(*store_, *store_executor_, store_random_, probes_,
                                  healed_ || calm_ ? StoreLinkOptions{options_.store.delay_max}
                                                   : options_.store);
  apiserver::ApiServerOptions options;
  options.seed = options_.seed * 1000 + starts_;
  options.event_ttl = options_.event_ttl;
  options.cache.resource.history_events_max = options_.history_events_max;
  options.cache.load_page_objects = options_.load_page_objects;
  options.watch.chunk_bytes = std::min(options.watch.chunk_bytes,
                                       options_.stream_budget_bytes / 8);
  server_->server = std::make_unique<apiserver::ApiServer>(*server_->executor, *server_->executor,
                                                           *server_->link, std::move(options));
  server_->server->Start([this] { observer_->Note("server ready"); });
  for (Link* link : Links()) link->wire->Connect(*server_->server, *server_->executor);
}

void SimCluster::StopServer() {
  if (!server_) return;
  observer_->Note("crash server");
  for (Link* link : Links()) link->wire->Disconnect();
  server_.reset();
}

void SimCluster::StartScheduler(size_t index) {
  const std::string name(kSchedulers[index]);
  auto process = std::make_unique<SchedulerProcess>();
  Open(*process, name, name);
  scheduler::SchedulerOptions options;
  options.config = scheduler::DefaultConfig();
  if (index == 1) {
    auto config = scheduler::DecodeConfig(kPackerConfig);
    BERTH_CHECK(config.ok());
    options.config = *std::move(config);
  }
  options.verify_evaluations = options_.verify_evaluations;
  options.metrics = false;
  options.seed = options_.seed * 1000 + starts_;
  auto made = scheduler::Scheduler::Create(std::move(options), *process->net, *process->executor);
  BERTH_CHECK(made.ok());
  process->scheduler = *std::move(made);
  process->scheduler->OnDecision([this, name](std::string_view pod, std::string_view node) {
    if (observer_->echo()) observer_->Note(fmt::format("{} decides {}: {}", name, pod, node));
  });
  BERTH_CHECK(process->scheduler->Start().ok());
  schedulers_[index] = std::move(process);
}

std::vector<std::string> SimCluster::NodesOf(size_t agent) const {
  std::vector<std::string> out;
  for (int i = 1; i <= options_.nodes_per_agent; ++i) {
    out.push_back(fmt::format("{}-{:04}", std::string(1, static_cast<char>('a' + agent)), i));
  }
  return out;
}

void SimCluster::StartAgent(size_t index) {
  auto process = std::make_unique<AgentProcess>();
  process->short_watches = true;
  Open(*process, fmt::format("agent-{}", index), "");
  process->client = std::make_unique<client::ApiClient>(*process->net, *process->executor);
  node::NodeAgentOptions options;
  options.nodes = node::NodeTemplate::BuiltIn();
  node::NodePool& pool = options.nodes.pools[0];
  pool.name = std::string(1, static_cast<char>('a' + index));
  pool.capacity["cpu"] = fmt::format("{}m", options_.node_cpu_milli);
  pool.capacity["memory"] = "4Gi";
  pool.capacity["pods"] = std::to_string(options_.node_pods);
  pool.allocatable = pool.capacity;
  options.count = options_.nodes_per_agent;
  options.pods.lifecycle.seed = options_.seed;
  options.reflector.seed = options_.seed * 1000 + starts_;
  options.reflector.watch_timeout_s = 30;
  process->agent = std::make_unique<node::NodeAgent>(*process->client, std::move(options));
  process->agent->Start();
  agents_[index] = std::move(process);
}

// --- life ----------------------------------------------------------------------------------------

SimResult SimCluster::Run(bool echo) {
  if (echo) observer_->Echo();
  observer_->Note(options_.ToString());
  const int64_t created_before = probes_.Count("pod created");
  const int64_t bound_before = probes_.Count("pod bound");
  Begin();
  bool well = Drive(options_.busy / 2);
  if (well && options_.another_agent) {
    agents_.emplace_back();
    StartAgent(agents_.size() - 1);
    people_->operations->AddNodes(NodesOf(agents_.size() - 1));
  }
  well = well && Drive(options_.busy / 2);
  SimResult result;
  result.created = probes_.Count("pod created") - created_before;
  result.bound_while_busy = probes_.Count("pod bound") - bound_before;
  if (well) {
    Heal();
    const absl::Time healed_at = loop_.clock().Now();
    std::vector<std::string> unmet = {"not looked at"};
    while (well && !unmet.empty() && loop_.clock().Now() < healed_at + kRestMax) {
      well = Drive(options_.rest_step);
      unmet = Unmet();
    }
    result.rest_after = loop_.clock().Now() - healed_at;
    if (well) result.problems = std::move(unmet);
    CountProbes();
  }
  for (const std::string& violation : observer_->violations()) {
    result.problems.push_back(violation);
  }
  if (loop_.steps() >= options_.steps_max) {
    result.problems.push_back("too many steps: it turns in circles");
    for (std::string& problem : Unmet()) result.problems.push_back(std::move(problem));
  }
  if (!result.problems.empty()) {
    result.story.assign(observer_->story().begin(), observer_->story().end());
  }
  result.hash = loop_.hash();
  result.content_hash = observer_->ContentHash();
  result.steps = loop_.steps();
  return result;
}

bool SimCluster::Drive(absl::Duration time) {
  const absl::Time until = loop_.clock().Now() + time;
  while (loop_.clock().Now() < until) {
    // One quantum; a circle of tasks at one instant would never end it.
    const absl::Time quantum = std::min(until, loop_.clock().Now() + absl::Milliseconds(50));
    while (loop_.NextDue() <= quantum && loop_.Step()) {
      if (!observer_->violations().empty() || loop_.steps() >= options_.steps_max) return false;
    }
    loop_.clock().AdvanceTo(quantum);
  }
  return true;
}

void SimCluster::Begin() {
  StartServer();
  for (size_t i = 0; i < static_cast<size_t>(options_.agents); ++i) {
    agents_.emplace_back();
    StartAgent(i);
  }
  for (size_t i = 0; i < std::size(kSchedulers); ++i) {
    schedulers_.emplace_back();
    StartScheduler(i);
  }
  for (int i = 0; i < options_.witnesses; ++i) {
    auto witness = std::make_unique<Witness>();
    witness->short_watches = true;
    Open(*witness, fmt::format("witness-{}", i), "");
    client::ApiClientOptions media;
    if (i == 1) media.media = client::Media::kJson;
    witness->client = std::make_unique<client::ApiClient>(*witness->net, *witness->executor, media);
    client::ReflectorOptions options;
    options.seed = options_.seed + static_cast<uint64_t>(i);
    options.streaming_list = i == 0;
    options.page_limit = 7;
    options.watch_timeout_s = 20;
    witness->pods = std::make_unique<client::Informer>(
        *witness->client, api::ResourceOf<api::core::Pod>(), options);
    witness->nodes = std::make_unique<client::Informer>(
        *witness->client, api::ResourceOf<api::core::Node>(), options);
    witness->pods->Start();
    witness->nodes->Start();
    witnesses_.push_back(std::move(witness));
  }
  people_ = std::make_unique<People>();
  Open(*people_, "operator", "");
  people_->client = std::make_unique<client::ApiClient>(*people_->net, *people_->executor);
  people_->operations = std::make_unique<Operator>(*people_->client, options_, probes_);
  for (size_t i = 0; i < agents_.size(); ++i) people_->operations->AddNodes(NodesOf(i));
  if (calm_) EndCalm();
  people_->operations->Start();
  Every(options_.crashes.server, &SimCluster::CrashServer);
  Every(options_.crashes.scheduler, &SimCluster::CrashScheduler);
  Every(options_.crashes.agent, &SimCluster::CrashAgent);
  Every(options_.crashes.partition, &SimCluster::Partition);
  Every(options_.compact_period, &SimCluster::CompactStore);
}

void SimCluster::EndCalm() {
  Drive(options_.calm);
  calm_ = false;
  for (Link* link : Links()) {
    link->faults = options_.network;
    link->net->SetFaults(link->faults);
  }
}

// --- chaos ---------------------------------------------------------------------------------------

void SimCluster::Every(absl::Duration mean, void (SimCluster::*what)()) {
  if (mean == absl::InfiniteDuration()) return;
  const absl::Duration wait = mean * -std::log(1 - chaos_random_.Unit());
  chaos_->PostAfter(wait, [this, mean, what] {
    if (healed_) return;
    (this->*what)();
    Every(mean, what);
  });
}

absl::Duration SimCluster::Downtime() {
  return chaos_random_.Chance(0.3) ? absl::ZeroDuration()
                                   : options_.crashes.down_max * chaos_random_.Unit();
}

void SimCluster::CrashServer() {
  if (!server_) return;
  probes_.Hit("crash: server");
  StopServer();
  chaos_->PostAfter(Downtime(), [this] {
    if (!server_) StartServer();
  });
}

void SimCluster::CrashScheduler() {
  const size_t index = chaos_random_.Below(schedulers_.size());
  if (!schedulers_[index]) return;
  probes_.Hit("crash: scheduler");
  observer_->Note("crash " + schedulers_[index]->name);
  CheckEvaluations(*schedulers_[index]);
  schedulers_[index].reset();
  chaos_->PostAfter(Downtime(), [this, index] {
    if (!schedulers_[index]) StartScheduler(index);
  });
}

void SimCluster::CrashAgent() {
  const size_t index = chaos_random_.Below(agents_.size());
  if (!agents_[index]) return;
  probes_.Hit("crash: agent");
  observer_->Note("crash " + agents_[index]->name);
  agents_[index].reset();
  chaos_->PostAfter(Downtime(), [this, index] {
    if (!agents_[index]) StartAgent(index);
  });
}

void SimCluster::Partition() {
  std::vector<Link*> links = Links();
  Link& link = *links[chaos_random_.Below(links.size())];
  probes_.Hit("partition");
  observer_->Note("partition " + link.name);
  FaultOptions nothing = link.faults;
  nothing.lose_request = nothing.lose_response = nothing.cut_stream = 1;
  link.net->SetFaults(nothing);
  chaos_->PostAfter(Downtime(), [this, name = link.name] {
    if (healed_) return;
    for (Link* each : Links()) {
      if (each->name == name) each->net->SetFaults(each->faults);
    }
  });
}

void SimCluster::CompactStore() {
  const store::Revision revision = observer_->seen() - chaos_random_.Between(0, 40);
  if (revision < 2) return;
  store_->Compact(revision, [this](absl::Status status) {
    if (status.ok()) probes_.Hit("store compacted");
  });
}

void SimCluster::Heal() {
  healed_ = true;
  observer_->Note("heal");
  people_->operations->Stop();
  for (Link* link : Links()) link->net->SetFaults({});
  if (!server_) StartServer();
  for (size_t i = 0; i < schedulers_.size(); ++i) {
    if (!schedulers_[i]) StartScheduler(i);
  }
  for (size_t i = 0; i < agents_.size(); ++i) {
    // A node that was removed comes back with its agent.
    if (agents_[i] && chaos_random_.Chance(0.3)) agents_[i].reset();
    if (!agents_[i]) StartAgent(i);
  }
  people_->operations->LiftSome();
}

}  // namespace berth::sim
