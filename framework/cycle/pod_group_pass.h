// PodGroupPass: the members of a pod group placed one after the other on the snapshot, which is as
// before when the pass is over.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <absl/functional/any_invocable.h>

#include "framework/cycle/engine_core.h"

namespace berth::framework {

// What came of one member.
struct PodGroupOutcome {
  CycleState state;
  absl::Time began;
  Status status;        // Success: node is its place
  std::string message;  // of another status
  std::optional<Diagnosis> diagnosis;  // when plugins rejected it
  std::optional<NominatingInfo> nominating;
  std::string node;                  // also where room is being made
  PodPtr proposed;                   // the pod as it stands on that node
  std::optional<NominatingInfo> nominated;  // before that
  bool requires_preemption = false;  // it has a node once its victims are gone
  Status permit;                     // with a node: Success or Wait
};
// Fewer outcomes than members: an error ended the pass.
struct PodGroupResult {
  std::vector<PodGroupOutcome> outcomes;
  Status status;  // Success: the members with a node may be bound
  bool waits_for_preemption = false;
};

// Threads: the engine's executor.
class PodGroupPass : public std::enable_shared_from_this<PodGroupPass> {
 public:
  using Members = std::vector<PodPtr>;
  using Done = absl::AnyInvocable<void(PodGroupResult)>;

  // unit: outlives it. only: the nodes that may be chosen, in the snapshot's order; null: all.
  PodGroupPass(EngineCore& core, ProfileUnit& unit, Members members, const Algorithm::Nodes* only)
      : core_(core), unit_(unit), members_(std::move(members)), only_(only) {}
  // done: perhaps inside the call. Members that fit nowhere may preempt.
  void Run(Done done);

 private:
  PodGroupOutcome& now() { return result_.outcomes.back(); }
  const PodPtr& pod() const { return members_[result_.outcomes.size() - 1]; }
  const Runtime& runtime() const { return *unit_.runtime; }
  void Next();
  void Pause();
  // About the member at hand, until Decided.
  void Decide();
  void FitsNowhere(Decision decision);
  void Propose();
  void Permit();
  void NotReserved(const Status& status);
  void Decided();
  void Undo(PodGroupOutcome& outcome);
  void End();

  EngineCore& core_;
  ProfileUnit& unit_;
  const Members members_;
  const Algorithm::Nodes* const only_;
  Done done_;
  PodGroupResult result_;
  std::shared_ptr<ExtenderAnswers> answers_;  // about the member at hand
  bool requires_preemption_ = false;          // of any member so far
  bool deciding_ = false;  // a member is at hand
  bool looping_ = false, ended_ = false;
  int in_this_task_ = 0;  // members decided
};

// "pod group is unschedulable", and why else.
Status PodGroupUnschedulable(std::string_view why = {});

}  // namespace berth::framework
