// The strategies of volumes, claims and attachments (see api/prepare.h).
#pragma once

#include <string_view>

#include "api/fwd.h"

namespace berth::api {

// A new volume is Pending since now: the time is the server's to fill in.
void CreatePersistentVolume(core::PersistentVolume& volume);
// A new phase without a new time has the server fill in the time.
void UpdatePersistentVolume(std::string_view subresource, const core::PersistentVolume& old,
                            core::PersistentVolume& volume);

// spec.dataSource and spec.dataSourceRef say the same, as far as the older one can.
void CreatePersistentVolumeClaim(core::PersistentVolumeClaim& claim);
void UpdatePersistentVolumeClaim(std::string_view subresource,
                                 const core::PersistentVolumeClaim& old,
                                 core::PersistentVolumeClaim& claim);

void CreateVolumeAttachment(storage::VolumeAttachment& object);
void UpdateVolumeAttachment(std::string_view subresource, const storage::VolumeAttachment& old,
                            storage::VolumeAttachment& object);

}  // namespace berth::api
