// ExtenderTalk: questions to extenders, and who waits for the answers.
//
// Scheduling is serial: while a pod's extenders are asked, no other pod is scheduled, as upstream.
// But only for as long as `patience`: an extender that takes longer is slow, and others go ahead of
// its pods, those it has no say in among them, until it answers in time again. A pod that was
// overtaken is decided on the snapshot that is there when the answer comes.
#pragma once

#include <memory>
#include <vector>

#include <absl/functional/any_invocable.h>
#include <absl/status/statusor.h>

#include "base/executor.h"
#include "framework/cycle/extender_answers.h"
#include "framework/extender.h"
#include "framework/plugin.h"
#include "framework/pod_info.h"

namespace berth::framework {

struct EngineCore;

// Threads: the engine's executor.
class ExtenderTalk {
 public:
  explicit ExtenderTalk(EngineCore& core) : core_(core) {}

  // Before any profile is added.
  void SetExtenders(Extenders extenders);
  const Extenders& extenders() const { return extenders_; }

  // Asks them all at once. then: when all have answered and it is this pod's turn again, as a
  // cycle of its own; overtaken: other pods were scheduled meanwhile.
  using Then = absl::AnyInvocable<void(bool overtaken)>;
  void Ask(const PodPtr& pod, std::vector<ExtenderQuestion> questions,
           std::shared_ptr<ExtenderAnswers> answers, Then then);

  // For a cycle that holds firmly: it goes on at once when all have answered.
  void AskWhileHolding(const PodPtr& pod, std::vector<ExtenderQuestion> questions,
                       std::shared_ptr<ExtenderAnswers> answers, Task then);

  bool AnyPreempts(const PodInfo& pod) const;
  // Passes the candidates from one preempting extender to the next; done: with those that all of
  // them agree with, and whom they would evict. Called at once when there is nobody to ask.
  // For a PostFilter that holds the cycle, which it may lose.
  using PreemptDone = absl::AnyInvocable<void(absl::StatusOr<std::vector<PreemptionCandidate>>)>;
  void Preempt(const PodPtr& pod, std::vector<PreemptionCandidate> candidates, PreemptDone done);

  // The first binder that is interested and does not fail as ignorable ones may. not_asked: there
  // is none.
  void Bind(const PodPtr& pod, std::string node, Extender::BindDone done, Task not_asked);

  // As many pods wait for answers as may.
  bool Full() const;

 private:
  struct Round;
  struct PreemptRound;
  void Send(const PodPtr& pod, std::vector<ExtenderQuestion> questions,
            const std::shared_ptr<Round>& round);
  void Answered(const std::shared_ptr<Round>& round, size_t extender, absl::Time asked);
  void Finish(const std::shared_ptr<Round>& round);
  void PreemptFrom(size_t first, const std::shared_ptr<PreemptRound>& round);
  void PreemptAnswered(size_t extender, const std::shared_ptr<PreemptRound>& round,
                       absl::StatusOr<std::vector<ExtenderVictims>> answer);
  absl::StatusOr<std::vector<PreemptionCandidate>> Resolved(
      const Extender& extender, absl::StatusOr<std::vector<ExtenderVictims>> answer) const;
  void BindFrom(size_t first, const PodPtr& pod, std::string node, Extender::BindDone done,
                Task not_asked);

  EngineCore& core_;
  Extenders extenders_;
  std::vector<bool> slow_;  // by extender
  int32_t waiting_ = 0;     // rounds under way
};

}  // namespace berth::framework
