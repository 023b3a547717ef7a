#include "framework/cycle/pod_group_cycle.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/json_value.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/scheduling_v1alpha2.pb.h"
#include "api/time_text.h"
#include "base/log.h"
#include "base/structured_log.h"
#include "framework/cycle/binding_cycle.h"
#include "framework/cycle/failure.h"
#include "framework/cycle/pod_group_pass.h"
#include "framework/cycle/scheduling_cycle.h"

namespace berth::framework {
namespace {

using api::gang::PodGroup;

class GroupCycle : public std::enable_shared_from_this<GroupCycle> {
 public:
  GroupCycle(EngineCore& core, std::string namespace_name, std::string group)
      : core_(core), namespace_(std::move(namespace_name)), group_(std::move(group)) {}

  void Run(QueueEntryPtr first) {
    began_ = core_.executor.clock().Now();
    Gather(std::move(first));
    BERTH_INFO(3, "Attempting to schedule pod group", {"podGroup", namespace_ + "/" + group_});
    core_.counts.attempts += std::ssize(entries_);
    if (!CheckScheduler()) return;
    std::erase_if(entries_, [&](const QueueEntryPtr& entry) {
      if (!SkipPod(core_, *entry->pod)) return false;
      core_.queue->Done(entry->pod->uid);
      return true;
    });
    if (entries_.empty()) return;
    core_.cache.UpdateSnapshot(core_.snapshot);
    core_.Hold(this, /*firmly=*/true);
    if (core_.options.pod_groups.topology_aware) {
      TryPlacements();
    } else {
      TryAnywhere();
    }
  }

 private:
  // The group's waiting pods, as they are to be tried.
  void Gather(QueueEntryPtr first) {
    entries_.push_back(std::move(first));
    for (const auto& pod : core_.pod_groups.MembersOf(namespace_, group_).waiting) {
      const api::meta::ObjectMeta& metadata = pod->metadata();
      QueueEntryPtr entry = core_.queue->PopOne(metadata.namespace_() + "/" + metadata.name(),
                                                metadata.uid());
      if (entry) entries_.push_back(std::move(entry));
    }
    std::stable_sort(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) {
      if (a->pod->priority != b->pod->priority) return a->pod->priority > b->pod->priority;
      return a->initial_attempt_timestamp < b->initial_attempt_timestamp;
    });
  }

  bool CheckScheduler() {
    const std::string& name = entries_.front()->pod->scheduler_name;
    for (const QueueEntryPtr& entry : entries_) {
      const std::string& other = entry->pod->scheduler_name;
      if (other == name) continue;
      FailAll(Error(fmt::format("all pods in a single pod group should have the same "
                                ".spec.schedulerName set, got: {} and {}",
                                api::GoQuoted(name), api::GoQuoted(other))));
      return false;
    }
    unit_ = core_.UnitOf(name);
    if (unit_ == nullptr) {
      FailAll(Error(fmt::format("profile not found for scheduler name {}", api::GoQuoted(name))));
    }
    return unit_ != nullptr;
  }

  void FailAll(const Status& status) {
    for (QueueEntryPtr& entry : entries_) Fail(std::move(entry), status, began_, ClearNomination());
  }

  // only: lives until the pass is over; null: all nodes.
  std::shared_ptr<PodGroupPass> NewPass(const Algorithm::Nodes* only) const {
    return std::make_shared<PodGroupPass>(core_, *unit_, Pods(), only);
  }

  std::vector<PodPtr> Pods() const {
    std::vector<PodPtr> pods;
    for (const QueueEntryPtr& entry : entries_) pods.push_back(entry->pod);
    return pods;
  }

  void TryAnywhere() {
    NewPass(nullptr)->Run([self = shared_from_this()](PodGroupResult result) {
      self->result_ = std::move(result);
      self->End();
    });
  }

  // --- placements -------------------------------------------------------------------------------

  void TryPlacements() {
    const std::vector<PodPtr> group = Pods();
    Placement everywhere;
    for (const NodeInfo* node : core_.snapshot.nodes()) {
      everywhere.node_names.emplace_back(node->name());
    }
    placements_ = {everywhere};
    if (!unit_->profile->placement_generate.empty()) {
      placements_.clear();
      result_.status = unit_->profile->placement_generate.front().plugin->GeneratePlacements(
          state_, group, everywhere, placements_);
      if (result_.status.ok() && placements_.empty()) {
        result_.status = Unschedulable("no feasible placements found");
      }
      if (!result_.status.ok()) return End();
    }
    TryNextPlacement();
  }

