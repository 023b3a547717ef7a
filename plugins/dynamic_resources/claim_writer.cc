#include "plugins/dynamic_resources/claim_writer.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/json.h"
#include "api/json_value.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/log.h"
#include "framework/cycle/metrics.h"
#include "framework/object_source.h"
#include "framework/pod_info.h"
#include "plugins/dynamic_resources/binding_conditions.h"

namespace berth::plugins::dynamic_resources {
namespace {

using api::dra::ResourceClaim;

constexpr std::string_view kFinalizer = "resource.kubernetes.io/delete-protection";
constexpr int kMaxConflicts = 5;
// How long a change that made a write conflict may take to be seen here.
constexpr absl::Duration kConflictWait = absl::Seconds(1);
constexpr absl::Duration kPollPause = absl::Seconds(5);
constexpr absl::Duration kGiveBackPoll = absl::Milliseconds(50);

ClaimPtr AnswerOr(const framework::ObjectPtr& answer, const ClaimPtr& sent) {
  auto claim = std::dynamic_pointer_cast<const ResourceClaim>(answer);
  return claim != nullptr ? claim : sent;
}

}  // namespace

struct ClaimWriter::Run {
  std::shared_ptr<PodState> state;
  std::shared_ptr<const api::core::Pod> pod;
  std::string uid, name, scheduler, node;
  std::vector<ClaimPtr> pending;  // of each claim; null: allocated already
  framework::StatusDone done;
  std::optional<api::core::PodExtendedResourceClaimStatus> extended;
  size_t claim = 0;  // in work
  int conflicts = 0;
  int64_t waits = 0;         // after conflicts, of all its claims
  bool waiting = false;
  std::string turn;          // the uid of the claim in work, as turns_ knows it
  ClaimPtr tried;            // the claim that was written last
  bool cancelled = false;
  absl::Time awaiting_since;  // its devices' binding conditions
};

void ClaimWriter::Write(std::shared_ptr<PodState> state, const framework::PodInfo& pod,
                        std::string_view node_name, framework::StatusDone done) {
  auto run = std::make_shared<Run>();
  run->state = std::move(state);
  run->pod = pod.shared_object();
  run->uid = pod.uid;
  run->name = pod.name;
  run->scheduler = pod.scheduler_name;
  run->node = std::string(node_name);
  run->done = std::move(done);
  for (const PodClaim& held : run->state->claims) run->pending.push_back(held.pending);
  if (run->state->reserved != nullptr) run->extended = run->state->reserved->extended;
  runs_[run->uid] = run;
  NextClaim(run);
}

// What it was about to write is not in use any more.
ClaimWriter::~ClaimWriter() {
  for (const auto& [uid, run] : runs_) {
    for (const ClaimPtr& pending : run->pending) {
      if (pending != nullptr) store_.DropPending(pending);
    }
  }
}

void ClaimWriter::Cancel(std::string_view pod_uid) {
  const auto it = runs_.find(pod_uid);
  if (it == runs_.end()) return;
  it->second->cancelled = true;
  if (it->second->waiting) PostTryAgain(it->second);
}

// Of the claim in work.
const ClaimPtr& ClaimWriter::Pending(const Run& run) { return run.pending[run.claim]; }

void ClaimWriter::GiveBack(const ClaimPtr& claim, std::string_view pod_uid) {
  given_back_.Add(*claim, pod_uid);
  const auto& metadata = claim->metadata();
  handle_.sink().Patch(
      api::ResourceOf<ResourceClaim>(), metadata.namespace_(), metadata.name(),
      fmt::format(R"({{"metadata":{{"uid":{}}},"status":{{"reservedFor":)"
                  R"([{{"$patch":"delete","uid":{}}}]}}}})",
                  api::JsonQuoted(metadata.uid()), api::JsonQuoted(pod_uid)),
      "status",
      [this, alive = alive_.Watch(), claim, uid = std::string(pod_uid)](
          const absl::Status& status) {
        if (alive.expired()) return;
        const std::string key = KeyOf(*claim);
        if (status.ok()) return given_back_.Answered(*claim, uid, store_.Known(key));
        given_back_.Erase(*claim, uid);  // it has it still
        // Tried again when the pod's next attempt fails.
        BERTH_LOG(kError, "unreserve failed claim={} pod_uid={} err=\"{}\"", key, uid,
                  ToStd(status.message()));
      });
}

void ClaimWriter::Finish(const RunPtr& run, framework::Status status) {
  const auto it = runs_.find(run->uid);
  if (it != runs_.end() && it->second == run) runs_.erase(it);
  run->done(std::move(status));
}

bool ClaimWriter::HasReservation(const Run& run, const ClaimPtr& held) const {
  const ResourceClaim& claim = *held;
  return IsReservedFor(claim, run.uid) && IsReservedFor(*Newest(held), run.uid) &&
         !given_back_.Has(claim, run.uid);
}

// The claim in work is as it should be.
bool ClaimWriter::NothingToWrite(const Run& run) const {
  const PodClaim& held = run.state->claims[run.claim];
  if (held.extended) return Pending(run) == nullptr;  // the node offers everything by itself
  return HasReservation(run, held.claim);
}

void ClaimWriter::NextClaim(const RunPtr& run) {
  const auto& claims = run->state->claims;
  while (run->claim < claims.size() && NothingToWrite(*run)) ++run->claim;
  if (run->claim >= claims.size()) return AwaitDevices(run);
  if (given_back_.IsUnanswered(*claims[run->claim].claim, run->uid)) {
    handle_.executor().PostAfter(kGiveBackPoll, [this, alive = alive_.Watch(), run] {
      if (!alive.expired()) NextClaim(run);
    });
    return;
  }
  run->conflicts = 0;
  run->turn = claims[run->claim].claim->metadata().uid();
  std::deque<RunPtr>& turns = turns_[run->turn];
  turns.push_back(run);
  if (turns.size() == 1) Begin(run);
}

void ClaimWriter::Begin(const RunPtr& run) {
  const ClaimPtr& claim = run->state->claims[run->claim].claim;
  if (IsInMemory(*claim)) return CreateClaim(run);
  WriteClaim(run, Newest(claim));
}

void ClaimWriter::Leave(const RunPtr& run) {
  const auto it = turns_.find(run->turn);
  it->second.pop_front();
  if (it->second.empty()) {
    turns_.erase(it);
    return;
  }
  handle_.executor().Post([this, alive = alive_.Watch(), next = it->second.front()] {
    if (!alive.expired()) Begin(next);
  });
}

ClaimPtr ClaimWriter::Newest(const ClaimPtr& claim) const {
  const auto& metadata = claim->metadata();
  ClaimPtr newest = store_.Get(metadata.namespace_(), metadata.name());
  return newest != nullptr && newest->metadata().uid() == metadata.uid() ? newest : claim;
}

void ClaimWriter::CreateClaim(const RunPtr& run) {
  auto made = std::make_shared<ResourceClaim>(*Pending(*run));
  made->clear_status();
  made->mutable_metadata()->clear_name();
  made->mutable_metadata()->clear_uid();
  handle_.sink().Create(
      api::ResourceOf<ResourceClaim>(), made,
      [this, alive = alive_.Watch(), run](const absl::Status& status,
                                          const framework::ObjectPtr& answer) {
        if (alive.expired()) return;
        const auto claim = std::dynamic_pointer_cast<const ResourceClaim>(answer);
        if (!status.ok() || claim == nullptr) {
          return GiveUp(run, fmt::format("create claim for extended resources {}/: {}",
                                         run->pod->metadata().namespace_(),
                                         status.ok() ? "no answer" : ToStd(status.message())));
        }
        run->state->claims[run->claim].claim = claim;
        store_.Assume(claim);
        WriteClaim(run, claim);
      });
}

void ClaimWriter::WriteClaim(const RunPtr& run, const ClaimPtr& claim) {
  run->tried = claim;
  const bool allocate = Pending(*run) != nullptr;
  const std::string key = KeyOf(*claim);
  if (claim->metadata().has_deletion_timestamp()) {
    return Failed(run, absl::FailedPreconditionError(
                           fmt::format("claim {} got deleted in the meantime", key)), {});
  }
  if (allocate && claim->status().has_allocation()) {
    return Failed(run, absl::FailedPreconditionError(fmt::format(
                           "claim {} got allocated elsewhere in the meantime", key)), {});
  }
  const auto& finalizers = claim->metadata().finalizers();
  const bool protected_already =
      std::find(finalizers.begin(), finalizers.end(), kFinalizer) != finalizers.end();
  if (allocate && !protected_already) return WriteFinalizer(run, claim);
  WriteStatus(run, claim);
}

void ClaimWriter::WriteFinalizer(const RunPtr& run, const ClaimPtr& claim) {
  auto changed = std::make_shared<ResourceClaim>(*claim);
  changed->mutable_metadata()->add_finalizers(std::string(kFinalizer));
  handle_.sink().Update(
      api::ResourceOf<ResourceClaim>(), changed, {},
      [this, alive = alive_.Watch(), run, changed](const absl::Status& status,
                                                   const framework::ObjectPtr& answer) {
        if (alive.expired()) return;
        if (!status.ok()) return Failed(run, status, "add finalizer to");
        const ClaimPtr newer = AnswerOr(answer, changed);
        store_.Assume(newer);
        run->tried = newer;
        WriteStatus(run, newer);
      });
}

void ClaimWriter::WriteStatus(const RunPtr& run, const ClaimPtr& claim) {
  if (run->cancelled) return Failed(run, absl::CancelledError("cancelled"), {});
  auto changed = std::make_shared<ResourceClaim>(*claim);
  if (Pending(*run) != nullptr) {
    *changed->mutable_status()->mutable_allocation() = Pending(*run)->status().allocation();
  }
  if (!changed->status().has_allocation()) {
    return Failed(run, absl::FailedPreconditionError(fmt::format(
                           "claim {} got deallocated elsewhere in the meantime", KeyOf(*claim))),
                  {});
  }
  auto& allocation = *changed->mutable_status()->mutable_allocation();
  if (!allocation.has_allocation_timestamp()) {
    allocation.mutable_allocation_timestamp()->set_seconds(
        absl::ToUnixSeconds(handle_.executor().clock().Now()));
  }
  if (!IsReservedFor(*changed, run->uid)) {  // else: given back, and what is seen is older
    auto& consumer = *changed->mutable_status()->add_reserved_for();
    consumer.set_resource("pods");
    consumer.set_name(run->name);
    consumer.set_uid(run->uid);
  }
  const std::string_view what =
      Pending(*run) != nullptr ? "add allocation and reservation to" : "add reservation to";
  handle_.sink().Update(
      api::ResourceOf<ResourceClaim>(), changed, "status",
      [this, alive = alive_.Watch(), run, changed, what](const absl::Status& status,
                                                         const framework::ObjectPtr& answer) {
        if (alive.expired()) return;
        if (!status.ok()) return Failed(run, status, what);
        Written(run, AnswerOr(answer, changed));
      });
}

void ClaimWriter::Written(const RunPtr& run, ClaimPtr claim) {
  given_back_.Erase(*claim, run->uid);
  PodClaim& held = run->state->claims[run->claim];
  held.claim = claim;
  store_.Assume(claim);  // first: its devices stay in use
  if (Pending(*run) != nullptr) store_.DropPending(Pending(*run));
  Leave(run);
  if (held.extended && !run->cancelled) return NameInPod(run);
  if (!run->cancelled) {
    ++run->claim;
    return NextClaim(run);
  }
  if (held.extended) {
    Delete(claim, [](const framework::Status&) {});
  } else {
    GiveBack(claim, run->uid);
  }
  Finish(run, framework::Error("cancelled"));
}

// The pod's status says which claim its extended resources are in.
void ClaimWriter::NameInPod(const RunPtr& run) {
  api::core::PodExtendedResourceClaimStatus status = *run->extended;
  status.set_resource_claim_name(run->state->claims[run->claim].claim->metadata().name());
  std::string json;
  api::PrintJson(status, json);
  const std::string& ns = run->pod->metadata().namespace_();
  handle_.sink().Patch(
      api::ResourceOf<api::core::Pod>(), ns, run->name,
      fmt::format(R"({{"metadata":{{"uid":{}}},"status":{{"extendedResourceClaimStatus":{}}}}})",
                  api::JsonQuoted(run->uid), json),
      "status", [this, alive = alive_.Watch(), run](const absl::Status& answer) {
        if (alive.expired()) return;
        if (answer.ok()) {
          ++run->claim;
          return NextClaim(run);
        }
        Finish(run, framework::Error(fmt::format(
                        "update pod {}/{} ExtendedResourceClaimStatus: {}",
                        run->pod->metadata().namespace_(), run->name, ToStd(answer.message()))));
      });
}

// what: "add finalizer to"; empty: the status says everything.
void ClaimWriter::Failed(const RunPtr& run, const absl::Status& status, std::string_view what) {
  const ClaimPtr claim = run->state->claims[run->claim].claim;
  std::string problem(ToStd(status.message()));
  if (!what.empty()) problem = fmt::format("{} claim {}: {}", what, KeyOf(*claim), problem);
  if (!api::IsConflict(status) || ++run->conflicts >= kMaxConflicts || run->cancelled) {
    return GiveUp(run, std::move(problem));
  }
  run->waiting = true;
  ++run->waits;
  // Either it is known by now what was in the way, or the source will show it before long.
  if (HasChanged(*run->tried)) return PostTryAgain(run);
  conflicting_[KeyOf(*claim)] = run;
  PostTryAgain(run, kConflictWait);
}

void ClaimWriter::PostTryAgain(const RunPtr& run, absl::Duration after) {
  handle_.executor().PostAfter(after, [this, alive = alive_.Watch(), run, wait = run->waits] {
    if (!alive.expired() && run->waiting && run->waits == wait) TryAgain(run);
  });
}

// What is known of the claim is not that any more.
bool ClaimWriter::HasChanged(const ResourceClaim& claim) const {
  const ClaimPtr known = store_.Known(KeyOf(claim));
  return known == nullptr || known->metadata().uid() != claim.metadata().uid() ||
         known->metadata().resource_version() != claim.metadata().resource_version();
}

void ClaimWriter::OnClaimChange(const std::string& key) {
  given_back_.Seen(key, store_.Known(key));
  const auto it = conflicting_.find(key);
  if (it == conflicting_.end()) return;
  // Else: heard late of what had been tried already.
  if (!HasChanged(*it->second->tried)) return;
  PostTryAgain(it->second);
  conflicting_.erase(it);
}

void ClaimWriter::TryAgain(const RunPtr& run) {
  run->waiting = false;
  const ClaimPtr claim = run->state->claims[run->claim].claim;
  const auto waiting = conflicting_.find(KeyOf(*claim));
  if (waiting != conflicting_.end() && waiting->second == run) conflicting_.erase(waiting);
  if (run->cancelled) return GiveUp(run, "cancelled");
  const ClaimPtr newest = store_.Get(claim->metadata().namespace_(), claim->metadata().name());
  if (newest != nullptr && newest->metadata().uid() == claim->metadata().uid()) {
    return WriteClaim(run, newest);
  }
  GiveUp(run, fmt::format("get updated claim {} after conflict: not found", KeyOf(*claim)));
}

void ClaimWriter::GiveUp(const RunPtr& run, std::string problem) {
  if (Pending(*run) != nullptr) store_.DropPending(Pending(*run));
  Leave(run);
  const PodClaim& held = run->state->claims[run->claim];
  // Whoever cancelled may have looked before it was made.
  if (run->cancelled && held.extended && !IsInMemory(*held.claim)) {
    Delete(held.claim, [](const framework::Status&) {});
  }
  Finish(run, framework::Error(std::move(problem)));
}

// --- deleting -----------------------------------------------------------------------------------

struct ClaimWriter::Deletion {
  ClaimPtr claim;
  framework::StatusDone done;
  int conflicts = 0;

