#include "framework/cycle/scheduler_engine.h"

#include <utility>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/pod_phase.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "framework/cycle/binding_cycle.h"
#include "framework/cycle/cache_debugger.h"
#include "framework/cycle/engine_core.h"
#include "framework/cycle/event_handlers.h"
#include "framework/cycle/profile_handle.h"
#include "framework/cycle/scheduling_cycle.h"
#include "framework/cycle/watchdog.h"

namespace berth::framework {
namespace {

// How often we look whether the source has its first lists, when no event tells.
constexpr absl::Duration kSyncPoll = absl::Milliseconds(10);

// One run of scheduling cycles; between runs, events are let in.
void RunCycles(EngineCore& core) {
  core.run_posted = false;
  for (int32_t i = 0; i < core.options.cycles_per_task; ++i) {
    if (core.stopped || !core.active || core.holder != nullptr || !core.Ready()) break;
    if (core.ready.empty()) {
      ScheduleOne(core);
    } else {
      Task cycle = std::move(core.ready.front());
      core.ready.pop_front();
      cycle();
    }
  }
  core.metrics.CacheSize(static_cast<int64_t>(core.cache.node_count()),
                         static_cast<int64_t>(core.cache.pod_count()),
                         static_cast<int64_t>(core.cache.assumed_count()));
  core.Kick();
}

}  // namespace

EngineCore::EngineCore(EngineOptions engine_options, Executor& on, ObjectSource& from,
                       ObjectSink& to, Metrics* told)
    : options(std::move(engine_options)),
      executor(on),
      source(from),
      sink(to),
      tap(to),
      metrics(told != nullptr ? *told : no_metrics),
      random(options.seed),
      nominator(
          [this](const PodInfo& pod) {
            const ObjectPtr held = source.Get(api::ResourceOf<api::core::Pod>(),
                                              pod.namespace_name, pod.name);
            return held != nullptr &&
                   static_cast<const api::core::Pod&>(*held).spec().node_name().empty();
          },
          [this](std::string_view node) { snapshot.MarkNode(node, kNodePods); }),
      waiting(executor),
      extender_talk(*this),
      pod_groups(cache) {
  if (options.pod_groups.generic_workload) {
    cache.on_assumed = [this](const PodInfo& pod, bool is) { pod_groups.Assumed(pod, is); };
  }
}

EngineCore::~EngineCore() = default;

ProfileUnit* EngineCore::UnitOf(std::string_view scheduler_name) {
  auto it = units.find(scheduler_name);
  return it == units.end() ? nullptr : it->second.get();
}

void EngineCore::Hold(const void* cycle, bool firmly) {
  BERTH_CHECK(holder == nullptr);
  holder = cycle;
  holds_firmly = firmly;
}

void EngineCore::LetGo(const void* cycle) {
  if (holder != cycle) return;
  holder = nullptr;
  Kick();
}

bool EngineCore::Ready() const {
  if (!ready.empty()) return true;
  return queue->Ready() && !bindings->Full();
}

void EngineCore::Kick() {
  if (stopped || !started || !active || run_posted || holder != nullptr) return;
  if (!synced) {
    synced = source.Synced();
    if (!synced) {
      if (sync_timer != 0) return;
      sync_timer = executor.PostAfter(kSyncPoll, [this, alive = lifetime.Watch()] {
        if (alive.expired()) return;
        sync_timer = 0;
        Kick();
      });
      return;
    }
  }
  if (!Ready()) return;
  run_posted = true;
  executor.Post([this, alive = lifetime.Watch()] {
    if (!alive.expired()) RunCycles(*this);
  });
}

Engine::Engine(EngineOptions options, Executor& executor, ObjectSource& source, ObjectSink& sink,
               Metrics* metrics)
    : core_(std::make_unique<EngineCore>(std::move(options), executor, source, sink, metrics)) {}

Engine::~Engine() { Stop(); }

void Engine::SetExtenders(Extenders extenders) {
  core_->extender_talk.SetExtenders(std::move(extenders));
}

absl::Status Engine::AddProfile(const ProfileConfig& config, const Registry& registry) {
  EngineCore& core = *core_;
  if (core.started) return absl::FailedPreconditionError("the engine runs already");
  if (core.units.contains(config.scheduler_name)) {
    return absl::InvalidArgumentError(ToAbsl(fmt::format(
        "duplicate profile with scheduler name {}", api::GoQuoted(config.scheduler_name))));
  }
  auto unit = std::make_unique<ProfileUnit>();
  unit->handle = std::make_unique<ProfileHandle>(core, config.scheduler_name);
  BERTH_ASSIGN_OR_RETURN(unit->profile, Profile::Build(config, registry, *unit->handle));
  unit->runtime = std::make_unique<Runtime>(*unit->profile, core.nominator, core.metrics,
                                            core.executor);
  auto own_mode = core.options.profile_tie_break.find(config.scheduler_name);
  const TieBreak mode = own_mode == core.options.profile_tie_break.end() ? core.options.tie_break
                                                                         : own_mode->second;
  unit->tie_breaker = std::make_unique<TieBreaker>(mode, core.random);
  if (core.options.evaluation_cache_bytes > 0) {
    unit->evaluations = std::make_unique<EvaluationCache>(
        *unit->runtime, core.snapshot, *unit->tie_breaker,
        core.options, core.metrics, core.watched_objects, core.objects_generation);
  }
  unit->algorithm =
      std::make_unique<Algorithm>(*unit->runtime, core.snapshot, core.nominator,
                                  *unit->tie_breaker, core.options,
                                  core.extender_talk.extenders(), unit->evaluations.get());
  core.unit_order.push_back(unit.get());
  core.units.emplace(config.scheduler_name, std::move(unit));
  return absl::OkStatus();
}

absl::Status Engine::Start() {
  EngineCore& core = *core_;
  if (core.started) return absl::FailedPreconditionError("the engine runs already");
  if (core.unit_order.empty()) {
    return absl::FailedPreconditionError("at least one profile is required");
  }
  std::vector<const Profile*> profiles;
  SchedulingQueue::Profiles queue_profiles;
  for (const ProfileUnit* unit : core.unit_order) {
    profiles.push_back(unit->profile.get());
    queue_profiles.emplace(unit->profile->name(),
                           unit->profile->ForQueue(!core.extender_talk.extenders().empty()));
  }
  BERTH_RETURN_IF_ERROR(CheckSameQueueSort(profiles));
  core.queue = std::make_unique<SchedulingQueue>(
      core.executor, core.options.queue, *profiles.front()->queue_sort[0].plugin,
      std::move(queue_profiles), core.nominator, core.metrics, [&core] { core.Kick(); });
  core.bindings = std::make_unique<BindingCycles>(core);
  core.handlers = std::make_unique<EventHandlers>(core);
  core.watchdog = std::make_unique<Watchdog>(core);
  core.debugger = std::make_unique<CacheDebugger>(core);
  core.started = true;
  core.handlers->Subscribe();
  core.Kick();
  return absl::OkStatus();
}

void Engine::SetActive(bool active) {
  core_->active = active;
  if (active) core_->Kick();
}

void Engine::Stop() {
  EngineCore& core = *core_;
  if (core.stopped) return;
  core.stopped = true;
  core.watchdog = nullptr;
  core.ready.clear();
  core.extender_talk.Close();
  core.debugger = nullptr;
  core.lifetime.End();
  if (core.sync_timer != 0) core.executor.Cancel(core.sync_timer);
  if (core.queue) core.queue->Close();
}

EngineCounts Engine::counts() const {
  EngineCounts counts = core_->counts;
  if (core_->queue) counts.queue = core_->queue->counts();
  if (core_->bindings) counts.bindings_in_flight = core_->bindings->in_flight();
  counts.assumed_pods = static_cast<int64_t>(core_->cache.assumed_count());
  for (const ProfileUnit* unit : core_->unit_order) {
    if (!unit->evaluations) continue;
    counts.evaluations_checked += unit->evaluations->check().made();
    counts.evaluations_wrong += unit->evaluations->check().wrong();
  }
  return counts;
}

std::string Engine::QueueSummary() const {
  return core_->queue ? core_->queue->Summary() : std::string();
}

void Engine::OnDecision(std::function<void(std::string_view, std::string_view)> hook) {
  core_->on_decision = std::move(hook);
}

Explanation Engine::Explain(std::shared_ptr<const api::core::Pod> pod) {
  return framework::Explain(*core_, PodInfo::Make(std::move(pod)));
}

void Engine::ClearEvaluations() {
  for (ProfileUnit* unit : core_->unit_order) {
    if (unit->evaluations) unit->evaluations->Clear();
  }
}

void Engine::DebugCache(CompareDone done) {
  if (core_->debugger) return core_->debugger->Run(std::move(done));
  done({});
}

int64_t Engine::SweepQueue() { return core_->watchdog ? core_->watchdog->Sweep() : 0; }

// Every pod the source shows on a node is counted there, and nothing else is but assumed pods.
absl::Status Engine::CheckConsistency() const {
  EngineCore& core = *core_;
  size_t assigned = 0;
  std::string wrong;
  core.source.ForEach(api::ResourceOf<api::core::Pod>(), "", [&](const ObjectPtr& object) {
    const auto& pod = static_cast<const api::core::Pod&>(*object);
    if (pod.spec().node_name().empty() || api::IsTerminal(pod)) return;
    ++assigned;
    const PodPtr held = core.cache.FindPod(pod.metadata().uid());
    if (held == nullptr || held->node_name != pod.spec().node_name()) {
      wrong = pod.metadata().namespace_() + "/" + pod.metadata().name();
    }
  });
  if (!wrong.empty()) {
    return absl::InternalError(ToAbsl(fmt::format("the cache differs about pod {}", wrong)));
  }
  if (assigned + core.cache.assumed_count() != core.cache.pod_count()) {
    return absl::InternalError(ToAbsl(
        fmt::format("{} pods assigned, {} assumed, but {} in the cache", assigned,
                    core.cache.assumed_count(), core.cache.pod_count())));
  }
  if (core.holder != nullptr) return absl::OkStatus();  // the snapshot is its own
  return core.cache.CheckCounts(core.snapshot);
}

}  // namespace berth::framework