  // In a loop, so that placements that are tried at once do not nest.
  void TryNextPlacement() {
    if (looping_) return;
    looping_ = true;
    while (!trying_ && next_ < placements_.size()) {
      trying_ = true;
      nodes_.clear();
      for (const std::string& name : placements_[next_].node_names) {
        if (const NodeInfo* node = core_.snapshot.Find(name)) nodes_.push_back(node);
      }
      std::sort(nodes_.begin(), nodes_.end(),
                [](const NodeInfo* a, const NodeInfo* b) { return a->index < b->index; });
      NewPass(&nodes_)->Run([self = shared_from_this()](PodGroupResult result) {
        self->Tried(std::move(result));
      });
    }
    looping_ = false;
    if (!trying_ && !ended_) ChoosePlacement();
  }

  void Tried(PodGroupResult result) {
    trying_ = false;
    const size_t placement = next_++;
    if (!result.status.ok() && !result.status.IsRejected()) {
      next_ = placements_.size();
      ended_ = true;
      result_ = std::move(result);
      return End();
    }
    // Of those that do not do only the first is ever told.
    if (result.status.ok() || result.waits_for_preemption || placement == 0) {
      tried_.emplace_back(placement, std::move(result));
    }
    TryNextPlacement();
  }

  void ChoosePlacement() {
    ended_ = true;
    std::vector<size_t> feasible;
    for (size_t i = 0; i < tried_.size(); ++i) {
      const PodGroupResult& result = tried_[i].second;
      if (result.status.ok() || result.waits_for_preemption) feasible.push_back(i);
    }
    if (feasible.empty()) {
      result_ = std::move(tried_.front().second);
      result_.status = Unschedulable(
          fmt::format("0/{} placements are available, first placement status: {}",
                      placements_.size(), result_.status.Message()));
      return End();
    }
    size_t best = feasible.front();
    if (feasible.size() > 1) {
      const Status status = BestOf(feasible, best);
      if (!status.ok()) {
        result_.status = status;
        return End();
      }
    }
    result_ = std::move(tried_[best].second);
    End();
  }

  // By the sum of the weighted scores; one of the equals at random.
  Status BestOf(const std::vector<size_t>& feasible, size_t& best) {
    const std::vector<PodPtr> group = Pods();
    std::vector<int64_t> totals(feasible.size());
    for (const auto& entry : unit_->profile->placement_score) {
      std::vector<PlacementScore> scores;
      for (const size_t i : feasible) {
        std::vector<PodPtr> proposed;
        const auto& [place, result] = tried_[i];
        for (const PodGroupOutcome& outcome : result.outcomes) {
          if (outcome.proposed) proposed.push_back(outcome.proposed);
        }
        const Scored scored =
            entry.plugin->ScorePlacement(state_, group, placements_[place], proposed);
        if (!scored.status.ok()) return scored.status;
        scores.push_back({&placements_[place], scored.score});
      }
      const Status status = entry.plugin->NormalizePlacementScores(state_, group, scores);
      if (!status.ok()) return status;
      for (size_t n = 0; n < scores.size(); ++n) totals[n] += scores[n].score * entry.weight;
    }
    const int64_t most = *std::max_element(totals.begin(), totals.end());
    std::vector<size_t> tied;
    for (size_t n = 0; n < totals.size(); ++n) {
      if (totals[n] == most) tied.push_back(feasible[n]);
    }
    best = tied[core_.random.Below(tied.size())];
    return Success();
  }

  // --- what it comes to -------------------------------------------------------------------------

  void End() {
    core_.LetGo(this);
    if (core_.metrics.WantsDurations()) {
      core_.metrics.SchedulingAlgorithm(core_.executor.clock().Now() - began_);
    }
    const bool failed = !result_.status.ok() && !result_.status.IsRejected();
    for (size_t i = 0; i < entries_.size(); ++i) {
      PodGroupOutcome* outcome =
          i < result_.outcomes.size() ? &result_.outcomes[i] : nullptr;
      if (outcome == nullptr) {
        Fail(std::move(entries_[i]), result_.status, began_, ClearNomination());
      } else if (failed) {
        const bool own = !outcome->status.ok() && !outcome->status.IsRejected();
        Fail(std::move(entries_[i]), own ? outcome->status : result_.status, outcome->began,
             ClearNomination());
      } else {
        Submit(std::move(entries_[i]), *outcome);
      }
    }
    PatchCondition();
    core_.Kick();
  }

