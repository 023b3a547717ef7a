#include "framework/cycle/scheduling_cycle.h"

#include <memory>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "api/resource_table.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/log.h"
#include "base/structured_log.h"
#include "framework/cycle/binding_cycle.h"
#include "framework/cycle/failure.h"
#include "framework/cycle/pod_group_cycle.h"

namespace berth::framework {
namespace {

// A pod's attempt until it has a node or has failed.
struct Attempt {
  std::unique_ptr<BindingCycle> cycle;
  Decision decision;
  // Of extenders, so far. Null until somebody is asked.
  std::shared_ptr<ExtenderAnswers> answers;
  std::optional<NominatingInfo> nominating = ClearNomination();
};
using AttemptPtr = std::shared_ptr<Attempt>;

void GiveUp(EngineCore& core, Attempt& attempt) {
  Decision& decision = attempt.decision;
  Failure failure{.status = decision.status,
                  .message = decision.status.Message(),
                  .diagnosis = nullptr,
                  .nominating = std::move(attempt.nominating),
                  .attempt_began = attempt.cycle->attempt_began};
  if (decision.fit_error) {
    failure.diagnosis = &decision.diagnosis;
    failure.message = decision.diagnosis.Message();
    failure.status = Status(Code::kUnschedulable, {failure.message});
  }
  HandleFailure(core, std::move(attempt.cycle->entry), failure);
}

// The attempt failed before a node was reserved. While PostFilter plugins are at work no other
// cycle begins: what they decide, they decide on this snapshot.
void NotPlaced(EngineCore& core, const AttemptPtr& attempt) {
  const ProfileUnit& unit = *attempt->cycle->unit;
  if (!attempt->decision.fit_error || unit.profile->post_filter.empty()) {
    return GiveUp(core, *attempt);
  }
  core.Hold(attempt.get());
  unit.runtime->RunPostFilter(
      attempt->cycle->state, attempt->cycle->entry->pod, attempt->decision.statuses,
      [&core, alive = core.lifetime.Watch(), attempt](PostFilterResult result) {
        if (alive.expired()) return;
        attempt->decision.diagnosis.post_filter_message = result.status.Message();
        attempt->nominating = std::move(result.nominating);
        GiveUp(core, *attempt);
        core.LetGo(attempt.get());
      });
}

// Reserve or Permit failed: what was done so far is undone.
void NotReserved(EngineCore& core, BindingCycle& cycle, const Status& status) {
  cycle.unit->runtime->RunUnreserve(cycle.state, *cycle.assumed, cycle.node_name);
  const absl::Status forgotten = core.cache.ForgetPod(*cycle.assumed);
  if (!forgotten.ok()) {
    BERTH_FAILURE(ToStd(forgotten.message()), "Scheduler cache ForgetPod failed",
                  {"pod", cycle.assumed->key});
  }
  Failure failure{.status = status,
                  .message = status.Message(),
                  .diagnosis = nullptr,
                  .nominating = ClearNomination(),
                  .attempt_began = cycle.attempt_began};
  Diagnosis diagnosis;
  if (status.IsRejected()) {
    diagnosis = RejectedOnOneNode(status);
    failure.message = diagnosis.Message();
    failure.diagnosis = &diagnosis;
  }
  HandleFailure(core, std::move(cycle.entry), failure);
}

void Decide(EngineCore& core, const AttemptPtr& attempt);

void AskExtenders(EngineCore& core, const AttemptPtr& attempt,
                  std::vector<ExtenderQuestion> questions) {
  core.extender_talk.Ask(attempt->cycle->entry->pod, std::move(questions), attempt->answers,
                         [&core, attempt] {
                           const PodPtr& pod = attempt->cycle->entry->pod;
                           if (!StillWanted(core, *pod)) return core.queue->Done(pod->uid);
                           core.cache.UpdateSnapshot(core.snapshot);
                           Decide(core, attempt);
                         });
}

// One pass; the last one, unless extenders are to be asked.
void Decide(EngineCore& core, const AttemptPtr& attempt) {
  BindingCycle& cycle = *attempt->cycle;
  const PodPtr& pod = cycle.entry->pod;
  if (attempt->answers == nullptr && !core.extender_talk.extenders().empty()) {
    attempt->answers = std::make_shared<ExtenderAnswers>();
  }
  CycleState state;
  state.record_plugin_metrics = cycle.state.record_plugin_metrics;
  cycle.state = std::move(state);
  attempt->decision = cycle.unit->algorithm->Schedule(cycle.state, pod, cycle.entry->signature,
                                                      attempt->answers.get());
  Decision& decision = attempt->decision;
  core.counts.nodes_evaluated += decision.nodes_evaluated;
  if (!decision.questions.empty()) {
    return AskExtenders(core, attempt, std::exchange(decision.questions, {}));
  }
  if (decision.reused) ++core.counts.decisions_reused;
  core.metrics.Decision(decision.reused, decision.nodes_evaluated);
  if (core.on_decision) {
    core.on_decision(pod->key, decision.node ? decision.node->name() : std::string_view());
  }
  if (core.metrics.WantsDurations()) {
    core.metrics.SchedulingAlgorithm(core.executor.clock().Now() - cycle.attempt_began);
  }
  cycle.evaluated_nodes =
      decision.reused ? std::ssize(core.snapshot.nodes()) : decision.nodes_evaluated;
  cycle.feasible_nodes = decision.feasible_nodes;
  if (decision.node == nullptr) return NotPlaced(core, attempt);
  cycle.node_name = std::string(decision.node->name());
  cycle.assumed = PodInfo::Assigned(pod, cycle.node_name);
  Place(core, std::move(attempt->cycle));
}

}  // namespace

bool StillWanted(const EngineCore& core, const PodInfo& pod) {
  const ObjectPtr held =
      core.source.Get(api::ResourceOf<api::core::Pod>(), pod.namespace_name, pod.name);
  if (held == nullptr) return false;
  const auto& object = static_cast<const api::core::Pod&>(*held);
  return object.metadata().uid() == pod.uid && object.spec().node_name().empty() &&
         !object.metadata().has_deletion_timestamp();
}

bool SkipPod(EngineCore& core, const PodInfo& pod) {
  if (pod.terminating) {
    BERTH_INFO(3, "Skip schedule deleting pod", {"pod", pod.key});
    core.sink.Event({.regarding = pod.shared_object(),
                     .related = nullptr,
                     .type = "Warning",
                     .reason = "FailedScheduling",
                     .action = "Scheduling",
                     .note = fmt::format("skip schedule deleting pod: {}", pod.key),
                     .reporting_controller = pod.scheduler_name});
    return true;
  }
  return core.cache.IsAssumed(pod.uid);
}

void Place(EngineCore& core, std::unique_ptr<BindingCycle> cycle) {
  const absl::Status assumed = core.cache.AssumePod(cycle->assumed);
  if (!assumed.ok()) {
    const std::string text(ToStd(assumed.message()));
    return HandleFailure(core, std::move(cycle->entry),
                         {.status = Error(text),
                          .message = text,
                          .diagnosis = nullptr,
                          .nominating = ClearNomination(),
                          .attempt_began = cycle->attempt_began});
  }
  core.nominator.Delete(cycle->assumed->uid);
  const Runtime& runtime = *cycle->unit->runtime;
  const Status reserved = runtime.RunReserve(cycle->state, *cycle->assumed, cycle->node_name);
  if (!reserved.ok()) return NotReserved(core, *cycle, reserved);
  Runtime::PermitOutcome permit =
      runtime.RunPermit(cycle->state, *cycle->assumed, cycle->node_name);
  if (!permit.status.ok() && !permit.status.IsWait()) {
    return NotReserved(core, *cycle, permit.status);
  }
  if (permit.status.IsWait()) core.waiting.Add(cycle->assumed, permit.waits);
  ++core.counts.scheduled;
  ActivateRequested(core, cycle->state);
  core.bindings->Start(std::move(cycle));
}

void ScheduleOne(EngineCore& core) {
  QueueEntryPtr entry = core.queue->Pop();
  if (!entry) return;
  const PodPtr pod = entry->pod;
  BERTH_INFO(4, "About to try and schedule pod", {"pod", pod->key});
  if (core.options.pod_groups.generic_workload && !PodGroupOf(*pod).empty()) {
    return SchedulePodGroup(core, std::move(entry));
  }
  ProfileUnit* unit = core.UnitOf(pod->scheduler_name);
  if (unit == nullptr) {
    BERTH_LOG(kError, "profile not found for scheduler name \"{}\" pod={}", pod->scheduler_name,
              pod->key);
    return core.queue->Done(pod->uid);
  }
  if (SkipPod(core, *pod)) return core.queue->Done(pod->uid);
  BERTH_INFO(3, "Attempting to schedule pod", {"pod", pod->key});
  ++core.counts.attempts;
  auto attempt = std::make_shared<Attempt>();
  attempt->cycle = std::make_unique<BindingCycle>();
  BindingCycle& cycle = *attempt->cycle;
  cycle.unit = unit;
  cycle.entry = std::move(entry);
  cycle.attempt_began = core.executor.clock().Now();
  cycle.state.record_plugin_metrics = core.SamplesPlugins();
  core.cache.UpdateSnapshot(core.snapshot);
  Decide(core, attempt);
}

}  // namespace berth::framework
