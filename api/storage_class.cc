#include "api/storage_class.h"

#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/storage_v1.pb.h"

namespace berth::api {
namespace {

template <typename Object>
std::string_view ClassOf(const Object& object) {
  const auto& annotations = object.metadata().annotations();
  const auto it = annotations.find(kStorageClassAnnotation);
  return it != annotations.end() ? it->second : object.spec().storage_class_name();
}

}  // namespace

std::string_view StorageClassOf(const core::PersistentVolume& volume) { return ClassOf(volume); }
std::string_view StorageClassOf(const core::PersistentVolumeClaim& claim) {
  return ClassOf(claim);
}

bool NamesStorageClass(const core::PersistentVolumeClaim& claim) {
  return claim.spec().has_storage_class_name() ||
         claim.metadata().annotations().contains(kStorageClassAnnotation);
}

bool IsDefaultStorageClass(const storage::StorageClass& object) {
  const auto& annotations = object.metadata().annotations();
  for (const char* key : {"storageclass.kubernetes.io/is-default-class",
                          "storageclass.beta.kubernetes.io/is-default-class"}) {
    const auto it = annotations.find(key);
    if (it != annotations.end() && it->second == "true") return true;
  }
  return false;
}

}  // namespace berth::api
