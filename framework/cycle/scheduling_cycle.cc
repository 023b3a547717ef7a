#include "framework/cycle/scheduling_cycle.h"

#include <memory>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "api/schema/core_v1_pod.pb.h"
#include "base/log.h"
#include "base/structured_log.h"
#include "framework/cycle/binding_cycle.h"
#include "framework/cycle/failure.h"

namespace berth::framework {
namespace {

constexpr uint64_t kPluginMetricsOneIn = 10;

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

// An attempt that found no node, until its outcome is known.
struct Unplaced {
  std::unique_ptr<BindingCycle> cycle;
  Decision decision;
  std::optional<NominatingInfo> nominating = ClearNomination();
};

void GiveUp(EngineCore& core, Unplaced& attempt) {
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
void NotPlaced(EngineCore& core, std::unique_ptr<BindingCycle> cycle, Decision decision) {
  auto attempt = std::make_shared<Unplaced>();
  attempt->cycle = std::move(cycle);
  attempt->decision = std::move(decision);
  const ProfileUnit& unit = *attempt->cycle->unit;
  if (!attempt->decision.fit_error || unit.profile->post_filter.empty()) {
    return GiveUp(core, *attempt);
  }
  core.post_filtering = true;
  unit.runtime->RunPostFilter(
      attempt->cycle->state, attempt->cycle->entry->pod, attempt->decision.statuses,
      [&core, alive = core.lifetime.Watch(), attempt](PostFilterResult result) {
        if (alive.expired()) return;
        core.post_filtering = false;
        attempt->decision.diagnosis.post_filter_message = result.status.Message();
        attempt->nominating = std::move(result.nominating);
        GiveUp(core, *attempt);
        core.Kick();
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

// Assume, Reserve, Permit, and off to the binding cycle.
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

}  // namespace

void ScheduleOne(EngineCore& core) {
  QueueEntryPtr entry = core.queue->Pop();
  if (!entry) return;
  const PodPtr pod = entry->pod;
  BERTH_INFO(4, "About to try and schedule pod", {"pod", pod->key});
  ProfileUnit* unit = core.UnitOf(pod->scheduler_name);
  if (unit == nullptr) {
    BERTH_LOG(kError, "profile not found for scheduler name \"{}\" pod={}", pod->scheduler_name,
              pod->key);
    return core.queue->Done(pod->uid);
  }
  if (SkipPod(core, *pod)) return core.queue->Done(pod->uid);
  BERTH_INFO(3, "Attempting to schedule pod", {"pod", pod->key});
  ++core.counts.attempts;
  auto cycle = std::make_unique<BindingCycle>();
  cycle->unit = unit;
  cycle->attempt_began = core.executor.clock().Now();
  cycle->state.record_plugin_metrics = core.random.Below(kPluginMetricsOneIn) == 0;
  core.cache.UpdateSnapshot(core.snapshot);
  Decision decision = unit->algorithm->Schedule(cycle->state, pod, entry->signature);
  core.counts.nodes_evaluated += decision.nodes_evaluated;
  if (decision.reused) ++core.counts.decisions_reused;
  core.metrics.Decision(decision.reused, decision.nodes_evaluated);
  if (core.on_decision) {
    core.on_decision(pod->key, decision.node ? decision.node->name() : std::string_view());
  }
  if (core.metrics.WantsDurations()) {
    core.metrics.SchedulingAlgorithm(core.executor.clock().Now() - cycle->attempt_began);
  }
  cycle->entry = std::move(entry);
  cycle->evaluated_nodes =
      decision.reused ? std::ssize(core.snapshot.nodes()) : decision.nodes_evaluated;
  cycle->feasible_nodes = decision.feasible_nodes;
  if (decision.node == nullptr) return NotPlaced(core, std::move(cycle), std::move(decision));
  cycle->node_name = std::string(decision.node->name());
  cycle->assumed = PodInfo::Assigned(pod, cycle->node_name);
  Place(core, std::move(cycle));
}

}  // namespace berth::framework
