// ExtenderTalk: questions to extenders, and who waits for the answers.
//
// Scheduling is serial: while a pod's extenders are asked, no other pod is scheduled, as upstream.
// But only for as long as `patience`: an extender that takes longer is slow, and others go ahead of
// its pods, those it has no say in among them, until it answers in time again. Of the pods of a
// slow extender some are asked about; the rest line up.
//
//   Ask -> HOLDS --- answered ------------------> decided again, before anybody else
//    |       +------ patience ends -> OVERTAKEN - answered -> decided again, in its turn
//    +-> LINED UP -- another one is answered ---> decided again: asks
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include <absl/functional/any_invocable.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

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
  // Nobody is asked or heard any more.
  void Close();

  // Asks them all at once. then: when all have answered, or when it is time to ask again, and it is
  // this pod's turn, as a cycle of its own.
  void Ask(const PodPtr& pod, std::vector<ExtenderQuestion> questions,
           std::shared_ptr<ExtenderAnswers> answers, Task then);
  // For a cycle that holds firmly: it goes on at once when all have answered.
  void AskWhileHolding(const PodPtr& pod, std::vector<ExtenderQuestion> questions,
                       std::shared_ptr<ExtenderAnswers> answers, Task then);

  bool AnyPreempts(const PodInfo& pod) const;
  // Passes the candidates from one preempting extender to the next; done: with those that all of
  // them agree with, and whom they would evict. For a PostFilter that holds the cycle, which it may
  // lose: then candidates whose node has changed meanwhile are left out.
  using PreemptDone = absl::AnyInvocable<void(absl::StatusOr<std::vector<PreemptionCandidate>>)>;
  void Preempt(const PodPtr& pod, std::vector<PreemptionCandidate> candidates, PreemptDone done);

  // The first binder that is interested and does not fail as ignorable ones may. not_asked: there
  // is none.
  void Bind(const PodPtr& pod, std::string node, Extender::BindDone done, Task not_asked);

 private:
  struct Round;
  struct PreemptRound;
  struct Line {  // of one extender
    bool slow = false;
    int under_way = 0;            // questions
    std::deque<Task> waiting;     // cycles
  };
  bool IsBusy(size_t extender) const;
  void Send(const PodPtr& pod, std::vector<ExtenderQuestion> questions, bool urgent,
            const std::shared_ptr<Round>& round);
  void Answered(const std::shared_ptr<Round>& round, size_t extender, absl::Time asked);
  void Finish(const std::shared_ptr<Round>& round);
  // An answer has come.
  void Heard(size_t extender, absl::Time asked);
  void Release(size_t extender);
  // From `first` on, the next one that does it and is interested; their number: none.
  size_t Next(size_t first, bool (Extender::*does)() const, const PodInfo& pod) const;
  void PreemptFrom(size_t first, const std::shared_ptr<PreemptRound>& round);
  void PreemptAnswered(size_t extender, const std::shared_ptr<PreemptRound>& round,
                       absl::StatusOr<std::vector<ExtenderVictims>> answer);
  void EndPreempt(PreemptRound& round);
  absl::StatusOr<std::vector<PreemptionCandidate>> Resolved(
      const Extender& extender, absl::StatusOr<std::vector<ExtenderVictims>> answer) const;
  void BindFrom(size_t first, const PodPtr& pod, std::string node, Extender::BindDone done,
                Task not_asked);

  EngineCore& core_;
  Extenders extenders_;
  std::vector<Line> lines_;  // by extender
};

}  // namespace berth::framework
