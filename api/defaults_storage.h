// Defaults of volumes, claims, storage classes and drivers (see api/defaults.h).
#pragma once

#include "api/fwd.h"

namespace k8s::io::api::core::v1 {
class PersistentVolumeSource;
}

namespace berth::api {

void DefaultPersistentVolume(core::PersistentVolume& volume);
void DefaultPersistentVolumeClaim(core::PersistentVolumeClaim& claim);
// Of a claim, and of the template of one.
void DefaultClaimSpec(core::PersistentVolumeClaimSpec& spec);
void DefaultPersistentVolumeSource(core::PersistentVolumeSource& source);
void DefaultStorageClass(storage::StorageClass& object);
void DefaultCsiDriver(storage::CSIDriver& object);
void DefaultVolumeAttachment(storage::VolumeAttachment& object);

}  // namespace berth::api
