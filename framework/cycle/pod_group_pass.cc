#include "framework/cycle/pod_group_pass.h"

#include <utility>

#include <fmt/core.h>

#include "framework/cycle/binding_cycle.h"
#include "framework/cycle/failure.h"

namespace berth::framework {

Status PodGroupUnschedulable(std::string_view why) {
  std::vector<std::string> reasons = {"pod group is unschedulable"};
  if (!why.empty()) reasons.emplace_back(why);
  return Status(Code::kUnschedulable, std::move(reasons));
}

void PodGroupPass::Run(Done done) {
  done_ = std::move(done);
  result_.status = PodGroupUnschedulable();
  Next();
}

// In a loop, so that members that are decided at once do not nest.
void PodGroupPass::Next() {
  if (looping_) return;
  looping_ = true;
  while (!deciding_ && !ended_) {
    if (result_.outcomes.size() == members_.size()) {
      ended_ = true;
      break;
    }
    if (++in_this_task_ > core_.options.cycles_per_task) return Pause();
    deciding_ = true;
    PodGroupOutcome& outcome = result_.outcomes.emplace_back();
    outcome.began = core_.executor.clock().Now();
    outcome.nominating = ClearNomination();
    answers_ = std::make_shared<ExtenderAnswers>();
    Decide();
  }
  looping_ = false;
  if (ended_ && !deciding_) End();
}

// Lets events in; the cycle holds, so that nobody else is scheduled.
void PodGroupPass::Pause() {
  core_.executor.Post([alive = core_.lifetime.Watch(), self = shared_from_this()] {
    if (alive.expired()) return;
    self->in_this_task_ = 0;
    self->looping_ = false;
    self->Next();
  });
}

void PodGroupPass::Decided() {
  deciding_ = false;
  Next();
}

void PodGroupPass::Decide() {
  PodGroupOutcome& outcome = now();
  outcome.state = CycleState();
  outcome.state.pod_group_cycle = PodGroupCycle::kPass;
  outcome.state.record_plugin_metrics = core_.SamplesPlugins();
  Decision decision =
      unit_.algorithm->Schedule(outcome.state, pod(), {}, answers_.get(), only_);
  core_.counts.nodes_evaluated += decision.nodes_evaluated;
  if (!decision.questions.empty()) {
    return core_.extender_talk.AskWhileHolding(
        pod(), std::move(decision.questions), answers_,
        [self = shared_from_this()] { self->Decide(); });
  }
  core_.metrics.Decision(decision.reused, decision.nodes_evaluated);
  if (decision.node == nullptr) return FitsNowhere(std::move(decision));
  outcome.node = std::string(decision.node->name());
  Propose();
}

void PodGroupPass::FitsNowhere(Decision decision) {
  PodGroupOutcome& outcome = now();
  outcome.status = decision.status;
  outcome.message = decision.status.Message();
  if (!decision.status.IsRejected()) {
    result_.status = Error("failed to schedule other pod from a pod group: " + outcome.message);
    result_.waits_for_preemption = false;
    ended_ = true;
    return Decided();
  }
  if (!decision.fit_error) return Decided();  // there is no node at all
  outcome.diagnosis = std::move(decision.diagnosis);
  if (unit_.profile->post_filter.empty()) return Decided();
  runtime().RunPostFilter(
      outcome.state, pod(), decision.statuses,
      [alive = core_.lifetime.Watch(), self = shared_from_this()](PostFilterResult result) {
        if (alive.expired()) return;
        PodGroupOutcome& member = self->now();
        member.diagnosis->post_filter_message = result.status.Message();
        member.message = member.diagnosis->Message();
        member.nominating = std::move(result.nominating);
        if (!member.nominating || member.nominating->node_name.empty()) return self->Decided();
        if (self->core_.snapshot.Find(member.nominating->node_name) == nullptr) {
          return self->Decided();
        }
        // Those behind it see it on the node that is being cleared for it.
        member.requires_preemption = true;
        member.node = member.nominating->node_name;
        self->Propose();
      });
}

void PodGroupPass::Propose() {
  PodGroupOutcome& outcome = now();
  outcome.proposed = PodInfo::Assigned(pod(), outcome.node);
  core_.snapshot.AddPod(outcome.proposed);
  // It stands there, so it is no longer expected there.
  if (const std::string* node = core_.nominator.NodeOf(outcome.proposed->uid)) {
    outcome.nominated = NominatingInfo{NominatingInfo::Mode::kOverride, *node};
    core_.nominator.Delete(outcome.proposed->uid);
  }
  core_.pod_groups.Propose(*outcome.proposed);
  const Status reserved = runtime().RunReserve(outcome.state, *outcome.proposed, outcome.node);
  if (!reserved.ok()) return NotReserved(reserved);
  Permit();
}

void PodGroupPass::Permit() {
  PodGroupOutcome& outcome = now();
  outcome.permit = runtime().RunPermit(outcome.state, *outcome.proposed, outcome.node).status;
  if (!outcome.permit.ok() && !outcome.permit.IsWait()) return NotReserved(outcome.permit);
  requires_preemption_ |= outcome.requires_preemption;
  if (outcome.permit.ok()) {
    result_.waits_for_preemption = requires_preemption_;
    result_.status = requires_preemption_
                         ? PodGroupUnschedulable("pod group is waiting for preemption to complete")
                         : Success();
  }
  Decided();
}

void PodGroupPass::NotReserved(const Status& status) {
  PodGroupOutcome& outcome = now();
  Undo(outcome);
  outcome.requires_preemption = false;
  outcome.nominating = ClearNomination();
  outcome.status = status;
  outcome.message = status.Message();
  outcome.diagnosis = std::nullopt;
  if (status.IsRejected()) {
    outcome.diagnosis = RejectedOnOneNode(status);
    outcome.message = outcome.diagnosis->Message();
  } else {
    result_.status = Error("failed to schedule other pod from a pod group: " + outcome.message);
    result_.waits_for_preemption = false;
    ended_ = true;
  }
  Decided();
}

void PodGroupPass::Undo(PodGroupOutcome& outcome) {
  if (outcome.proposed == nullptr) return;
  runtime().RunUnreserve(outcome.state, *outcome.proposed, outcome.node);
  core_.snapshot.RemovePod(*outcome.proposed);
  core_.pod_groups.Withdraw(*outcome.proposed);
  if (const auto nominated = std::exchange(outcome.nominated, std::nullopt)) {
    core_.nominator.Add(outcome.proposed, &*nominated);
  }
  outcome.proposed = nullptr;
}

void PodGroupPass::End() {
  for (auto it = result_.outcomes.rbegin(); it != result_.outcomes.rend(); ++it) {
    PodPtr proposed = it->proposed;
    Undo(*it);
    it->proposed = std::move(proposed);  // where it would stand: for scores of placements
  }
  std::exchange(done_, nullptr)(std::move(result_));
}

}  // namespace berth::framework
