#include "plugins/default_preemption/evictions.h"

#include <utility>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/json_value.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/time_text.h"
#include "base/structured_log.h"
#include "framework/cycle/metrics.h"
#include "framework/object_source.h"

namespace berth::plugins::default_preemption {
namespace {

using framework::PodInfo;
using framework::PodPtr;

constexpr absl::Duration kRetryPause = absl::Seconds(1);
constexpr int kInFlightMax = 16;

// DisruptionTarget, for all victims of a preemptor, up to its time.
std::string ConditionOf(const PodInfo& preemptor) {
  return fmt::format(
      R"("status":{{"conditions":[{{"type":"DisruptionTarget","status":"True",)"
      R"("reason":"PreemptionByScheduler","message":{},"lastTransitionTime":")",
      api::JsonQuoted(preemptor.scheduler_name +
                      ": preempting to accommodate a higher priority pod"));
}

// The status of a victim as a patch, by appending: it is made for each of them.
std::string DisruptionPatch(const PodInfo& victim, std::string_view condition, absl::Time now) {
  std::string patch = R"({"metadata":{"uid":)";
  patch.reserve(condition.size() + 160);
  patch += api::JsonQuoted(victim.uid);
  patch += "},";
  patch += condition;
  patch += api::TimeText(absl::ToUnixSeconds(now));
  patch += '"';
  if (const int64_t generation = victim.object().metadata().generation(); generation > 0) {
    patch += R"(,"observedGeneration":)" + std::to_string(generation);
  }
  patch += "}]}}";
  return patch;
}

}  // namespace

struct Evictions::Run {
  PodPtr preemptor;
  std::string node;
  std::vector<PodPtr> victims;
  std::string condition;  // see ConditionOf
  absl::Time began;
  size_t under_way = 0;
  bool last = false;    // the last one is being evicted
  bool failed = false;
  bool missed = false;  // the last one was gone already, and its end was not heard
};

Evictions::Evictions(framework::Handle& handle, std::string_view plugin)
    : handle_(handle), plugin_(plugin) {
  handle.OnPodEnding([this, alive = alive_.Watch()](const PodInfo& pod) {
    if (!alive.expired()) OnPodEnding(pod);
  });
}

void Evictions::Start(const PodPtr& preemptor,
                      const framework::PreemptionCandidate& candidate) {
  auto run = std::make_shared<Run>();
  run->preemptor = preemptor;
  run->node = candidate.node;
  run->began = handle_.executor().clock().Now();
  for (const PodPtr& victim : candidate.victims) {
    if (!victim->terminating) run->victims.push_back(victim);
  }
  if (run->victims.empty()) return;
  run->condition = ConditionOf(*preemptor);
  BERTH_INFO(2, "Start the preemption asynchronously", {"preemptor", preemptor->key},
             {"node", candidate.node}, {"numVictims", std::ssize(candidate.victims)});
  handle_.metrics().PreemptionVictims(std::ssize(candidate.victims));
  runs_[preemptor->uid] = run;
  for (const PodPtr& nominated : handle_.NominatedPods(candidate.node)) {
    if (nominated->priority < preemptor->priority) handle_.ClearNomination(nominated);
  }
  const size_t others = run->victims.size() - 1;
  run->under_way = others;
  if (others == 0) return OneIsDone(run);
  for (size_t i = 0; i < others; ++i) Evict(run, run->victims[i]);
}

bool Evictions::IsUnderWay(std::string_view preemptor_uid) const {
  auto it = runs_.find(preemptor_uid);
  if (it == runs_.end()) return false;
  const Run& run = *it->second;
  if (!run.last) return true;
  const PodPtr victim = handle_.FindPod(run.victims.back()->uid);
  return victim != nullptr && !victim->terminating;
}

void Evictions::Evict(const RunPtr& run, const PodPtr& victim) {
  if (framework::WaitingPod* waiting = handle_.FindWaitingPod(victim->uid)) {
    waiting->Preempt(plugin_, "preempted");
    Tell(*run, *victim, " (in kube-scheduler memory).");
    return OneIsDone(run);
  }
  waiting_.emplace_back(run, victim);
  Pump();
}

