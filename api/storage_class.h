// Which storage class a claim or a volume is of. Threads: pure functions.
// Source: pkg/apis/core/helper/helpers.go, pkg/apis/storage/util/helpers.go.
#pragma once

#include <string_view>

#include "api/fwd.h"

namespace berth::api {

// What the field spec.storageClassName was before it was a field. It still wins over the field.
inline constexpr char kStorageClassAnnotation[] = "volume.beta.kubernetes.io/storage-class";

// Empty: none. Views into the object.
std::string_view StorageClassOf(const core::PersistentVolume& volume);
std::string_view StorageClassOf(const core::PersistentVolumeClaim& claim);
// It says which class, be it none ("").
bool NamesStorageClass(const core::PersistentVolumeClaim& claim);

// Marked as the class of claims that name none.
bool IsDefaultStorageClass(const storage::StorageClass& object);

}  // namespace berth::api
