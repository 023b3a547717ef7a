#include "plugins/dynamic_resources/dynamic_resources.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "api/resource_table.h"
#include "api/schema/core_v1_pod.pb.h"
#include "framework/handle.h"
#include "framework/object_source.h"
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
constexpr std::string_view kImplicitResourcePrefix = "deviceclass.resource.kubernetes.io/";

bool HasClaims(const PodInfo& pod) { return pod.object().spec().resource_claims_size() > 0; }

// Null: PreFilter was not reached.
std::shared_ptr<PodState> StateOf(const CycleState& state) {
  const auto* held = state.Read<StateHolder>(kState);
  return held == nullptr ? nullptr : held->state;
}

Status NotFound() { return framework::Error("not found"); }

// The claim that PostFilter would give up; null: none.
ClaimPtr InTheWay(PodState& state, const PodInfo& pod) {
  for (size_t i : state.Unavailable()) {
    const ClaimPtr& claim = state.claims[i].claim;
    const auto& consumers = claim->status().reserved_for();
    if (consumers.empty() || (consumers.size() == 1 && consumers[0].uid() == pod.uid)) {
      return claim;
    }
  }
  return nullptr;
}

// What PostFilter says when there is nothing to give up.
Status NothingToRelease(const PodState& state) {
  return framework::Unschedulable(state.claims.empty() ? "no new claims to deallocate"
                                                       : "still not schedulable");
}

Status Released() { return framework::Unschedulable("deallocation of ResourceClaim completed"); }

