#include "plugins/volume_zone/volume_zone.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/storage_v1.pb.h"
#include "framework/handle.h"
#include "plugins/volume_zone/queueing_hints.h"
#include "plugins/volume_zone/topology.h"
#include "plugins/volumes/pod_volumes.h"

namespace berth::plugins::volume_zone {
namespace {

using framework::NodeInfo;
using framework::PodInfo;
using framework::Status;

constexpr framework::StateKey kPreFilterState{"PreFilterVolumeZone"};

bool Concerns(const PodInfo& pod) {
  return volumes::UsesClaims(pod.object(), /*named_only=*/true);
}

// Whether a claim without a volume may go without for now.
Status MayWait(const framework::ObjectSource& objects,
               const api::core::PersistentVolumeClaim& claim) {
  const std::string_view name = volumes::ClassOf(claim);
  if (name.empty()) {
    return framework::Unresolvable(
        "PersistentVolumeClaim had no pv name and storageClass name");
  }
  const auto storage_class = volumes::FindClass(objects, name);
  if (storage_class == nullptr) return framework::Unresolvable(volumes::ClassNotFound(name));
  if (!storage_class->has_volume_binding_mode()) {
    return framework::Unresolvable(
        fmt::format("VolumeBindingMode not set for StorageClass {}", api::GoQuoted(name)));
  }
  if (storage_class->volume_binding_mode() == volumes::kWaitForFirstConsumer) return {};
  return framework::Unresolvable("PersistentVolume had no name");
}

}  // namespace

struct VolumeZone::State final : framework::StateData {
  std::vector<Topology> topologies;
  std::unique_ptr<framework::StateData> Clone() const override {
    return std::make_unique<State>(*this);
  }
};

absl::StatusOr<std::unique_ptr<framework::Plugin>> VolumeZone::Create(
    const framework::PluginArgs&, framework::Handle& handle) {
  return std::make_unique<VolumeZone>(handle);
}

VolumeZone::VolumeZone(framework::Handle& handle) : handle_(handle) {
  handle.Watch(api::ResourceOf<api::core::PersistentVolumeClaim>());
  handle.Watch(api::ResourceOf<api::core::PersistentVolume>());
  handle.Watch(api::ResourceOf<api::storage::StorageClass>());
}

framework::PreFilterResult VolumeZone::PreFilter(framework::CycleState& state, const PodInfo& pod,
                                                 const framework::Snapshot&) {
  auto found = std::make_unique<State>();
  for (const auto& volume : pod.object().spec().volumes()) {
    if (!volume.volume_source().has_persistent_volume_claim()) continue;
    const std::string& name = volume.volume_source().persistent_volume_claim().claim_name();
    if (name.empty()) {
      return {framework::Unresolvable("PersistentVolumeClaim had no name"), {}};
    }
    const auto claim = volumes::FindClaim(handle_.objects(), pod.namespace_name, name);
    if (claim == nullptr) return {framework::Unresolvable(volumes::ClaimNotFound(name)), {}};
    const std::string& volume_name = claim->spec().volume_name();
    if (volume_name.empty()) {
      Status status = MayWait(handle_.objects(), *claim);
      if (!status.ok()) return {std::move(status), {}};
      continue;
    }
    const auto bound = volumes::FindVolume(handle_.objects(), volume_name);
    if (bound == nullptr) {
      return {framework::Unresolvable(volumes::VolumeNotFound(volume_name)), {}};
    }
    std::vector<Topology> topologies = TopologiesOf(*bound);
    std::move(topologies.begin(), topologies.end(), std::back_inserter(found->topologies));
  }
  if (found->topologies.empty()) return {framework::Skip(), {}};
  state.Write(kPreFilterState, std::move(found));
  return {};
}

Status VolumeZone::Filter(const framework::CycleState& state, const PodInfo&,
                          const NodeInfo& node) const {
  static const Status* const kElsewhere = new Status(framework::Unresolvable(kReason));
  if (!HasTopology(node.labels())) return framework::Success();
  const auto* found = state.Read<State>(kPreFilterState);
  const bool allowed =
      std::all_of(found->topologies.begin(), found->topologies.end(),
                  [&](const Topology& each) { return each.Allows(node.labels()); });
  return allowed ? framework::Success() : *kElsewhere;
}

framework::Dependencies VolumeZone::DependsOn(const PodInfo& pod) const {
  return Concerns(pod) ? framework::Dependencies() : volumes::NoDependencies();
}

bool VolumeZone::FiltersEachPod(const PodInfo& pod) const { return Concerns(pod); }

// Results for pods that are not filtered each for itself depend on nothing.
bool VolumeZone::Sign(const PodInfo&, framework::SignatureBuilder&) const { return true; }

std::optional<std::vector<framework::ClusterEventWithHint>> VolumeZone::EventsToRegister() const {
  using framework::kAdd, framework::kUpdate;
  constexpr framework::ActionType kNodeActions = kAdd | framework::kUpdateNodeLabel;
  return {{{{std::string(volumes::kClassResource), kAdd, ""}, AfterClassCreation},
           {{std::string(framework::kNodeResource), kNodeActions, ""}, nullptr},
           {{std::string(volumes::kClaimResource), kAdd | kUpdate, ""}, AfterClaimChange},
           {{std::string(volumes::kVolumeResource), kAdd | kUpdate, ""}, AfterVolumeChange}}};
}

}  // namespace berth::plugins::volume_zone