void Evictions::Pump() {
  while (in_flight_ < kInFlightMax && !waiting_.empty()) {
    const auto [run, victim] = std::move(waiting_.front());
    waiting_.pop_front();
    ++in_flight_;
    Mark(run, victim);
  }
}

void Evictions::Mark(const RunPtr& run, const PodPtr& victim) {
  handle_.sink().Patch(
      api::ResourceOf<api::core::Pod>(), victim->namespace_name, victim->name,
      DisruptionPatch(*victim, run->condition, handle_.executor().clock().Now()), "status",
      [this, alive = alive_.Watch(), run, victim](const absl::Status& status) {
        if (alive.expired()) return;
        if (!status.ok()) return Evicted(run, victim, status);
        Delete(run, victim);
      });
}

void Evictions::Delete(const RunPtr& run, const PodPtr& victim) {
  handle_.sink().Delete(api::ResourceOf<api::core::Pod>(), victim->namespace_name, victim->name,
                        victim->uid,
                        [this, alive = alive_.Watch(), run, victim](const absl::Status& status) {
                          if (!alive.expired()) Evicted(run, victim, status);
                        });
}

void Evictions::Evicted(const RunPtr& run, const PodPtr& victim, const absl::Status& status) {
  --in_flight_;
  if (status.ok() || absl::IsNotFound(status)) {  // gone already is as good
    BERTH_INFO(2,
               status.ok() ? "Preemptor Pod preempted victim Pod"
                           : "Victim Pod is already deleted",
               {"preemptor", run->preemptor->key}, {"victim", victim->key}, {"node", run->node});
    if (status.ok()) Tell(*run, *victim, "");
    if (!status.ok() && run->last) run->missed = true;
  } else {
    run->failed = true;
    BERTH_FAILURE(ToStd(status.message()), "Tried to preempted pod", {"pod", victim->key},
                  {"preemptor", run->preemptor->key});
  }
  OneIsDone(run);
  Pump();
}

void Evictions::Tell(const Run& run, const PodInfo& victim, std::string_view suffix) {
  handle_.sink().Event({.regarding = victim.shared_object(),
                        .related = run.preemptor->shared_object(),
                        .type = "Normal",
                        .reason = "Preempted",
                        .action = "Preempting",
                        .note = fmt::format("Preempted by pod {} on node {}{}",
                                            run.preemptor->uid, run.node, suffix),
                        .reporting_controller = run.preemptor->scheduler_name});
}

void Evictions::OneIsDone(const RunPtr& run) {
  if (run->under_way > 0 && --run->under_way > 0) return;
  if (run->failed || run->last) return End(run);
  run->last = true;
  run->under_way = 1;
  last_ones_[run->victims.back()->uid].push_back(run);
  if (!IsUnderWay(run->preemptor->uid)) handle_.GateMayOpen(run->preemptor->key);
  Evict(run, run->victims.back());
}

void Evictions::End(const RunPtr& run) {
  auto it = runs_.find(run->preemptor->uid);
  if (it != runs_.end() && it->second == run) runs_.erase(it);
  if (auto last = last_ones_.find(run->victims.back()->uid); last != last_ones_.end()) {
    std::erase(last->second, run);
    if (last->second.empty()) last_ones_.erase(last);
  }
  handle_.GateMayOpen(run->preemptor->key);
  handle_.metrics().PreemptionExecuted(run->failed,
                                       handle_.executor().clock().Now() - run->began);
  if (run->missed) handle_.Activate(std::span(&run->preemptor->key, 1));
  if (!run->failed) return;
  // Not at once, as upstream: a server that refuses would be asked without end.
  handle_.executor().PostAfter(kRetryPause, [this, alive = alive_.Watch(),
                                             key = run->preemptor->key] {
    if (!alive.expired()) handle_.Activate(std::span(&key, 1));
  });
}

void Evictions::OnPodEnding(const PodInfo& pod) {
  auto it = last_ones_.find(pod.uid);
  if (it == last_ones_.end()) return;
  for (const RunPtr& run : it->second) handle_.GateMayOpen(run->preemptor->key);
}

}  // namespace berth::plugins::default_preemption