Status StatusOf(const AllocationOutcome& outcome, const NodeInfo& node) {
  switch (outcome.kind) {
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
  return framework::Error(outcome.problem);
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

}  // namespace

DynamicResources::DynamicResources(const DynamicResourcesArgs& args, framework::Handle& handle)
    : handle_(handle),
      filter_timeout_(args.filter_timeout.value_or(absl::Seconds(10))),
      binding_timeout_(args.binding_timeout.value_or(absl::Seconds(600))),
      store_(handle.objects()),
      writer_(handle, store_, binding_timeout_) {}

// --- before filtering --------------------------------------------------------------------------

Status DynamicResources::PreEnqueue(const PodInfo& pod) {
  if (!HasClaims(pod)) return framework::Success();
  const PodClaims held = ClaimsOf(pod.object(), store_.Finder());
  return held.problem.empty() ? framework::Success() : framework::Unresolvable(held.problem);
}

ClassPtr DynamicResources::FindClass(const std::string& name) const {
  return std::static_pointer_cast<const api::dra::DeviceClass>(
      handle_.objects().Get(api::ResourceOf<api::dra::DeviceClass>(), {}, name));
}

Status DynamicResources::CheckClasses(const ResourceClaim& claim) const {
  const auto check = [this](const std::string& request, const std::string& name) {
    if (name.empty()) {
      return framework::Error(fmt::format("request {}: unsupported request type", request));
    }
    if (FindClass(name) != nullptr) return framework::Success();
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

// Whether the pod requests a resource that only devices could give it.
std::string DynamicResources::ExtendedResourceProblem(const PodInfo& pod,
                                                      const framework::Snapshot& snapshot) const {
  std::string problem;
  for (const auto& [resource, wanted] : pod.requests.scalars) {
    const auto nodes = snapshot.nodes();
    const bool offered = std::any_of(nodes.begin(), nodes.end(), [&](const NodeInfo* node) {
      return node->allocatable().amounts.Scalar(resource) > 0;
    });
    if (wanted <= 0 || offered) continue;
    handle_.objects().ForEach(
        api::ResourceOf<api::dra::DeviceClass>(), {}, [&](const framework::ObjectPtr& object) {
          const auto& device_class = static_cast<const api::dra::DeviceClass&>(*object);
          const std::string& name = device_class.metadata().name();
          if (device_class.spec().extended_resource_name() != resource.text() &&
              fmt::format("{}{}", kImplicitResourcePrefix, name) != resource.text()) {
            return;
          }
          problem = fmt::format("pod requests {}, which stands for devices of class {}, and this "
                                "scheduler allocates devices only to resource claims yet",
                                resource.text(), name);
        });
  }
  return problem;
}

// Adds the claim, or says why the pod cannot have it as it is.
Status DynamicResources::Accept(const PodInfo& pod, const ClaimPtr& claim,
                                std::vector<PodClaim>& out) const {
  PodClaim& added = out.emplace_back();
  added.claim = claim;
  const auto& status = claim->status();
  if (!status.has_allocation()) {
    if (store_.IsPending(claim->metadata().uid())) {
      return framework::Unresolvable(fmt::format(
          "resource claim {} is in the process of being allocated", KeyOf(*claim)));
    }
    return CheckClasses(*claim);
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

std::unique_ptr<const Allocator> DynamicResources::NewAllocator(
    const std::vector<ClaimPtr>& claims) {
  std::vector<SlicePtr> slices;
  handle_.objects().ForEach(
      api::ResourceOf<api::dra::ResourceSlice>(), {}, [&](const framework::ObjectPtr& object) {
        slices.push_back(std::static_pointer_cast<const api::dra::ResourceSlice>(object));
      });
  const auto find_class = [this](const std::string& name) { return FindClass(name); };
  return std::make_unique<const Allocator>(Prepare(claims, find_class, selectors_),
                                           store_.InUse(), std::move(slices));
}

framework::PreFilterResult DynamicResources::PreFilter(CycleState& state, const PodInfo& pod,
                                                       const framework::Snapshot& snapshot) {
  // Shared by all pods without claims; nobody writes to it.
  static const auto* const kNothing =
      new std::shared_ptr<PodState>(std::make_shared<PodState>());
  const bool has_claims = HasClaims(pod);
  const auto held = has_claims ? std::make_shared<PodState>() : *kNothing;
  state.Write(kState, std::make_unique<StateHolder>(held));
  if (!pod.requests.scalars.empty()) {
    const std::string problem = ExtendedResourceProblem(pod, snapshot);
    if (!problem.empty()) return {framework::Unresolvable(problem), {}};
  }
  if (!has_claims) return {framework::Skip(), {}};
  const PodClaims found = ClaimsOf(pod.object(), store_.Finder());
  if (!found.problem.empty()) return {framework::Unresolvable(found.problem), {}};
  if (found.claims.empty()) return {framework::Skip(), {}};
  std::vector<PodClaim> claims;
  std::vector<ClaimPtr> to_allocate;
  for (const ClaimPtr& claim : found.claims) {
    Status status = Accept(pod, claim, claims);
    if (!status.ok()) return {std::move(status), {}};
    if (!claim->status().has_allocation()) to_allocate.push_back(claim);
  }
  if (!to_allocate.empty()) held->allocator = NewAllocator(to_allocate);
  held->claims = std::move(claims);  // only now: a rejected pod has nothing to give up
  return {framework::Success(), {}};
}

// --- filtering and scoring ---------------------------------------------------------------------

Status DynamicResources::Filter(const CycleState& state, const PodInfo&,
                                const NodeInfo& node) const {
  const std::shared_ptr<PodState> held = StateOf(state);
  if (held == nullptr) return NotFound();
  if (held->claims.empty()) return framework::Success();
  if (held->allocator != nullptr) {
    Clock& clock = handle_.executor().clock();
    const absl::Time deadline = clock.Now() + filter_timeout_;
    const AllocationOutcome& outcome =
        held->AllocationOn(node, [&] { return clock.Now() > deadline; });
    if (outcome.kind != Kind::kAllocated) return StatusOf(outcome, node);
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

framework::Scored DynamicResources::Score(const CycleState& state, const PodInfo&,
                                          const NodeInfo& node) const {
  const std::shared_ptr<PodState> held = StateOf(state);
  if (held == nullptr || held->allocator == nullptr) return {};
  const AllocationOutcome* outcome = held->AllocationOn(node.name());
  if (outcome == nullptr || outcome->kind != Kind::kAllocated) return {};
  framework::Scored out;
  const auto& claims = held->allocator->prepared().claims;
  for (size_t i = 0; i < claims.size(); ++i) out.score += ScoreOf(claims[i], outcome->results[i]);
  return out;
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
    plan.status = InTheWay(*held, pod) != nullptr ? Released() : NothingToRelease(*held);
  }
  return plan;
}

void DynamicResources::PostFilter(CycleState& state, const PodInfo& pod,
                                  const framework::NodeStatusReader&,
                                  framework::PostFilterDone done) {
  const std::shared_ptr<PodState> held = StateOf(state);
  if (held == nullptr) return done({NotFound(), std::nullopt});
  const ClaimPtr claim = InTheWay(*held, pod);
  if (claim == nullptr) return done({NothingToRelease(*held), std::nullopt});
  Release(claim, std::move(done));
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

std::string DynamicResources::NewShareId() {
  const uint64_t high = handle_.random().Next(), low = handle_.random().Next();
  return fmt::format("{:08x}-{:04x}-4{:03x}-{:x}{:03x}-{:012x}", high >> 32,
                     (high >> 16) & 0xFFFF, high & 0xFFF, 8 + (low >> 62),
                     (low >> 48) & 0xFFF, low & 0xFFFFFFFFFFFF);
}

Status DynamicResources::Reserve(CycleState& state, const PodInfo&, std::string_view node_name) {
  const std::shared_ptr<PodState> held = StateOf(state);
  if (held == nullptr) return NotFound();
  if (held->allocator == nullptr) return framework::Success();
  const AllocationOutcome* outcome = held->AllocationOn(node_name);
  if (outcome == nullptr || outcome->kind != Kind::kAllocated) {
    return framework::Error("claim allocation not found for node");
  }
  size_t next = 0;
  for (PodClaim& held_claim : held->claims) {
    if (held_claim.claim->status().has_allocation()) continue;
    api::dra::AllocationResult allocation = outcome->results[next++];
    if (allocation.has_devices()) {
      for (auto& result : *allocation.mutable_devices()->mutable_results()) {
        if (result.has_share_id()) result.set_share_id(NewShareId());
      }
    }
    auto pending = std::make_shared<ResourceClaim>(*held_claim.claim);
    *pending->mutable_status()->mutable_allocation() = std::move(allocation);
    held_claim.pending = pending;
    store_.SetPending(std::move(pending));
  }
  return framework::Success();
}

void DynamicResources::Unreserve(CycleState& state, const PodInfo& pod, std::string_view) {
  const std::shared_ptr<PodState> held = StateOf(state);
  if (held == nullptr) return;
  writer_.Cancel(pod.uid);
  for (PodClaim& held_claim : held->claims) {
    if (held_claim.pending != nullptr) store_.DropPending(held_claim.pending);
    held_claim.pending = nullptr;
    // Of a trial nothing was written, and what was there before it stays.
    if (state.pod_group_cycle == framework::PodGroupCycle::kPass) continue;
    const ResourceClaim& claim = *held_claim.claim;
    if (claim.status().has_allocation() && IsReservedFor(claim, pod.uid)) {
      writer_.GiveBack(claim, pod.uid);
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
  if (HasClaims(pod)) {  // anything; and Reserve takes what Filter found
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

bool DynamicResources::Sign(const PodInfo& pod, framework::SignatureBuilder&) const {
  return !HasClaims(pod);
}

std::optional<std::vector<framework::ClusterEventWithHint>> DynamicResources::EventsToRegister()
    const {
  using google::protobuf::Message;
  const auto hint = [this](auto after) -> framework::QueueingHintFn {
    return [this, after](const PodInfo& pod, const Message* before, const Message* now) {
      return after(pod, before, now, store_.Finder());
    };
  };
  constexpr framework::ActionType kAddOrUpdate = framework::kAdd | framework::kUpdate;
  return std::vector<framework::ClusterEventWithHint>{
      {{std::string(framework::kNodeResource),
        framework::kAdd | framework::kUpdateNodeLabel | framework::kUpdateNodeAllocatable, ""},
       nullptr},
      {{"resource.k8s.io/ResourceClaim", kAddOrUpdate, ""}, hint(&AfterClaimChange)},
      {{std::string(framework::kPodResource), framework::kUpdatePodGeneratedResourceClaim, ""},
       hint(&AfterPodChange)},
      {{"resource.k8s.io/DeviceClass", kAddOrUpdate, ""}, nullptr},
      {{"resource.k8s.io/ResourceSlice", kAddOrUpdate, ""}, nullptr},
  };
}

}  // namespace berth::plugins::dynamic_resources
