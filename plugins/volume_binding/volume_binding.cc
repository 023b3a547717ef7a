#include "plugins/volume_binding/volume_binding.h"

#include <array>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/storage_v1.pb.h"
#include "framework/cycle/metrics.h"
#include "framework/handle.h"
#include "framework/snapshot.h"
#include "plugins/volume_binding/queueing_hints.h"
#include "plugins/volumes/pod_volumes.h"

namespace berth::plugins::volume_binding {
namespace {

using framework::NodeInfo;
using framework::PodInfo;
using framework::Status;

constexpr framework::StateKey kState{"VolumeBinding"};
constexpr int64_t kBindTimeoutSeconds = 600;

bool Concerns(const PodInfo& pod) { return volumes::UsesClaims(pod.object()); }

// One status for each set of conflicts, made once.
const Status& StatusOf(Conflicts conflicts) {
  constexpr size_t kSets = size_t{1} << kConflictReasons.size();
  static const auto* const statuses = [] {
    auto* all = new std::array<Status, kSets>;
    for (size_t set = 1; set < kSets; ++set) {
      std::vector<std::string> reasons;
      for (size_t i = 0; i < kConflictReasons.size(); ++i) {
        if ((set >> i & 1) != 0) reasons.emplace_back(kConflictReasons[i]);
      }
      (*all)[set] = Status(framework::Code::kUnschedulableAndUnresolvable, std::move(reasons));
    }
    return all;
  }();
  return (*statuses)[conflicts];
}

}  // namespace

struct VolumeBinding::State final : framework::StateData {
  std::shared_ptr<const PodClaims> claims;
  // From Reserve on, when something is to be bound.
  bool has_work = false;
  PodVolumes decided;
  std::vector<framework::ObjectPtr> volumes, claims_placed;  // assumed for this pod
  std::unique_ptr<framework::StateData> Clone() const override {
    return std::make_unique<State>(*this);
  }
};

VolumeBinding::VolumeBinding(const VolumeBindingArgs& args, framework::Handle& handle)
    : handle_(handle),
      assumed_volumes_(handle.objects(), api::ResourceOf<api::core::PersistentVolume>()),
      assumed_claims_(handle.objects(), api::ResourceOf<api::core::PersistentVolumeClaim>()),
      binder_(handle, absl::Seconds(args.bind_timeout_seconds.value_or(kBindTimeoutSeconds))) {
  handle.Watch(api::ResourceOf<api::core::PersistentVolumeClaim>());
  handle.Watch(api::ResourceOf<api::core::PersistentVolume>());
  handle.Watch(api::ResourceOf<api::storage::StorageClass>());
  handle.Watch(api::ResourceOf<api::storage::CSINode>());
  handle.Watch(api::ResourceOf<api::storage::CSIDriver>());
  handle.Watch(api::ResourceOf<api::storage::CSIStorageCapacity>());
}

// --- scheduling cycle --------------------------------------------------------------------------

framework::PreFilterResult VolumeBinding::PreFilter(framework::CycleState& state,
                                                    const PodInfo& pod,
                                                    const framework::Snapshot&) {
  if (!Concerns(pod)) return {framework::Skip(), {}};
  const absl::Status there = CheckClaims(handle_.objects(), pod.object());
  if (!there.ok()) return {framework::Unresolvable(ToStd(there.message())), {}};
  auto claims = PodClaims::Read({handle_.objects(), assumed_claims_, assumed_volumes_},
                                pod.object());
  if (!claims.ok()) return {Status::FromError(claims.status()), {}};
  if (claims->has_immediate) return {framework::Unresolvable(kReasonImmediate), {}};
  auto read = std::make_unique<State>();
  read->claims = std::make_shared<const PodClaims>(*std::move(claims));
  state.Write(kState, std::move(read));
  return {};
}

Finding VolumeBinding::FindOn(const PodClaims& claims, const NodeInfo& node) const {
  volumes::CsiNodePtr csi_node;
  if (claims.ReadsCsiNode()) csi_node = volumes::FindCsiNode(handle_.objects(), node.name());
  return claims.FindOn(node.name(), node.labels(), csi_node.get());
}

Status VolumeBinding::StageFailed(std::string_view operation, Status status) const {
  handle_.metrics().VolumeStageFailed(operation);
  return status;
}

Status VolumeBinding::Filter(const framework::CycleState& state, const PodInfo&,
                             const NodeInfo& node) const {
  const Finding finding = FindOn(*state.Read<State>(kState)->claims, node);
  if (!finding.error.ok()) return StageFailed("predicate", Status::FromError(finding.error));
  return StatusOf(finding.conflicts);
}

Status VolumeBinding::Reserve(framework::CycleState& state, const PodInfo&,
                              std::string_view node_name) {
  auto* read = state.Mutable<State>(kState);
  if (read == nullptr || read->claims->unbound.empty()) return framework::Success();
  const NodeInfo* node = handle_.snapshot().Find(node_name);
  if (node == nullptr) {
    return framework::Error(fmt::format("node {} not found", api::GoQuoted(node_name)));
  }
  // Filter found the same; it keeps nothing, since it runs for many nodes.
  Finding finding = FindOn(*read->claims, *node);
  if (!finding.error.ok()) return StageFailed("predicate", Status::FromError(finding.error));
  if (finding.conflicts != 0) return StatusOf(finding.conflicts);
  const absl::Status assumed = Assume(*read, std::move(finding.volumes), node_name);
  if (!assumed.ok()) {
    ForgetAssumed(*read);
    return StageFailed("assume", Status::FromError(assumed));
  }
  read->has_work = true;
  return framework::Success();
}

absl::Status VolumeBinding::Assume(State& state, PodVolumes found, std::string_view node_name) {
  for (Binding& binding : found.bindings) {
    MeantVolume meant = MeanFor(binding.volume, *binding.claim);
    if (!meant.changed) continue;
    absl::Status assumed = assumed_volumes_.Assume(binding.volume, meant.volume);
    if (!assumed.ok()) return assumed;
    state.volumes.push_back(meant.volume);
    binding.volume = std::move(meant.volume);
  }
  for (ClaimPtr& claim : found.provisions) {
    PlacedClaim placed = PlaceOn(claim, node_name);
    if (!placed.changed) continue;
    absl::Status assumed = assumed_claims_.Assume(claim, placed.claim);
    if (!assumed.ok()) return assumed;
    state.claims_placed.push_back(placed.claim);
    claim = std::move(placed.claim);
  }
  state.decided = std::move(found);
  return absl::OkStatus();
}

void VolumeBinding::ForgetAssumed(State& state) {
  for (const auto& volume : state.volumes) assumed_volumes_.Forget(volume);
  for (const auto& claim : state.claims_placed) assumed_claims_.Forget(claim);
  state.volumes.clear();
  state.claims_placed.clear();
}

void VolumeBinding::Unreserve(framework::CycleState& state, const PodInfo&, std::string_view) {
  auto* read = state.Mutable<State>(kState);
  if (read == nullptr) return;
  ForgetAssumed(*read);
  read->has_work = false;
}

// --- binding cycle -----------------------------------------------------------------------------

framework::PreBindPreFlightResult VolumeBinding::PreBindPreFlight(framework::CycleState& state,
                                                                  const PodInfo&,
                                                                  std::string_view) {
  const auto* read = state.Read<State>(kState);
  if (read == nullptr || !read->has_work) return {framework::Skip(), false};
  return {framework::Success(), true};
}

void VolumeBinding::PreBind(framework::CycleState& state, const PodInfo& pod,
                            std::string_view node_name, framework::StatusDone done) {
  auto* read = state.Mutable<State>(kState);
  if (read == nullptr || !read->has_work) return done(framework::Success());
  binder_.Bind(pod, node_name, read->decided,
               [this, alive = alive_.Watch(), read, done = std::move(done)](Status status) mutable {
                 if (alive.expired()) return;
                 // The source shows what was written. After a failure Unreserve does this.
                 if (status.ok()) ForgetAssumed(*read);
                 done(status.ok() ? std::move(status) : StageFailed("bind", std::move(status)));
               });
}

void VolumeBinding::CancelPreBind(const PodInfo& pod) { binder_.Cancel(pod.uid); }

// --- what it depends on ------------------------------------------------------------------------

framework::Dependencies VolumeBinding::DependsOn(const PodInfo& pod) const {
  return Concerns(pod) ? framework::Dependencies() : volumes::NoDependencies();
}

bool VolumeBinding::FiltersEachPod(const PodInfo& pod) const { return Concerns(pod); }

// Results for pods that are not filtered each for itself depend on nothing.
bool VolumeBinding::Sign(const PodInfo&, framework::SignatureBuilder&) const { return true; }

std::optional<std::vector<framework::ClusterEventWithHint>> VolumeBinding::EventsToRegister()
    const {
  using framework::kAdd, framework::kUpdate;
  constexpr framework::ActionType kBoth = kAdd | kUpdate;
  constexpr framework::ActionType kNodeActions = kAdd | framework::kUpdateNodeLabel;
  return {{{{std::string(volumes::kClassResource), kBoth, ""}, AfterClassChange},
           {{std::string(volumes::kClaimResource), kBoth, ""}, AfterClaimChange},
           {{std::string(volumes::kVolumeResource), kBoth, ""}, nullptr},
           {{std::string(framework::kNodeResource), kNodeActions, ""}, nullptr},
           {{std::string(volumes::kCsiNodeResource), kBoth, ""}, AfterCsiNodeChange},
           {{std::string(volumes::kCsiDriverResource), kUpdate, ""}, AfterCsiDriverChange},
           {{std::string(volumes::kCapacityResource), kBoth, ""}, AfterCapacityChange}}};
}

}  // namespace berth::plugins::volume_binding
