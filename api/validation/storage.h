// Rules of storage classes, drivers, what nodes say of drivers, capacities and attachments.
// Source: pkg/apis/storage/validation/validation.go, pkg/registry/storage/*/strategy.go.
#pragma once

#include "api/fwd.h"
#include "api/validation/field_path.h"

namespace berth::api::validation {

void ValidateStorageClass(const storage::StorageClass& object, Errors& errors);
// Provisioner, parameters, reclaim policy and binding mode do not change.
void ValidateStorageClassUpdate(const storage::StorageClass& object,
                                const storage::StorageClass& old, Errors& errors);

void ValidateCsiDriver(const storage::CSIDriver& object, Errors& errors);
void ValidateCsiDriverUpdate(const storage::CSIDriver& object, const storage::CSIDriver& old,
                             Errors& errors);

void ValidateCsiNode(const storage::CSINode& object, Errors& errors);
// Of a driver that was there already only the number of volumes changes.
void ValidateCsiNodeUpdate(const storage::CSINode& object, const storage::CSINode& old,
                           Errors& errors);

void ValidateCsiStorageCapacity(const storage::CSIStorageCapacity& object, Errors& errors);
void ValidateCsiStorageCapacityUpdate(const storage::CSIStorageCapacity& object,
                                      const storage::CSIStorageCapacity& old, Errors& errors);

void ValidateVolumeAttachmentCreate(const storage::VolumeAttachment& object, Errors& errors);
// Also of the status. The spec does not change.
void ValidateVolumeAttachmentUpdate(const storage::VolumeAttachment& object,
                                    const storage::VolumeAttachment& old, Errors& errors);

}  // namespace berth::api::validation
