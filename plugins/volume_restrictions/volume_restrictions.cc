#include "plugins/volume_restrictions/volume_restrictions.h"

#include <algorithm>
#include <string>
#include <utility>

#include "api/resource_table.h"
#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/strings.h"
#include "framework/handle.h"
#include "framework/snapshot.h"
#include "plugins/volume_restrictions/disk_conflicts.h"
#include "plugins/volume_restrictions/queueing_hints.h"
#include "plugins/volumes/pod_volumes.h"

namespace berth::plugins::volume_restrictions {
namespace {

using framework::NodeInfo;
using framework::PodInfo;
using framework::Status;

constexpr framework::StateKey kPreFilterState{"PreFilterVolumeRestrictions"};

bool IsExclusive(const api::core::PersistentVolumeClaim& claim) {
  const auto& modes = claim.spec().access_modes();
  return std::find(modes.begin(), modes.end(), volumes::kReadWriteOncePod) != modes.end();
}

bool Concerns(const PodInfo& pod) {
  return volumes::UsesClaims(pod.object(), /*named_only=*/true) || HasDisks(pod.object());
}

}  // namespace

struct VolumeRestrictions::State final : framework::StateData {
  StringSet exclusive;  // ReadWriteOncePod claims of the pod, of its namespace
  int64_t uses = 0;     // of those, by pods that run

  // Volumes of a pod of the same namespace that are exclusive claims.
  int64_t UsesBy(const api::core::Pod& pod) const {
    const auto& held = pod.spec().volumes();
    return std::count_if(held.begin(), held.end(), [&](const auto& volume) {
      const auto& source = volume.volume_source();
      return source.has_persistent_volume_claim() &&
             exclusive.contains(source.persistent_volume_claim().claim_name());
    });
  }
  std::unique_ptr<framework::StateData> Clone() const override {
    return std::make_unique<State>(*this);
  }
};

absl::StatusOr<std::unique_ptr<framework::Plugin>> VolumeRestrictions::Create(
    const framework::PluginArgs&, framework::Handle& handle) {
  return std::make_unique<VolumeRestrictions>(handle);
}

VolumeRestrictions::VolumeRestrictions(framework::Handle& handle) : handle_(handle) {
  handle.Watch(api::ResourceOf<api::core::PersistentVolumeClaim>());
}

framework::PreFilterResult VolumeRestrictions::PreFilter(framework::CycleState& state,
                                                         const PodInfo& pod,
                                                         const framework::Snapshot& snapshot) {
  if (!Concerns(pod)) return {framework::Skip(), {}};
  auto wanted = std::make_unique<State>();
  for (const auto& volume : pod.object().spec().volumes()) {
    if (!volume.volume_source().has_persistent_volume_claim()) continue;
    const std::string& name = volume.volume_source().persistent_volume_claim().claim_name();
    const auto claim = volumes::FindClaim(handle_.objects(), pod.namespace_name, name);
    if (claim == nullptr) {
      return {framework::Unresolvable(volumes::ClaimNotFound(name)), {}};
    }
    if (IsExclusive(*claim)) wanted->exclusive.insert(name);
  }
  if (!wanted->exclusive.empty()) {
    StringSet in_use;
    for (const NodeInfo* node : snapshot.nodes()) {
      for (const auto& held : node->pods()) {
        if (!(held->namespace_symbol == pod.namespace_symbol)) continue;
        for (const auto& volume : held->object().spec().volumes()) {
          if (!volume.volume_source().has_persistent_volume_claim()) continue;
          const auto& name = volume.volume_source().persistent_volume_claim().claim_name();
          if (wanted->exclusive.contains(name)) in_use.insert(name);
        }
      }
    }
    wanted->uses = static_cast<int64_t>(in_use.size());
  }
  if (wanted->uses == 0 && !HasDisks(pod.object())) return {framework::Skip(), {}};
  state.Write(kPreFilterState, std::move(wanted));
  return {};
}

Status VolumeRestrictions::AddPod(framework::CycleState& state, const PodInfo& to_schedule,
                                  const PodInfo& added, const NodeInfo&) {
  auto* wanted = state.Mutable<State>(kPreFilterState);
  if (wanted != nullptr && added.namespace_symbol == to_schedule.namespace_symbol) {
    wanted->uses += wanted->UsesBy(added.object());
  }
  return framework::Success();
}

Status VolumeRestrictions::RemovePod(framework::CycleState& state, const PodInfo& to_schedule,
                                     const PodInfo& removed, const NodeInfo&) {
  auto* wanted = state.Mutable<State>(kPreFilterState);
  if (wanted != nullptr && removed.namespace_symbol == to_schedule.namespace_symbol) {
    wanted->uses -= wanted->UsesBy(removed.object());
  }
  return framework::Success();
}

Status VolumeRestrictions::Filter(const framework::CycleState& state, const PodInfo& pod,
                                  const NodeInfo& node) const {
  static const Status* const kDisk = new Status(framework::Unschedulable(kReasonDisk));
  static const Status* const kClaim = new Status(framework::Unschedulable(kReasonClaim));
  if (HasDisks(pod.object())) {
    for (const auto& held : node.pods()) {
      if (DisksConflict(pod.object(), held->object())) return *kDisk;
    }
  }
  const auto* wanted = state.Read<State>(kPreFilterState);
  return wanted->uses > 0 ? *kClaim : framework::Success();
}

framework::Dependencies VolumeRestrictions::DependsOn(const PodInfo& pod) const {
  return Concerns(pod) ? framework::Dependencies() : volumes::NoDependencies();
}

bool VolumeRestrictions::FiltersEachPod(const PodInfo& pod) const { return Concerns(pod); }

// Results for pods that are not filtered each for itself depend on nothing.
bool VolumeRestrictions::Sign(const PodInfo&, framework::SignatureBuilder&) const { return true; }

std::optional<std::vector<framework::ClusterEventWithHint>> VolumeRestrictions::EventsToRegister()
    const {
  return {{{{std::string(framework::kPodResource), framework::kDelete, ""}, AfterPodDeletion},
           {{std::string(framework::kNodeResource), framework::kAdd, ""}, nullptr},
           {{std::string(volumes::kClaimResource), framework::kAdd, ""}, AfterClaimCreation}}};
}

}  // namespace berth::plugins::volume_restrictions
