#include "framework/cycle/extender_talk.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "api/errors.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "framework/cycle/engine_core.h"

namespace berth::framework {

void ExtenderTalk::SetExtenders(Extenders extenders) {
  extenders_ = std::move(extenders);
  slow_.assign(extenders_.size(), false);
}

bool ExtenderTalk::Full() const { return waiting_ >= core_.options.bindings_in_flight_max; }

struct ExtenderTalk::Round {
  std::shared_ptr<ExtenderAnswers> answers;
  Then then;
  Task at_once;  // instead of `then`
  std::vector<size_t> awaited;  // extenders
  TimerId patience = 0;
  bool overtaken = false;
};

void ExtenderTalk::Ask(const PodPtr& pod, std::vector<ExtenderQuestion> questions,
                       std::shared_ptr<ExtenderAnswers> answers, Then then) {
  auto round = std::make_shared<Round>();
  round->answers = std::move(answers);
  round->then = std::move(then);
  ++waiting_;
  round->overtaken = std::any_of(questions.begin(), questions.end(), [&](const auto& question) {
    return slow_[question.extender];
  });
  if (!round->overtaken) {
    core_.Hold(round.get());
    round->patience = core_.executor.PostAfter(
        core_.options.extender_patience, [this, alive = core_.lifetime.Watch(), round] {
          if (alive.expired()) return;
          round->patience = 0;
          round->overtaken = true;
          for (const size_t extender : round->awaited) slow_[extender] = true;
          core_.LetGo(round.get());
        });
  }
  Send(pod, std::move(questions), round);
}

void ExtenderTalk::AskWhileHolding(const PodPtr& pod, std::vector<ExtenderQuestion> questions,
                                   std::shared_ptr<ExtenderAnswers> answers, Task then) {
  auto round = std::make_shared<Round>();
  round->answers = std::move(answers);
  round->at_once = std::move(then);
  ++waiting_;
  Send(pod, std::move(questions), round);
}

void ExtenderTalk::Send(const PodPtr& pod, std::vector<ExtenderQuestion> questions,
                        const std::shared_ptr<Round>& round) {
  for (const ExtenderQuestion& question : questions) round->awaited.push_back(question.extender);
  const absl::Time now = core_.executor.clock().Now();
  for (ExtenderQuestion& question : questions) {
    Extender& extender = *extenders_[question.extender];
    std::vector<NodePtr> nodes = std::move(question.nodes);
    const auto answered = [this, alive = core_.lifetime.Watch(), round, question,
                           now](auto take, auto answer) {
      if (alive.expired()) return;
      take(*round->answers, question, std::move(answer));
      Answered(round, question.extender, now);
    };
    if (question.kind == ExtenderQuestion::Kind::kPrioritize) {
      extender.Prioritize(pod, std::move(nodes), [answered](auto answer) {
        answered([](auto& to, const auto& asked,
                    auto said) { to.SetPrioritize(asked, std::move(said)); },
                 std::move(answer));
      });
    } else {
      extender.Filter(pod, std::move(nodes), [answered](auto answer) {
        answered([](auto& to, const auto& asked,
                    auto said) { to.SetFilter(asked, std::move(said)); },
                 std::move(answer));
      });
    }
  }
}

void ExtenderTalk::Answered(const std::shared_ptr<Round>& round, size_t extender,
                            absl::Time asked) {
  const bool in_time =
      core_.executor.clock().Now() - asked <= core_.options.extender_patience;
  slow_[extender] = !in_time;
  round->awaited.erase(std::find(round->awaited.begin(), round->awaited.end(), extender));
  if (round->awaited.empty()) Finish(round);
}

void ExtenderTalk::Finish(const std::shared_ptr<Round>& round) {
  --waiting_;
  if (round->at_once) return round->at_once();
  if (round->patience != 0) core_.executor.Cancel(round->patience);
  Task turn = [round] { round->then(round->overtaken); };
  // Who was not overtaken goes on before anybody else.
  if (round->overtaken) {
    core_.ready.push_back(std::move(turn));
  } else {
    core_.ready.push_front(std::move(turn));
  }
  core_.LetGo(round.get());
  core_.Kick();
}

bool ExtenderTalk::AnyPreempts(const PodInfo& pod) const {
  return std::any_of(extenders_.begin(), extenders_.end(), [&](const auto& extender) {
    return extender->preempts() && extender->IsInterested(pod);
  });
}

struct ExtenderTalk::PreemptRound {
  PodPtr pod;
  std::vector<PreemptionCandidate> candidates;
  PreemptDone done;
  const void* holder = nullptr;  // the cycle that waits
  TimerId patience = 0;
};

void ExtenderTalk::Preempt(const PodPtr& pod, std::vector<PreemptionCandidate> candidates,
                           PreemptDone done) {
  auto round = std::make_shared<PreemptRound>();
  round->pod = pod;
  round->candidates = std::move(candidates);
  round->done = std::move(done);
  round->holder = core_.holder;
  PreemptFrom(0, round);
}

void ExtenderTalk::PreemptFrom(size_t first, const std::shared_ptr<PreemptRound>& round) {
  size_t i = first;
  while (i < extenders_.size() &&
         !(extenders_[i]->preempts() && extenders_[i]->IsInterested(*round->pod))) {
    ++i;
  }
  if (i == extenders_.size() || round->candidates.empty()) {
    return round->done(std::move(round->candidates));
  }
  if (slow_[i]) {
    core_.Yield(round->holder);
  } else {
    round->patience = core_.executor.PostAfter(
        core_.options.extender_patience, [this, alive = core_.lifetime.Watch(), round, i] {
          if (alive.expired()) return;
          round->patience = 0;
          slow_[i] = true;
          core_.Yield(round->holder);
        });
  }
  const absl::Time asked = core_.executor.clock().Now();
  extenders_[i]->Preempt(
      round->pod, round->candidates,
      [this, alive = core_.lifetime.Watch(), round, i, asked](auto answer) {
        if (alive.expired()) return;
        if (round->patience != 0) core_.executor.Cancel(std::exchange(round->patience, 0));
        slow_[i] = core_.executor.clock().Now() - asked > core_.options.extender_patience;
        PreemptAnswered(i, round, std::move(answer));
      });
}

void ExtenderTalk::PreemptAnswered(size_t extender, const std::shared_ptr<PreemptRound>& round,
                                   absl::StatusOr<std::vector<ExtenderVictims>> answer) {
  const Extender& who = *extenders_[extender];
  const auto left = Resolved(who, std::move(answer));
  if (!left.ok()) {
    if (!who.ignorable()) return round->done(left.status());
    BERTH_LOG(kWarning, "extender is skipped extender={} pod={} err=\"{}\"", who.name(),
              round->pod->key, ToStd(left.status().message()));
  } else {
    round->candidates = *left;
  }
  PreemptFrom(extender + 1, round);
}

absl::StatusOr<std::vector<PreemptionCandidate>> ExtenderTalk::Resolved(
    const Extender& extender, absl::StatusOr<std::vector<ExtenderVictims>> answer) const {
  if (!answer.ok()) return answer.status();
  std::vector<PreemptionCandidate> candidates;
  for (const ExtenderVictims& said : *answer) {
    const NodeInfo* node = core_.snapshot.Find(said.node);
    if (node == nullptr) {
      return absl::NotFoundError(ToAbsl(
          fmt::format("nodeinfo not found for node name {}", api::GoQuoted(said.node))));
    }
    PreemptionCandidate candidate{said.node, {}, said.budget_violations};
    for (const std::string& uid : said.pod_uids) {
      const auto victim = std::find_if(node->pods().begin(), node->pods().end(),
                                       [&](const PodPtr& pod) { return pod->uid == uid; });
      if (victim == node->pods().end()) {
        return absl::NotFoundError(ToAbsl(fmt::format(
            "extender: {} claims to preempt pod (UID: {}) on node: {}, but the pod is not found "
            "on that node",
            extender.name(), uid, said.node)));
      }
      candidate.victims.push_back(*victim);
    }
    if (candidate.victims.empty()) {
      if (extender.ignorable()) continue;
      return absl::InvalidArgumentError(ToAbsl(fmt::format(
          "expected at least one victim pod on node {}", api::GoQuoted(said.node))));
    }
    candidates.push_back(std::move(candidate));
  }
  return candidates;
}

void ExtenderTalk::Bind(const PodPtr& pod, std::string node, Extender::BindDone done,
                        Task not_asked) {
  BindFrom(0, pod, std::move(node), std::move(done), std::move(not_asked));
}

void ExtenderTalk::BindFrom(size_t first, const PodPtr& pod, std::string node,
                            Extender::BindDone done, Task not_asked) {
  size_t i = first;
  while (i < extenders_.size() &&
         !(extenders_[i]->binds() && extenders_[i]->IsInterested(*pod))) {
    ++i;
  }
  if (i == extenders_.size()) return not_asked();
  extenders_[i]->Bind(
      pod, node,
      [this, alive = core_.lifetime.Watch(), i, pod, node, done = std::move(done),
       not_asked = std::move(not_asked)](absl::Status status) mutable {
        if (alive.expired()) return;
        const Extender& who = *extenders_[i];
        if (status.ok() || !who.ignorable()) return done(std::move(status));
        BERTH_LOG(kWarning, "extender is skipped extender={} pod={} err=\"{}\"", who.name(),
                  pod->key, ToStd(status.message()));
        BindFrom(i + 1, pod, std::move(node), std::move(done), std::move(not_asked));
      });
}

}  // namespace berth::framework
