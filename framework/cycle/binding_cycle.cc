#include "framework/cycle/binding_cycle.h"

#include <limits>
#include <utility>

#include <fmt/core.h>

#include "api/object.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/structured_log.h"
#include "framework/cycle/bind_conflict.h"
#include "framework/cycle/failure.h"
#include "framework/cycle/pod_status.h"
#include "framework/pods_to_activate.h"
#include "framework/queue/pod_events.h"

namespace berth::framework {
namespace {

// After this long a refused pod is tried again, whatever the source shows.
constexpr absl::Duration kCatchUpMax = absl::Seconds(1);

bool Covers(const CatchUp& seen, const CatchUp& wanted) {
  return seen.pods_revision >= wanted.pods_revision && seen.node_revision >= wanted.node_revision;
}

}  // namespace

Diagnosis RejectedOnOneNode(const Status& status) {
  Diagnosis diagnosis;
  diagnosis.all_nodes = 1;
  diagnosis.Count(status);
  diagnosis.AddRejector(status);
  return diagnosis;
}

void ActivateRequested(EngineCore& core, CycleState& state) {
  auto* asked = state.Mutable<PodsToActivate>(kPodsToActivate);
  if (asked == nullptr || asked->keys->empty()) return;
  const std::vector<std::string> keys(asked->keys->begin(), asked->keys->end());
  asked->keys->clear();
  core.queue->Activate(keys);
}

void TellForgotten(EngineCore& core, const PodPtr& assumed, bool except_itself) {
  if (!core.queue->AnyoneCares(AssignedPodDeleteEvent())) return;
  // As the source would show it: with its node.
  auto object = std::make_shared<api::core::Pod>(assumed->object());
  object->mutable_spec()->set_node_name(assumed->node_name);
  SchedulingQueue::Candidate others;
  if (except_itself) others = [&](const PodInfo& pod) { return pod.uid != assumed->uid; };
  core.queue->MoveAllToActiveOrBackoff(AssignedPodDeleteEvent(), object, nullptr, others);
}

void BindingCycles::Start(std::unique_ptr<BindingCycle> started) {
  CyclePtr cycle = std::move(started);
  cycle->decided_at = Seen(cycle->node_name);
  core_.metrics.BindingsInFlight(++in_flight_);
  const Runtime& runtime = *cycle->unit->runtime;
  const auto waiting = core_.waiting.Find(cycle->assumed->uid);
  Runtime::PreFlight flight;
  if (core_.options.nominated_node_name_for_expectation) {
    flight = runtime.RunPreBindPreFlight(cycle->state, *cycle->assumed, cycle->node_name);
    if (!flight.status.ok() && !flight.status.IsSkip()) {
      core_.waiting.Remove(cycle->assumed->uid);
      return Fail(cycle, flight.status, nullptr);
    }
    if (flight.status.ok() || waiting != nullptr) {
      PatchNomination(core_, *cycle->assumed, cycle->node_name);
    }
  } else {
    flight.results.resize(cycle->unit->profile->pre_bind.size());
  }
  if (waiting == nullptr) return AfterPermit(cycle, std::move(flight), Success());
  const absl::Time began = core_.executor.clock().Now();
  waiting->OnSignal([this, alive = core_.lifetime.Watch(), cycle, began,
                     flight = std::move(flight)](const Status& status) mutable {
    if (alive.expired()) return;
    core_.waiting.Remove(cycle->assumed->uid);
    core_.metrics.PermitWait(status.code(), core_.executor.clock().Now() - began);
    AfterPermit(cycle, std::move(flight), status);
  });
}

void BindingCycles::AfterPermit(const CyclePtr& cycle, Runtime::PreFlight flight,
                                const Status& status) {
  if (status.IsRejected()) {
    const Diagnosis diagnosis = RejectedOnOneNode(status);
    return Fail(cycle, Status(status.code(), {diagnosis.Message()}), &diagnosis);
  }
  if (!status.ok()) {
    return Fail(cycle, Error("waiting on permit for pod: " + status.Message()), nullptr);
  }
  core_.queue->Done(cycle->assumed->uid);
  if (flight.status.IsSkip() || cycle->unit->profile->pre_bind.empty()) {
    cycle->unit->runtime->NothingRan("PreBind");
    return Bind(cycle);
  }
  cycle->unit->runtime->RunPreBind(
      cycle->state, cycle->assumed, cycle->node_name, std::move(flight),
      [this, alive = core_.lifetime.Watch(), cycle](const Status& done) {
        if (alive.expired()) return;
        if (!done.ok()) return Fail(cycle, done, nullptr);
        Bind(cycle);
      });
}

void BindingCycles::Bind(const CyclePtr& cycle) {
  core_.extender_talk.Bind(
      cycle->assumed, cycle->node_name,
      [this, cycle](const absl::Status& status) {
        if (status.ok()) return Bound(cycle);
        Fail(cycle, Status::FromError(status), nullptr);
      },
      [this, cycle] { BindByPlugins(cycle); });
}

void BindingCycles::BindByPlugins(const CyclePtr& cycle) {
  cycle->unit->runtime->RunBind(
      cycle->state, cycle->assumed, cycle->node_name,
      [this, alive = core_.lifetime.Watch(), cycle](Status status) {
        if (alive.expired()) return;
        if (status.ok()) return Bound(cycle);
        BERTH_INFO(1, "Failed to bind pod", {"pod", cycle->assumed->key});
        if (const auto conflict = core_.tap.TakeConflict(cycle->assumed->uid)) {
          return Refused(cycle, status, *conflict);
        }
        if (status.IsSkip()) status = Error("bind status: Skip");
        Fail(cycle, status, nullptr);
      });
}

void BindingCycles::Bound(const CyclePtr& cycle) {
  const QueueEntry& entry = *cycle->entry;
  const PodInfo& pod = *cycle->assumed;
  const absl::Time now = core_.executor.clock().Now();
  ++core_.counts.bound;
  BERTH_INFO(2, "Successfully bound pod to node", {"pod", pod.key}, {"node", cycle->node_name},
             {"evaluatedNodes", cycle->evaluated_nodes},
             {"feasibleNodes", cycle->feasible_nodes});
  core_.metrics.ScheduleAttempt(pod.scheduler_name, AttemptResult::kScheduled,
                                now - cycle->attempt_began);
  core_.metrics.PodScheduled(entry.attempts, now - entry.initial_attempt_timestamp,
                             entry.was_flushed_from_unschedulable);
  core_.sink.Event({.regarding = pod.shared_object(),
                    .related = nullptr,
                    .type = "Normal",
                    .reason = "Scheduled",
                    .action = "Binding",
                    .note = fmt::format("Successfully assigned {} to {}", pod.key,
                                        cycle->node_name),
                    .reporting_controller = pod.scheduler_name});
  cycle->unit->runtime->RunPostBind(cycle->state, pod, cycle->node_name);
  ActivateRequested(core_, cycle->state);
  Ended();
}

bool BindingCycles::Forget(BindingCycle& cycle) {
  cycle.unit->runtime->RunUnreserve(cycle.state, *cycle.assumed, cycle.node_name);
  const absl::Status forgotten = core_.cache.ForgetPod(*cycle.assumed);
  if (!forgotten.ok()) {
    BERTH_FAILURE(ToStd(forgotten.message()), "Scheduler cache ForgetPod failed",
                  {"pod", cycle.assumed->key});
  }
  return forgotten.ok();
}

void BindingCycles::Fail(const CyclePtr& cycle, const Status& status,
                         const Diagnosis* diagnosis) {
  const bool forgotten = Forget(*cycle);
  const bool rejected = status.IsRejected();
  if (forgotten && !rejected) TellForgotten(core_, cycle->assumed, false);
  // A rejection without a diagnosis (PreBind, Bind) still names its plugin.
  Diagnosis named;
  if (diagnosis == nullptr && rejected) {
    named.AddRejector(status);
    diagnosis = &named;
  }
  HandleFailure(core_, std::move(cycle->entry),
                {.status = status,
                 .message = status.Message(),
                 .diagnosis = diagnosis,
                 .nominating = ClearNomination(),
                 .attempt_began = cycle->attempt_began});
  if (forgotten && rejected) TellForgotten(core_, cycle->assumed, true);
  Ended();
}

// Not this pod's fault and not the end of the world: somebody else took the room. The pod goes
// back to the active queue as soon as we see what the server saw, without an event. When the
// decision was made knowing all that, seeing it will not help (the server lags behind us, or
// counts otherwise): then it is a failure as any other.
void BindingCycles::Refused(const CyclePtr& cycle, const Status& status, const CatchUp& wanted) {
  ++core_.counts.bind_conflicts;
  core_.metrics.BindConflict(cycle->assumed->scheduler_name);
  if (Covers(cycle->decided_at, wanted)) return Fail(cycle, status, nullptr);
  if (Forget(*cycle)) TellForgotten(core_, cycle->assumed, true);
  catching_up_.push_back({.wanted = wanted,
                          .node_name = cycle->node_name,
                          .pod_key = cycle->assumed->key,
                          .uid = cycle->assumed->uid,
                          .until = core_.executor.clock().Now() + kCatchUpMax});
  HoldForRetry(core_, std::move(cycle->entry));
  ArmCatchUpTimer();
  Ended();
  OnSourceProgress();
}

void BindingCycles::ArmCatchUpTimer() {
  if (catch_up_timer_ != 0 || catching_up_.empty()) return;
  catch_up_timer_ = core_.executor.PostAt(catching_up_.front().until,
                                          [this, alive = core_.lifetime.Watch()] {
                                            if (alive.expired()) return;
                                            catch_up_timer_ = 0;
                                            OnSourceProgress();
                                            ArmCatchUpTimer();
                                          });
}

CatchUp BindingCycles::Seen(std::string_view node_name) const {
  const ObjectPtr node = core_.source.Get(api::ResourceOf<api::core::Node>(), "", node_name);
  return {.pods_revision = core_.source.Revision(api::ResourceOf<api::core::Pod>()),
          // One that is gone is not decided for again.
          .node_revision = node == nullptr
                               ? std::numeric_limits<int64_t>::max()
                               : api::RevisionOf(api::MetaOf(*node).resource_version())};
}

void BindingCycles::OnSourceProgress() {
  if (catching_up_.empty()) return;
  const absl::Time now = core_.executor.clock().Now();
  std::vector<CatchingUp> later;
  for (CatchingUp& waiting : std::exchange(catching_up_, {})) {
    if (waiting.until <= now || Covers(Seen(waiting.node_name), waiting.wanted)) {
      core_.queue->Resume(waiting.pod_key, waiting.uid, "BindConflict");
    } else {
      later.push_back(std::move(waiting));
    }
  }
  catching_up_ = std::move(later);
  core_.Kick();
}

void BindingCycles::Ended() {
  core_.metrics.BindingsInFlight(--in_flight_);
  core_.Kick();
}

}  // namespace berth::framework
