// What could become of an unbound claim, whatever the node: volumes that would do, and whether one
// could be made.
// Source: component-helpers/storage/volume (FindMatchingVolume), volumebinding/binder.go
// (checkVolumeProvisions, hasEnoughCapacity).
#pragma once

#include <vector>

#include "plugins/volume_binding/pod_claims.h"

namespace berth::plugins::volume_binding {

// Everything but candidates and provisioning.
UnboundClaim ReadUnbound(ClaimPtr claim);

// Fills in the candidates of all. One pass over the volumes.
void FindCandidates(const AssumedObjects& known, std::vector<UnboundClaim>& claims);

Provisioning ReadProvisioning(const framework::ObjectSource& objects,
                              const api::core::PersistentVolumeClaim& claim);

// What a volume of a capacity object may have at most; nullopt: it does not say.
std::optional<api::Quantity> VolumeSizeMax(const api::storage::CSIStorageCapacity& capacity);

// The volume is meant for the claim, by its user or by an earlier binding.
bool IsMeantFor(const api::core::PersistentVolume& volume,
                const api::core::PersistentVolumeClaim& claim);

}  // namespace berth::plugins::volume_binding