  void Submit(QueueEntryPtr entry, PodGroupOutcome& outcome) {
    const bool has_node = outcome.status.ok() || outcome.requires_preemption;
    if (outcome.status.ok() && result_.status.ok()) return Bind(std::move(entry), outcome);
    if (has_node && !result_.waits_for_preemption) {
      return Fail(std::move(entry), PodGroupUnschedulable(outcome.permit.Message()),
                  outcome.began, ClearNomination());
    }
    if (outcome.status.ok()) {
      return Fail(std::move(entry), result_.status, outcome.began,
                  NominatingInfo{NominatingInfo::Mode::kOverride, outcome.node});
    }
    if (core_.on_decision) core_.on_decision(entry->pod->key, {});
    HandleFailure(core_, std::move(entry),
                  {.status = outcome.status,
                   .message = outcome.message,
                   .diagnosis = outcome.diagnosis ? &*outcome.diagnosis : nullptr,
                   .nominating = outcome.nominating,
                   .attempt_began = outcome.began});
  }

  void Bind(QueueEntryPtr entry, PodGroupOutcome& outcome) {
    auto cycle = std::make_unique<BindingCycle>();
    cycle->unit = unit_;
    cycle->attempt_began = outcome.began;
    cycle->state = std::move(outcome.state);
    cycle->state.pod_group_cycle = PodGroupCycle::kSubmit;
    cycle->node_name = outcome.node;
    cycle->assumed = PodInfo::Assigned(entry->pod, outcome.node);
    if (!StillWanted(core_, *entry->pod)) return core_.queue->Done(entry->pod->uid);
    cycle->entry = std::move(entry);
    if (core_.on_decision) core_.on_decision(cycle->assumed->key, cycle->node_name);
    Place(core_, std::move(cycle));
  }

  void Fail(QueueEntryPtr entry, const Status& status, absl::Time began,
            std::optional<NominatingInfo> nominating) {
    if (core_.on_decision) core_.on_decision(entry->pod->key, {});
    HandleFailure(core_, std::move(entry),
                  {.status = status,
                   .message = status.Message(),
                   .diagnosis = nullptr,
                   .nominating = std::move(nominating),
                   .attempt_began = began});
  }

  // PodGroupScheduled; once True it stays so.
  void PatchCondition() {
    const api::Resource& resource = api::ResourceOf<PodGroup>();
    const ObjectPtr held = core_.source.Get(resource, namespace_, group_);
    if (held == nullptr) return;
    const auto& object = static_cast<const PodGroup&>(*held);
    const std::string_view wanted = result_.status.ok() ? "True" : "False";
    std::string_view reason = "Scheduled";
    if (!result_.status.ok()) {
      reason = result_.status.IsRejected() ? "Unschedulable" : "SchedulerError";
    }
    const std::string message = result_.status.Message();
    const int64_t generation = object.metadata().generation();
    absl::Time since = core_.executor.clock().Now();
    for (const auto& condition : object.status().conditions()) {
      if (condition.type() != "PodGroupScheduled") continue;
      const bool same = condition.status() == wanted;
      if (!same && condition.status() == "True") return;
      if (same && condition.reason() == reason && condition.message() == message &&
          condition.observed_generation() == generation) {
        return;
      }
      if (same) since = absl::FromUnixSeconds(condition.last_transition_time().seconds());
    }
    core_.sink.Patch(
        resource, namespace_, group_,
        fmt::format(R"({{"status":{{"conditions":[{{"type":"PodGroupScheduled","status":"{}",)"
                    R"("observedGeneration":{},"lastTransitionTime":"{}","reason":"{}",)"
                    R"("message":{}}}]}}}})",
                    wanted, generation, api::TimeText(absl::ToUnixSeconds(since)), reason,
                    api::JsonQuoted(message)),
        "status", [key = namespace_ + "/" + group_](const absl::Status& status) {
          if (status.ok()) return;
          BERTH_LOG(kError, "pod group status patch failed podGroup={} err=\"{}\"", key,
                    ToStd(status.message()));
        });
  }

  EngineCore& core_;
  const std::string namespace_, group_;
  ProfileUnit* unit_ = nullptr;
  absl::Time began_;
  std::vector<QueueEntryPtr> entries_;
  CycleState state_;  // of the group
  std::vector<Placement> placements_;
  size_t next_ = 0;             // the placement that is tried, or is to be
  bool looping_ = false, trying_ = false, ended_ = false;
  Algorithm::Nodes nodes_;      // of it
  std::vector<std::pair<size_t, PodGroupResult>> tried_;  // by placement
  PodGroupResult result_;
};

}  // namespace

void SchedulePodGroup(EngineCore& core, QueueEntryPtr entry) {
  const PodPtr pod = entry->pod;
  std::make_shared<GroupCycle>(core, pod->namespace_name, std::string(PodGroupOf(*pod)))
      ->Run(std::move(entry));
}

}  // namespace berth::framework
