#include "framework/cycle/extender_talk.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "api/errors.h"
#include "base/log.h"
#include "framework/cycle/engine_core.h"

namespace berth::framework {
namespace {

// Questions to a slow extender at once; each may hold a list of all nodes.
constexpr int kUnderWayMax = 16;

}  // namespace

void ExtenderTalk::SetExtenders(Extenders extenders) {
  extenders_ = std::move(extenders);
  lines_ = std::vector<Line>(extenders_.size());
}

void ExtenderTalk::Close() {
  lines_.clear();
  extenders_.clear();
}

bool ExtenderTalk::IsBusy(size_t extender) const {
  return lines_[extender].slow && lines_[extender].under_way >= kUnderWayMax;
}

struct ExtenderTalk::Round {
  std::shared_ptr<ExtenderAnswers> answers;
  Task then;
  std::vector<size_t> awaited;  // extenders
  TimerId patience = 0;
  bool holds = false;
  bool firmly = false;  // the cycle holds by itself
};

void ExtenderTalk::Ask(const PodPtr& pod, std::vector<ExtenderQuestion> questions,
                       std::shared_ptr<ExtenderAnswers> answers, Task then) {
  bool any_slow = false;
  for (const ExtenderQuestion& question : questions) {
    if (IsBusy(question.extender)) {
      lines_[question.extender].waiting.push_back(std::move(then));
      return;
    }
    any_slow |= lines_[question.extender].slow;
  }
  auto round = std::make_shared<Round>();
  round->answers = std::move(answers);
  round->then = std::move(then);
  round->holds = !any_slow;
  if (round->holds) {
    core_.Hold(round.get());
    round->patience = core_.executor.PostAfter(
        core_.options.extender_patience, [this, alive = core_.lifetime.Watch(), round] {
          if (alive.expired()) return;
          round->patience = 0;
          round->holds = false;
          for (const size_t extender : round->awaited) lines_[extender].slow = true;
          core_.LetGo(round.get());
        });
  }
  Send(pod, std::move(questions), /*urgent=*/false, round);
}

void ExtenderTalk::AskWhileHolding(const PodPtr& pod, std::vector<ExtenderQuestion> questions,
                                   std::shared_ptr<ExtenderAnswers> answers, Task then) {
  auto round = std::make_shared<Round>();
  round->answers = std::move(answers);
  round->then = std::move(then);
  round->firmly = true;
  Send(pod, std::move(questions), /*urgent=*/true, round);
}

void ExtenderTalk::Send(const PodPtr& pod, std::vector<ExtenderQuestion> questions, bool urgent,
                        const std::shared_ptr<Round>& round) {
  for (const ExtenderQuestion& question : questions) round->awaited.push_back(question.extender);
  const absl::Time now = core_.executor.clock().Now();
  for (ExtenderQuestion& question : questions) {
    Extender& extender = *extenders_[question.extender];
    ++lines_[question.extender].under_way;
    std::vector<NodePtr> nodes = std::move(question.nodes);
    const auto answered = [this, alive = core_.lifetime.Watch(), round, question,
                           now](auto take, auto answer) {
      if (alive.expired()) return;
      take(*round->answers, question, std::move(answer));
      Answered(round, question.extender, now);
    };
    if (question.kind == ExtenderQuestion::Kind::kPrioritize) {
      extender.Prioritize(pod, std::move(nodes), urgent, [answered](auto answer) {
        answered([](auto& to, const auto& asked,
                    auto said) { to.SetPrioritize(asked, std::move(said)); },
                 std::move(answer));
      });
    } else {
      extender.Filter(pod, std::move(nodes), urgent, [answered](auto answer) {
        answered([](auto& to, const auto& asked,
                    auto said) { to.SetFilter(asked, std::move(said)); },
                 std::move(answer));
      });
    }
  }
}

void ExtenderTalk::Heard(size_t extender, absl::Time asked) {
  Line& line = lines_[extender];
  line.slow = core_.executor.clock().Now() - asked > core_.options.extender_patience;
  --line.under_way;
  Release(extender);
}

// The first of those that line up goes on, and after it the next: the first may not ask any more.
void ExtenderTalk::Release(size_t extender) {
  if (IsBusy(extender) || lines_[extender].waiting.empty()) return;
  auto& waiting = lines_[extender].waiting;
  core_.ready.push_back([this, extender, then = std::move(waiting.front())]() mutable {
    then();
    Release(extender);
  });
  waiting.pop_front();
  core_.Kick();
}

void ExtenderTalk::Answered(const std::shared_ptr<Round>& round, size_t extender,
                            absl::Time asked) {
  Heard(extender, asked);
  round->awaited.erase(std::find(round->awaited.begin(), round->awaited.end(), extender));
  if (round->awaited.empty()) Finish(round);
}

void ExtenderTalk::Finish(const std::shared_ptr<Round>& round) {
  if (round->firmly) return round->then();
  if (round->patience != 0) core_.executor.Cancel(round->patience);
  // Who holds goes on before anybody else.
  auto& ready = core_.ready;
  ready.insert(round->holds ? ready.begin() : ready.end(), std::move(round->then));
  core_.LetGo(round.get());
  core_.Kick();
}

size_t ExtenderTalk::Next(size_t first, bool (Extender::*does)() const,
                          const PodInfo& pod) const {
  size_t i = first;
  while (i < extenders_.size() &&
         !(((*extenders_[i]).*does)() && extenders_[i]->IsInterested(pod))) {
    ++i;
  }
  return i;
}

bool ExtenderTalk::AnyPreempts(const PodInfo& pod) const {
  return Next(0, &Extender::preempts, pod) < extenders_.size();
}

struct ExtenderTalk::PreemptRound {
  PodPtr pod;
  std::vector<PreemptionCandidate> candidates;
  PreemptDone done;
  const void* holder = nullptr;  // the cycle that waits
  TimerId patience = 0;
  // As the candidates' nodes were.
  int64_t structure = 0;
  StringMap<int64_t> versions;
};

void ExtenderTalk::Preempt(const PodPtr& pod, std::vector<PreemptionCandidate> candidates,
                           PreemptDone done) {
  auto round = std::make_shared<PreemptRound>();
  round->pod = pod;
  round->candidates = std::move(candidates);
  round->done = std::move(done);
  round->holder = core_.holder;
  round->structure = core_.snapshot.structure_generation();
  for (const PreemptionCandidate& each : round->candidates) {
    const NodeInfo* node = core_.snapshot.Find(each.node);
    if (node != nullptr) round->versions[each.node] = core_.snapshot.version(node->index);
  }
  PreemptFrom(0, round);
}

// What others did while they were let ahead may have made a candidate worthless, or less than it
// was: the pod will find better ones.
void ExtenderTalk::EndPreempt(PreemptRound& round) {
  if (core_.holder != round.holder) {
    std::erase_if(round.candidates, [&](const PreemptionCandidate& each) {
      const NodeInfo* node = core_.snapshot.Find(each.node);
      const auto version = round.versions.find(each.node);
      return core_.snapshot.structure_generation() != round.structure || node == nullptr ||
             version == round.versions.end() ||
             core_.snapshot.version(node->index) != version->second;
    });
  }
  round.done(std::move(round.candidates));
}

void ExtenderTalk::PreemptFrom(size_t first, const std::shared_ptr<PreemptRound>& round) {
  const size_t i = Next(first, &Extender::preempts, *round->pod);
  if (i == extenders_.size() || round->candidates.empty()) return EndPreempt(*round);
  if (IsBusy(i)) {
    return PreemptAnswered(i, round,
                           absl::UnavailableError(ToAbsl(fmt::format(
                               "extender {} has {} calls to answer", extenders_[i]->name(),
                               lines_[i].under_way))));
  }
  if (lines_[i].slow) {
    core_.Yield(round->holder);
  } else {
    round->patience = core_.executor.PostAfter(
        core_.options.extender_patience, [this, alive = core_.lifetime.Watch(), round, i] {
          if (alive.expired()) return;
          round->patience = 0;
          lines_[i].slow = true;
          core_.Yield(round->holder);
        });
  }
  ++lines_[i].under_way;
  const absl::Time asked = core_.executor.clock().Now();
  extenders_[i]->Preempt(
      round->pod, round->candidates,
      [this, alive = core_.lifetime.Watch(), round, i, asked](auto answer) {
        if (alive.expired()) return;
        if (round->patience != 0) core_.executor.Cancel(std::exchange(round->patience, 0));
        Heard(i, asked);
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
  const size_t i = Next(first, &Extender::binds, *pod);
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
