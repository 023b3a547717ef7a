// EngineCore: what the parts of an engine share. Private to framework/cycle.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/executor.h"
#include "base/random.h"
#include "base/strings.h"
#include "framework/cache/cache.h"
#include "framework/cycle/algorithm.h"
#include "framework/cycle/bind_conflict.h"
#include "framework/cycle/engine_options.h"
#include "framework/cycle/evaluation_cache.h"
#include "framework/cycle/extender_talk.h"
#include "framework/cycle/metrics.h"
#include "framework/cycle/pod_groups.h"
#include "framework/cycle/scheduler_engine.h"
#include "framework/cycle/waiting_pods.h"
#include "framework/object_source.h"
#include "framework/pod_templates.h"
#include "framework/profile/profile.h"
#include "framework/profile/runtime.h"
#include "framework/queue/scheduling_queue.h"

namespace berth::framework {

class BindingCycles;
class CacheDebugger;
class EventHandlers;
class Watchdog;

// A profile and what runs it.
struct ProfileUnit {
  std::unique_ptr<Handle> handle;
  std::unique_ptr<Profile> profile;
  std::unique_ptr<Runtime> runtime;
  std::unique_ptr<TieBreaker> tie_breaker;
  std::unique_ptr<EvaluationCache> evaluations;  // null: none kept
  std::unique_ptr<Algorithm> algorithm;
};

struct EngineCore {
  EngineCore(EngineOptions options, Executor& executor, ObjectSource& source, ObjectSink& sink,
             Metrics* metrics);
  ~EngineCore();

  // Asks for a run of scheduling cycles when there is something to do and room to do it.
  void Kick();
  ProfileUnit* UnitOf(std::string_view scheduler_name);
  // firmly: what takes long does not let others go ahead.
  void Hold(const void* cycle, bool firmly = false);
  // When it is that cycle that holds.
  void LetGo(const void* cycle);
  // The same, unless it holds firmly: it takes long, and others go ahead.
  void Yield(const void* cycle) {
    if (!holds_firmly) LetGo(cycle);
  }
  // There is something to do, and room to do it.
  bool Ready() const;
  // Plugins are timed in one attempt of ten.
  bool SamplesPlugins() { return random.Below(10) == 0; }

  const EngineOptions options;
  Executor& executor;
  ObjectSource& source;
  ObjectSink& sink;
  SinkTap tap;  // what plugins are given as the sink
  Metrics no_metrics;
  Metrics& metrics;
  Random random;

  PodTemplates templates;
  Cache cache;
  ClusterSnapshot snapshot;
  Nominator nominator;
  WaitingPods waiting;
  ExtenderTalk extender_talk;
  PodGroups pod_groups;
  StringMap<std::shared_ptr<SharedPart>> shared_parts;
  // Before the queue: it looks at their plugins until it goes.
  StringMap<std::unique_ptr<ProfileUnit>> units;
  std::vector<ProfileUnit*> unit_order;
  std::unique_ptr<SchedulingQueue> queue;  // from Start on
  std::unique_ptr<EventHandlers> handlers;
  std::unique_ptr<BindingCycles> bindings;
  std::unique_ptr<Watchdog> watchdog;
  std::unique_ptr<CacheDebugger> debugger;

  EngineCounts counts;
  std::function<void(std::string_view, std::string_view)> on_decision;
  // Other resources that plugins look at: which ones we hear of, and a number that grows with every
  // change of any of them.
  std::vector<const api::Resource*> wanted_objects;  // by plugins that register no event of them
  StringSet watched_objects;
  int64_t objects_generation = 0;
  bool started = false, stopped = false, synced = false;
  bool active = true;           // false: another process decides
  bool run_posted = false;
  // The cycle that others wait for, since what it decides, it decides on this snapshot: one that
  // asks extenders or is in PostFilter. Null: there is none.
  const void* holder = nullptr;
  bool holds_firmly = false;
  // Cycles to be taken up again before another pod is popped.
  std::deque<Task> ready;
  TimerId sync_timer = 0;
  Lifetime lifetime;
};

}  // namespace berth::framework
