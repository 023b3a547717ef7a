#include "plugins/volume_binding/pod_claims.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/storage_v1.pb.h"
#include "base/strings.h"
#include "plugins/volume_binding/candidates.h"

namespace berth::plugins::volume_binding {
namespace {

using api::core::PersistentVolume;
using api::core::PersistentVolumeClaim;
using api::scheduling::LabelSet;
using volumes::Problem;

// A pod's claim, by what is assumed of it; the text of the failure when it is not there.
absl::StatusOr<ClaimPtr> ClaimFor(const Sources& sources, const api::core::Pod& pod,
                                  const volumes::ClaimUse& use) {
  const std::string& pod_namespace = pod.metadata().namespace_();
  auto claim = std::static_pointer_cast<const PersistentVolumeClaim>(
      sources.claims.Get(pod_namespace, use.name));
  if (claim == nullptr) {
    const std::string key = api::GoQuoted(pod_namespace + "/" + use.name);
    return Problem(fmt::format(
        "error getting PVC {}: could not find v1.PersistentVolumeClaim {}", key, key));
  }
  if (use.ephemeral) {
    absl::Status owned = volumes::CheckOwner(pod, *claim);
    if (!owned.ok()) return owned;
  }
  return claim;
}

// The class binds a claim when its first pod is placed. A class that is not there does not.
absl::StatusOr<bool> IsDelayed(const Sources& sources, const PersistentVolumeClaim& claim) {
  const std::string_view name = volumes::ClassOf(claim);
  if (name.empty()) return false;
  const auto storage_class = volumes::FindClass(sources.objects, name);
  if (storage_class == nullptr) return false;
  if (!storage_class->has_volume_binding_mode()) {
    return Problem(
        fmt::format("VolumeBindingMode not set for StorageClass {}", api::GoQuoted(name)));
  }
  return storage_class->volume_binding_mode() == volumes::kWaitForFirstConsumer;
}

// The class can make a volume on the node, as far as its topology goes.
bool MayProvision(const Provisioning& provisioning, const LabelSet& node) {
  if (!provisioning.possible) return false;
  if (provisioning.topologies.empty()) return true;
  return std::any_of(provisioning.topologies.begin(), provisioning.topologies.end(),
                     [&](const auto& term) { return term.Matches(node, Symbol()); });
}

bool HasRoom(const Provisioning& provisioning, const LabelSet& node) {
  if (!provisioning.limited) return true;
  return std::any_of(provisioning.room.begin(), provisioning.room.end(),
                     [&](const auto& selector) { return selector.Matches(node); });
}

}  // namespace

Reach Reach::Of(const api::core::NodeSelector& selector) {
  return {false, api::scheduling::CompileSelector(selector)};
}

Reach Reach::Of(const PersistentVolume& volume) {
  if (!volume.spec().node_affinity().has_required()) return {};
  return Of(volume.spec().node_affinity().required());
}

bool Reach::Has(const LabelSet& node) const {
  if (everywhere) return true;
  // Upstream hands over a node without a name, so that matchFields sees none.
  return std::any_of(terms.begin(), terms.end(),
                     [&](const auto& term) { return term.Matches(node, Symbol()); });
}

BoundVolume BoundVolume::Of(const PersistentVolume* volume) {
  BoundVolume bound;
  if (volume == nullptr) return bound;
  bound.exists = true;
  bound.reach = Reach::Of(*volume);
  const auto* plugin = volumes::InTreePluginOf(*volume);
  if (plugin == nullptr || !plugin->migrates) return bound;
  bound.plugin = plugin;
  if (auto csi = volumes::ToCsi(*volume, *plugin); !csi.ok()) {
    bound.untranslatable =
        Problem("could not translate pv: " + std::string(ToStd(csi.status().message())));
    return bound;
  }
  const api::core::NodeSelector selector = volumes::CsiAffinity(*volume, *plugin);
  if (volume->spec().node_affinity().has_required() || selector.node_selector_terms_size() > 0) {
    bound.migrated_reach = Reach::Of(selector);
  }
  return bound;
}

absl::StatusOr<bool> BoundVolume::IsInReach(const LabelSet& node,
                                            const api::storage::CSINode* csi_node) const {
  if (plugin == nullptr || !volumes::HasMigrated(csi_node, *plugin)) return reach.Has(node);
  if (!untranslatable.ok()) return untranslatable;
  return migrated_reach.Has(node);
}

absl::StatusOr<PodClaims> PodClaims::Read(const Sources& sources, const api::core::Pod& pod) {
  PodClaims claims;
  for (const auto& volume : pod.spec().volumes()) {
    const auto use = volumes::ClaimUseOf(pod, volume);
    if (!use) continue;
    auto claim = ClaimFor(sources, pod, *use);
    if (!claim.ok()) return claim.status();
    if (volumes::IsFullyBound(**claim)) {
      const auto bound = std::static_pointer_cast<const PersistentVolume>(
          sources.volumes.Get({}, (*claim)->spec().volume_name()));
      claims.bound.push_back(BoundVolume::Of(bound.get()));
      continue;
    }
    const auto delayed = IsDelayed(sources, **claim);
    if (!delayed.ok()) return delayed.status();
    if (!*delayed || !(*claim)->spec().volume_name().empty()) {
      claims.has_immediate = true;
      continue;
    }
    claims.unbound.push_back(ReadUnbound(*std::move(claim)));
  }
  if (claims.has_immediate) return claims;  // the pod waits: nothing more is asked
  FindCandidates(sources.volumes, claims.unbound);
  for (UnboundClaim& unbound : claims.unbound) {
    unbound.provisioning = ReadProvisioning(sources.objects, *unbound.claim);
  }
  return claims;
}

bool PodClaims::ReadsCsiNode() const {
  return std::any_of(bound.begin(), bound.end(),
                     [](const BoundVolume& each) { return each.plugin != nullptr; });
}

Conflicts PodClaims::CheckBound(const LabelSet& node, const api::storage::CSINode* csi_node,
                                absl::Status* error) const {
  for (const BoundVolume& each : bound) {
    if (!each.exists) return kVolumeGone;
    const auto in_reach = each.IsInReach(node, csi_node);
    if (!in_reach.ok()) {
      *error = in_reach.status();
      return 0;
    }
    if (!*in_reach) return kOutOfReach;
  }
  return 0;
}

Finding PodClaims::FindOn(std::string_view node_name, const LabelSet& node,
                          const api::storage::CSINode* csi_node) const {
  Finding finding;
  finding.conflicts = CheckBound(node, csi_node, &finding.error);
  if (!finding.error.ok() || unbound.empty()) return finding;
  std::vector<const UnboundClaim*> to_match, to_provision;
  for (const UnboundClaim& each : unbound) {
    if (each.selected_node && *each.selected_node != node_name) {
      finding.conflicts |= kNoVolume;
      return finding;
    }
    (each.selected_node ? to_provision : to_match).push_back(&each);
  }
  std::stable_sort(to_match.begin(), to_match.end(), [](const auto* a, const auto* b) {
    return a->request.Cmp(b->request) < 0;  // the smallest takes the smallest volume that does
  });
  for (const UnboundClaim* each : to_match) {
    if (!each->bad_selector.ok()) {
      finding.error = each->bad_selector;
      return finding;
    }
    const auto taken = [&](const VolumePtr& volume) {
      const auto& bindings = finding.volumes.bindings;
      return std::any_of(bindings.begin(), bindings.end(), [&](const Binding& binding) {
        return binding.volume->metadata().name() == volume->metadata().name();
      });
    };
    const auto match =
        std::find_if(each->candidates.begin(), each->candidates.end(), [&](const auto& candidate) {
          return candidate.reach.Has(node) && !taken(candidate.volume);
        });
    if (match == each->candidates.end()) {
      to_provision.push_back(each);
    } else {
      finding.volumes.bindings.push_back({match->volume, each->claim});
    }
  }
  for (const UnboundClaim* each : to_provision) {
    if (!each->provisioning.problem.ok()) {
      finding.error = each->provisioning.problem;
      return finding;
    }
    if (!MayProvision(each->provisioning, node)) {
      finding.conflicts |= kNoVolume;
      return finding;
    }
    if (!HasRoom(each->provisioning, node)) {
      finding.conflicts |= kNoRoom;
      return finding;
    }
    finding.volumes.provisions.push_back(each->claim);
  }
  return finding;
}

absl::Status CheckClaims(const framework::ObjectSource& objects, const api::core::Pod& pod) {
  for (const auto& volume : pod.spec().volumes()) {
    const auto use = volumes::ClaimUseOf(pod, volume);
    if (!use) continue;
    const auto claim = volumes::FindClaim(objects, pod.metadata().namespace_(), use->name);
    const std::string name = api::GoQuoted(use->name);
    if (claim == nullptr) {
      if (!use->ephemeral) return Problem(volumes::ClaimNotFound(use->name));
      return Problem(fmt::format(
          "waiting for ephemeral volume controller to create the persistentvolumeclaim {}", name));
    }
    if (claim->status().phase() == "Lost") {
      return Problem(
          fmt::format("persistentvolumeclaim {} bound to non-existent persistentvolume {}", name,
                      api::GoQuoted(claim->spec().volume_name())));
    }
    if (claim->metadata().has_deletion_timestamp()) {
      return Problem(fmt::format("persistentvolumeclaim {} is being deleted", name));
    }
    if (use->ephemeral) {
      absl::Status owned = volumes::CheckOwner(pod, *claim);
      if (!owned.ok()) return owned;
    }
  }
  return absl::OkStatus();
}

}  // namespace berth::plugins::volume_binding
