#include "plugins/dynamic_resources/dynamic_resources.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "api/resource_table.h"
#include "api/schema/core_v1_pod.pb.h"
#include "framework/handle.h"
#include "framework/pod_info.h"
#include "framework/snapshot.h"
#include "plugins/dynamic_resources/binding_conditions.h"
#include "plugins/dynamic_resources/queueing_hints.h"

namespace berth::plugins::dynamic_resources {
namespace {

using api::dra::ResourceClaim;
using framework::CycleState;
using framework::NodeInfo;
using framework::PodInfo;
using framework::Status;
using Kind = AllocationOutcome::Kind;

constexpr framework::StateKey kState{"DynamicResources"};
constexpr int64_t kMaxAlternatives = 8;  // of a request
constexpr int64_t kLongSearch = 10'000;  // steps

bool HasClaims(const PodInfo& pod) { return pod.object().spec().resource_claims_size() > 0; }

// Null: PreFilter was not reached.
std::shared_ptr<PodState> StateOf(const CycleState& state) {
  const auto* held = state.Read<StateHolder>(kState);
  return held == nullptr ? nullptr : held->state;
}
// The same for calls that are made for each node.
PodState* PeekState(const CycleState& state) {
  const auto* held = state.Read<StateHolder>(kState);
  return held == nullptr ? nullptr : held->state.get();
}

Status NotFound() { return framework::Error("not found"); }

// The claim that PostFilter would give up; null: none.
ClaimPtr InTheWay(PodState& state, const PodInfo& pod) {
  for (size_t i : state.Unavailable()) {
    const ClaimPtr& claim = state.claims[i].claim;
    if (state.claims[i].extended) continue;
    const auto& consumers = claim->status().reserved_for();
    if (consumers.empty() || (consumers.size() == 1 && consumers[0].uid() == pod.uid)) {
      return claim;
    }
  }
  return nullptr;
}

// The claim of an attempt that failed; null: none.
ClaimPtr LeftOver(PodState& state) {
  const PodClaim* extended = state.ExtendedClaim();
  return extended == nullptr || IsInMemory(*extended->claim) ? nullptr : extended->claim;
}

// What PostFilter says when there is nothing to give up.
Status NothingToRelease(const PodState& state) {
  return framework::Unschedulable(state.claims.empty() ? "no new claims to deallocate"
                                                       : "still not schedulable");
}

Status Released() { return framework::Unschedulable("deallocation of ResourceClaim completed"); }
Status Deleted() { return framework::Unschedulable("deletion of ResourceClaim completed"); }

Status StatusOf(Kind kind, const std::string& problem, const NodeInfo& node) {
  switch (kind) {
    case Kind::kAllocated:
      return framework::Success();
    case Kind::kImpossible:
      return framework::Unresolvable(DynamicResources::kReasonCannotAllocate);
    case Kind::kInvalidPools:
      return framework::Unresolvable("invalid resource pools were encountered");
    case Kind::kTimedOut:
      return framework::Error(
          fmt::format("node {}: timed out trying to allocate devices", node.name()));
    case Kind::kFailed:
      break;
  }
  return framework::Error(problem);
}

int64_t ScoreOf(const PreparedClaim& claim, const api::dra::AllocationResult& allocation) {
  int64_t score = 0;
  for (const RequestChoices& choices : claim.requests) {
    if (!choices.has_list) continue;
    for (size_t i = 0; i < choices.alternatives.size(); ++i) {
      const std::string name = choices.alternatives[i].FullName();
      const auto& results = allocation.devices().results();
      if (std::any_of(results.begin(), results.end(),
                      [&](const auto& result) { return result.request() == name; })) {
        score += kMaxAlternatives - static_cast<int64_t>(i);
        break;
      }
    }
  }
  return score;
}

int64_t ScoreOf(const Plan& plan, const AllocationOutcome& outcome) {
  int64_t score = 0;
  for (size_t i = 0; i < outcome.results.size(); ++i) {
    score += ScoreOf(plan.prepared.claims[i], outcome.results[i]);
  }
  return score;
}

}  // namespace

DynamicResources::DynamicResources(const DynamicResourcesArgs& args, framework::Handle& handle)
    : handle_(handle),
      filter_timeout_(args.filter_timeout.value_or(absl::Seconds(10))),
      binding_timeout_(args.binding_timeout.value_or(absl::Seconds(600))),
      inventory_(Inventory::Of(handle)),
      store_(inventory_->claims()),
      writer_(handle, store_, binding_timeout_),
      gates_([this](std::string_view pod) { handle_.GateMayOpen(pod); }) {
  inventory_->Track();
  store_.Listen(alive_.Watch(), [this](const std::string& claim) { gates_.Changed(claim); });
  // Results of pods that request extended resources were shared while no class stood for these.
  inventory_->WhenOffersChange(alive_.Watch(), [this] { handle_.InvalidateAll(kName); });
}

// --- before filtering --------------------------------------------------------------------------

Status DynamicResources::PreEnqueue(const PodInfo& pod) {
  if (!HasClaims(pod)) return framework::Success();
  const PodClaims held = ClaimsOf(pod.object(), store_.Finder());
  if (held.problem.empty()) return framework::Success();
  if (!held.waits_for.empty()) gates_.Wait(held.waits_for, pod.key);
  return framework::Unresolvable(held.problem);
}

Status DynamicResources::CheckClasses(const ResourceClaim& claim) const {
  const auto check = [this](const std::string& request, const std::string& name) {
    if (name.empty()) {
      return framework::Error(fmt::format("request {}: unsupported request type", request));
    }
    if (inventory_->classes().Find(name) != nullptr) return framework::Success();
    return framework::Unresolvable(
        fmt::format("request {}: device class {} does not exist", request, name));
  };
  for (const auto& request : claim.spec().devices().requests()) {
    if (request.has_exactly()) {
      Status status = check(request.name(), request.exactly().device_class_name());
      if (!status.ok()) return status;
    } else if (request.first_available().empty()) {
      return framework::Unresolvable(
          fmt::format("resource claim {}, request {}: unknown request type", KeyOf(claim),
                      request.name()));
    }
    for (const auto& alternative : request.first_available()) {
      Status status = check(request.name() + "/" + alternative.name(),
                            alternative.device_class_name());
      if (!status.ok()) return status;
    }
  }
  return framework::Success();
}

bool DynamicResources::WantsFromClasses(const PodInfo& pod) const {
  return !pod.requests.scalars.empty() && handle_.device_features().extended_resources &&
         inventory_->classes().OfferAny(pod.requests);
}

// Adds the claim, or says why the pod cannot have it as it is.
Status DynamicResources::Accept(const PodInfo& pod, const ClaimPtr& claim, bool extended,
                                std::vector<PodClaim>& out) const {
  PodClaim& added = out.emplace_back();
  added.claim = claim;
  added.extended = extended;
  const auto& status = claim->status();
  if (!status.has_allocation()) {
    if (store_.IsPending(claim->metadata().uid())) {
      return framework::Unresolvable(fmt::format(
          "resource claim {} is in the process of being allocated", KeyOf(*claim)));
    }
    return extended ? framework::Success() : CheckClasses(*claim);
  }
  if (status.reserved_for_size() >= kMaxReservations && !IsReservedFor(*claim, pod.uid)) {
    return framework::Unresolvable(kReasonInUse);
  }
  if (status.allocation().has_node_selector()) {
    added.nodes = api::scheduling::CompileSelector(status.allocation().node_selector());
  }
  added.bound_in_vain =
      HasBindingConditions(*claim) &&
      !ReadinessOf(*claim, handle_.executor().clock().Now(), binding_timeout_).problem.empty();
  return framework::Success();
}

framework::PreFilterResult DynamicResources::PreFilter(CycleState& state, const PodInfo& pod,
                                                       const framework::Snapshot&) {
  // Shared by all pods without claims; nobody writes to it.
  static const auto* const kNothing =
      new std::shared_ptr<PodState>(std::make_shared<PodState>());
  const bool extended = WantsFromClasses(pod);
  const bool any = HasClaims(pod) || extended;
  const auto held = any ? std::make_shared<PodState>() : *kNothing;
  state.Write(kState, std::make_unique<StateHolder>(held));
  if (!any) return {framework::Skip(), {}};
  PodClaims found = ClaimsOf(pod.object(), store_.Finder());
  if (!found.problem.empty()) return {framework::Unresolvable(found.problem), {}};
  if (extended) {
    ClaimPtr made = store_.ExtendedClaimOf(pod.object());
    found.claims.push_back(made != nullptr ? made : NewExtendedClaim(pod, NewUuid()));
    for (const auto& scalar : pod.requests.scalars) {
      if (scalar.second != 0 && api::scheduling::MayComeFromDevices(scalar.first.text())) {
        held->wanted.push_back(scalar);
      }
    }
  }
  if (found.claims.empty()) return {framework::Skip(), {}};
  std::vector<PodClaim> claims;
  std::vector<ClaimPtr> to_allocate;
  for (const ClaimPtr& claim : found.claims) {
    const bool is_extended = extended && claim == found.claims.back();
    Status status = Accept(pod, claim, is_extended, claims);
    if (!status.ok()) return {std::move(status), {}};
    if (!is_extended && !claim->status().has_allocation()) to_allocate.push_back(claim);
  }
  if (!to_allocate.empty()) held->plan = MakePlan(to_allocate, *inventory_);
  held->claims = std::move(claims);  // only now: a rejected pod has nothing to give up
  return {framework::Success(), {}};
}

// --- filtering and scoring ---------------------------------------------------------------------

DynamicResources::Task DynamicResources::TaskOn(PodState& held, const PodInfo& pod,
                                                const NodeInfo& node) const {
  const PodClaim* extended = held.ExtendedClaim();
  if (extended == nullptr) return {{}, held.plan, false};
  if (!IsInMemory(*extended->claim)) return {framework::Unresolvable(kReasonStale), nullptr, true};
  NodeNeeds needs = NeedsOn(node, held.wanted, inventory_->classes());
  if (!needs.status.ok()) return {std::move(needs.status), nullptr, true};
  if (needs.resources.empty() && held.OnlyExtended()) return {{}, nullptr, true};
  return {{}, held.PlanFor(pod.object(), needs.resources, *inventory_), false};
}

AllocationOutcome DynamicResources::Search(const Plan& plan, const NodeInfo& node,
                                           const NodeView& view) const {
  Clock& clock = handle_.executor().clock();
  const absl::Time deadline = DeadlineOf(clock.Now(), filter_timeout_);
  return AllocateOn(node, plan.prepared, view, [&] { return clock.Now() > deadline; });
}

// Whether the node has the devices.
Status DynamicResources::Find(PodState& held, const Plan& plan, const NodeInfo& node) const {
  const std::shared_ptr<const NodeView> view = inventory_->ViewOf(node);
  const int64_t version = view->UseVersion();
  if (const auto known = plan.verdicts->Find(node, view->number(), version)) {
    return StatusOf(known->kind, {}, node);
  }
  std::shared_ptr<const AllocationOutcome> outcome = held.Outcome(node.name());
  if (outcome == nullptr) {
    outcome = std::make_shared<const AllocationOutcome>(Search(plan, node, *view));
    const bool general = outcome->kind != Kind::kFailed && outcome->kind != Kind::kTimedOut;
    if (general) {
      plan.verdicts->Set(node, view->number(), version,
                         {outcome->kind, ScoreOf(plan, *outcome)});
    }
    if (!general || outcome->steps > kLongSearch || node.index < 0) {
      held.Keep(node.name(), outcome);
    }
  }
  return StatusOf(outcome->kind, outcome->problem, node);
}

Status DynamicResources::Filter(const CycleState& state, const PodInfo& pod,
                                const NodeInfo& node) const {
  PodState* const held = PeekState(state);
  if (held == nullptr) return NotFound();
  if (held->claims.empty()) return framework::Success();
  Task task = TaskOn(*held, pod, node);
  if (!task.status.ok() || task.done) return std::move(task.status);
  if (task.plan != nullptr) {
    Status status = Find(*held, *task.plan, node);
    if (!status.ok()) return status;
  }
  bool available = true;
  for (size_t i = 0; i < held->claims.size(); ++i) {
    const PodClaim& claim = held->claims[i];
    const bool reachable =
        !claim.nodes || std::any_of(claim.nodes->begin(), claim.nodes->end(), [&](const auto& t) {
          return t.Matches(node.labels(), node.name_symbol());
        });
    if (reachable && !claim.bound_in_vain) continue;
    held->MarkUnavailable(i);
    available = false;
  }
  return available ? framework::Success() : framework::Unresolvable(kReasonNotAvailable);
}

framework::Scored DynamicResources::Score(const CycleState& state, const PodInfo& pod,
                                          const NodeInfo& node) const {
  PodState* const held = PeekState(state);
  if (held == nullptr || held->claims.empty()) return {};
  const Task task = TaskOn(*held, pod, node);
  if (task.plan == nullptr) return {};
  const std::shared_ptr<const NodeView> view = inventory_->ViewOf(node);
  if (const auto known = task.plan->verdicts->Find(node, view->number(), view->UseVersion())) {
    return {known->score, {}};
  }
  const std::shared_ptr<const AllocationOutcome> outcome = held->Outcome(node.name());
  if (outcome == nullptr || outcome->kind != Kind::kAllocated) return {};
  return {ScoreOf(*task.plan, *outcome), {}};
}

// --- when nothing fits -------------------------------------------------------------------------

framework::PostFilterPlan DynamicResources::PlanPostFilter(const CycleState& state,
                                                           const PodInfo& pod,
                                                           const framework::NodeStatusReader&) {
  framework::PostFilterPlan plan;
  const std::shared_ptr<PodState> held = StateOf(state);
  if (held == nullptr) {
    plan.status = NotFound();
  } else {
    plan.status = InTheWay(*held, pod) != nullptr ? Released()
                  : LeftOver(*held) != nullptr    ? Deleted()
                                                  : NothingToRelease(*held);
  }
  return plan;
}

void DynamicResources::PostFilter(CycleState& state, const PodInfo& pod,
                                  const framework::NodeStatusReader&,
                                  framework::PostFilterDone done) {
  const std::shared_ptr<PodState> held = StateOf(state);
  if (held == nullptr) return done({NotFound(), std::nullopt});
  if (const ClaimPtr claim = InTheWay(*held, pod)) return Release(claim, std::move(done));
  const ClaimPtr left_over = LeftOver(*held);
  if (left_over == nullptr) return done({NothingToRelease(*held), std::nullopt});
  writer_.Delete(left_over, [done = std::move(done)](const Status& status) mutable {
    done({status.ok() ? Deleted() : status, std::nullopt});
  });
}

void DynamicResources::Release(const ClaimPtr& claim, framework::PostFilterDone done) {
  auto changed = std::make_shared<ResourceClaim>(*claim);
  changed->mutable_status()->clear_allocation();
  changed->mutable_status()->clear_reserved_for();
  handle_.sink().Update(
      api::ResourceOf<ResourceClaim>(), changed, "status",
      [done = std::move(done)](const absl::Status& status, const framework::ObjectPtr&) mutable {
        done({status.ok() ? Released() : Status::FromError(status), std::nullopt});
      });
}

// --- holding and writing -----------------------------------------------------------------------

std::string DynamicResources::NewUuid() {
  const uint64_t high = handle_.random().Next(), low = handle_.random().Next();
  return fmt::format("{:08x}-{:04x}-4{:03x}-{:x}{:03x}-{:012x}", high >> 32,
                     (high >> 16) & 0xFFFF, high & 0xFFF, 8 + (low >> 62),
                     (low >> 48) & 0xFFF, low & 0xFFFFFFFFFFFF);
}

Status DynamicResources::Reserve(CycleState& state, const PodInfo& pod,
                                 std::string_view node_name) {
  const std::shared_ptr<PodState> held = StateOf(state);
  if (held == nullptr) return NotFound();
  if (held->claims.empty()) return framework::Success();
  const Status not_found = framework::Error("claim allocation not found for node");
  const bool all_allocated =
      std::all_of(held->claims.begin(), held->claims.end(),
                  [](const PodClaim& claim) { return claim.claim->status().has_allocation(); });
  if (all_allocated) return framework::Success();
  const NodeInfo* node = handle_.snapshot().Find(node_name);
  if (node == nullptr) return not_found;
  const Task task = TaskOn(*held, pod, *node);
  if (!task.status.ok()) return not_found;
  if (task.plan == nullptr) return framework::Success();  // the node offers everything by itself
  std::shared_ptr<const AllocationOutcome> outcome = held->Outcome(node_name);
  if (outcome == nullptr) {
    outcome = std::make_shared<const AllocationOutcome>(
        Search(*task.plan, *node, *inventory_->ViewOf(*node)));
  }
  if (outcome->kind != Kind::kAllocated) return not_found;
  held->reserved = task.plan;
  Hold(*held, outcome->results);
  return framework::Success();
}

// results: of the claims of the plan that is reserved.
void DynamicResources::Hold(PodState& held,
                            const std::vector<api::dra::AllocationResult>& results) {
  size_t next = 0;
  for (PodClaim& one : held.claims) {
    if (one.claim->status().has_allocation() || next == results.size()) continue;
    auto pending = std::make_shared<ResourceClaim>(*held.reserved->prepared.claims[next].claim);
    api::dra::AllocationResult allocation = results[next++];
    if (allocation.has_devices()) {
      for (auto& result : *allocation.mutable_devices()->mutable_results()) {
        if (result.has_share_id()) result.set_share_id(NewUuid());
      }
    }
    *pending->mutable_status()->mutable_allocation() = std::move(allocation);
    one.pending = pending;
    store_.SetPending(std::move(pending));
  }
}

void DynamicResources::Unreserve(CycleState& state, const PodInfo& pod, std::string_view) {
  const std::shared_ptr<PodState> held = StateOf(state);
  if (held == nullptr) return;
  writer_.Cancel(pod.uid);
  for (PodClaim& one : held->claims) {
    if (one.pending != nullptr) store_.DropPending(one.pending);
    one.pending = nullptr;
    // Of a trial nothing was written, and what was there before it stays.
    if (state.pod_group_cycle == framework::PodGroupCycle::kPass) continue;
    const ResourceClaim& claim = *one.claim;
    if (one.extended) {
      if (!IsInMemory(claim)) writer_.Delete(one.claim, [](const Status&) {});
    } else if (claim.status().has_allocation() && IsReservedFor(claim, pod.uid)) {
      writer_.GiveBack(one.claim, pod.uid);
    }
  }
}

framework::PreBindPreFlightResult DynamicResources::PreBindPreFlight(CycleState& state,
                                                                     const PodInfo&,
                                                                     std::string_view) {
  const std::shared_ptr<PodState> held = StateOf(state);
  if (held == nullptr) return {NotFound(), false};
  if (held->claims.empty()) return {framework::Skip(), false};
  return {framework::Success(), true};
}

void DynamicResources::PreBind(CycleState& state, const PodInfo& pod, std::string_view node_name,
                               framework::StatusDone done) {
  std::shared_ptr<PodState> held = StateOf(state);
  if (held == nullptr) return done(NotFound());
  writer_.Write(std::move(held), pod, node_name, std::move(done));
}

// --- reuse and events --------------------------------------------------------------------------

framework::Dependencies DynamicResources::DependsOn(const PodInfo& pod) const {
  if (HasClaims(pod) || WantsFromClasses(pod)) {  // anything; and Reserve takes what Filter found
    framework::Dependencies everything;
    everything.filter_feeds_reserve = true;
    return everything;
  }
  return {.filter = framework::Scope::kNode,
          .score = framework::Scope::kNode,
          .node_fields = 0,
          .domains = {},
          .objects = {}};
}

bool DynamicResources::FiltersEachPod(const PodInfo& pod) const {
  if (!HasClaims(pod) || WantsFromClasses(pod)) return false;
  // With a choice of alternatives, nodes score by which one they offer.
  const PodClaims held = ClaimsOf(pod.object(), store_.Finder());
  return std::none_of(held.claims.begin(), held.claims.end(), [](const ClaimPtr& claim) {
    const auto& requests = claim->spec().devices().requests();
    return std::any_of(requests.begin(), requests.end(), [](const auto& request) {
      return !request.first_available().empty();
    });
  });
}

// Results for pods with devices are found for each, or depend on everything.
bool DynamicResources::Sign(const PodInfo&, framework::SignatureBuilder&) const { return true; }

std::optional<std::vector<framework::ClusterEventWithHint>> DynamicResources::EventsToRegister()
    const {
  using google::protobuf::Message;
  const auto hint = [this](auto after) -> framework::QueueingHintFn {
    return [this, after](const PodInfo& pod, const Message* before, const Message* now) {
      return after(pod, before, now, store_.Finder());
    };
  };
  constexpr framework::ActionType kAddOrUpdate = framework::kAdd | framework::kUpdate;
  std::vector<framework::ClusterEventWithHint> events = {
      {{std::string(framework::kNodeResource),
        framework::kAdd | framework::kUpdateNodeLabel | framework::kUpdateNodeAllocatable, ""},
       nullptr},
      {{"resource.k8s.io/ResourceClaim", kAddOrUpdate, ""}, hint(&AfterClaimChange)},
      {{std::string(framework::kPodResource), framework::kUpdatePodGeneratedResourceClaim, ""},
       hint(&AfterPodChange)},
      {{"resource.k8s.io/DeviceClass", kAddOrUpdate, ""}, nullptr},
      {{"resource.k8s.io/ResourceSlice", kAddOrUpdate, ""}, nullptr},
  };
  // Upstream hears of it as a change of the slices.
  if (handle_.device_features().taint_rules) {
    events.push_back({{"resource.k8s.io/DeviceTaintRule",
                       framework::kUpdate | framework::kDelete, ""}, nullptr});
  }
  return events;
}

}  // namespace berth::plugins::dynamic_resources