  void Failed(std::string problem) {
    BERTH_LOG(kError, "delete failed claim={} err=\"{}\"", KeyOf(*claim), problem);
    done(framework::Error(std::move(problem)));
  }
};

void ClaimWriter::Delete(const ClaimPtr& claim, framework::StatusDone done) {
  auto deletion = std::make_shared<Deletion>();
  deletion->claim = claim;
  deletion->done = std::move(done);
  RemoveFinalizer(deletion);
}

void ClaimWriter::RemoveFinalizer(const std::shared_ptr<Deletion>& deletion) {
  const ClaimPtr newest = Newest(deletion->claim);
  auto changed = std::make_shared<ResourceClaim>(*newest);
  auto& finalizers = *changed->mutable_metadata()->mutable_finalizers();
  const auto ours = std::find(finalizers.begin(), finalizers.end(), kFinalizer);
  if (ours == finalizers.end()) return DeleteNow(deletion);
  finalizers.erase(ours);
  handle_.sink().Update(
      api::ResourceOf<ResourceClaim>(), changed, {},
      [this, alive = alive_.Watch(), deletion](const absl::Status& status,
                                               const framework::ObjectPtr&) {
        if (alive.expired()) return;
        if (status.ok() || api::IsNotFound(status)) return DeleteNow(deletion);
        if (!api::IsConflict(status) || ++deletion->conflicts >= kMaxConflicts) {
          return deletion->Failed(fmt::format("update resourceclaim {}: {}",
                                              KeyOf(*deletion->claim), ToStd(status.message())));
        }
        handle_.executor().PostAfter(kConflictWait, [this, alive, deletion] {
          if (!alive.expired()) RemoveFinalizer(deletion);
        });
      });
}

void ClaimWriter::DeleteNow(const std::shared_ptr<Deletion>& deletion) {
  const auto& metadata = deletion->claim->metadata();
  handle_.sink().Delete(api::ResourceOf<ResourceClaim>(), metadata.namespace_(), metadata.name(),
                        metadata.uid(),
                        [this, alive = alive_.Watch(), deletion](const absl::Status& status) {
                          if (alive.expired()) return;
                          if (!status.ok() && !api::IsNotFound(status)) {
                            return deletion->Failed(std::string(ToStd(status.message())));
                          }
                          store_.Forget(deletion->claim);
                          deletion->done(framework::Success());
                        });
}

// --- waiting for devices ------------------------------------------------------------------------

void ClaimWriter::AwaitDevices(const RunPtr& run) {
  const auto& claims = run->state->claims;
  if (std::none_of(claims.begin(), claims.end(), [](const PodClaim& held) {
        return HasBindingConditions(*held.claim);
      })) {
    return Finish(run, framework::Success());
  }
  handle_.sink().Event(
      {.regarding = run->pod,
       .related = nullptr,
       .type = "Normal",
       .reason = "BindingConditionsPending",
       .action = "Scheduling",
       .note = fmt::format("waiting for binding conditions for device on node {}", run->node),
       .reporting_controller = run->scheduler});
  run->awaiting_since = handle_.executor().clock().Now();
  LookAtDevices(run);
}

// Tells how the wait for the devices of each driver went: "success", "failure", "timeout".
void ClaimWriter::DevicesAwaited(const RunPtr& run, std::string_view result,
                                 framework::Status status) {
  std::set<std::string> drivers;
  for (const PodClaim& held : run->state->claims) {
    for (const auto& device : held.claim->status().allocation().devices().results()) {
      if (!device.binding_conditions().empty()) drivers.insert(device.driver());
    }
  }
  const absl::Duration waited = handle_.executor().clock().Now() - run->awaiting_since;
  for (const std::string& driver : drivers) {
    handle_.metrics().DeviceConditionsAwaited(run->scheduler, driver, result, waited);
  }
  Finish(run, std::move(status));
}

void ClaimWriter::LookAtDevices(const RunPtr& run) {
  const absl::Time now = handle_.executor().clock().Now();
  for (const PodClaim& held : run->state->claims) {
    if (!HasBindingConditions(*held.claim)) continue;
    const std::string key = KeyOf(*held.claim);
    const ClaimPtr newest = store_.Known(key);
    if (newest == nullptr || newest->metadata().uid() != held.claim->metadata().uid()) {
      return DevicesAwaited(run, "failure",
                            framework::Error(fmt::format("claim {} is gone", key)));
    }
    const Readiness readiness = ReadinessOf(*newest, now, binding_timeout_);
    if (!readiness.problem.empty()) {
      return DevicesAwaited(run, readiness.timed_out ? "timeout" : "failure",
                            framework::Error(readiness.problem));
    }
    if (!readiness.ready) return LookAgain(run, key, now);
  }
  DevicesAwaited(run, "success", framework::Success());
}

// The claim of that key is not ready, and may say nothing of when it was allocated.
void ClaimWriter::LookAgain(const RunPtr& run, const std::string& key, absl::Time now) {
  if (run->cancelled) {
    return DevicesAwaited(run, "failure",
                          framework::Error("cancelled while waiting for binding conditions"));
  }
  const absl::Duration left = run->awaiting_since + binding_timeout_ - now;
  if (left <= absl::ZeroDuration()) {
    return DevicesAwaited(run, "timeout", framework::Error(NotReadyInTime(key)));
  }
  handle_.executor().PostAfter(std::min(kPollPause, left), [this, alive = alive_.Watch(), run] {
    if (!alive.expired()) LookAtDevices(run);
  });
}

}  // namespace berth::plugins::dynamic_resources
