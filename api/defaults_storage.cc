#include "api/defaults_storage.h"

#include "api/defaults_pod.h"
#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/storage_v1.pb.h"

namespace berth::api {
namespace {

void DefaultVolumeSpec(core::PersistentVolumeSpec& spec) {
  if (spec.has_persistent_volume_source()) {
    DefaultPersistentVolumeSource(*spec.mutable_persistent_volume_source());
  }
  RoundUpToMilli(*spec.mutable_capacity());
}

}  // namespace

void DefaultPersistentVolume(core::PersistentVolume& volume) {
  core::PersistentVolumeSpec& spec = *volume.mutable_spec();
  if (volume.status().phase().empty()) volume.mutable_status()->set_phase("Pending");
  if (spec.persistent_volume_reclaim_policy().empty()) {
    spec.set_persistent_volume_reclaim_policy("Retain");
  }
  if (!spec.has_volume_mode()) spec.set_volume_mode("Filesystem");
  DefaultVolumeSpec(spec);
}

void DefaultPersistentVolumeClaim(core::PersistentVolumeClaim& claim) {
  if (claim.status().phase().empty()) claim.mutable_status()->set_phase("Pending");
  DefaultClaimSpec(*claim.mutable_spec());
  RoundUpToMilli(*claim.mutable_status()->mutable_capacity());
  RoundUpToMilli(*claim.mutable_status()->mutable_allocated_resources());
}

void DefaultClaimSpec(core::PersistentVolumeClaimSpec& spec) {
  if (!spec.has_volume_mode()) spec.set_volume_mode("Filesystem");
  if (!spec.has_resources()) return;
  RoundUpToMilli(*spec.mutable_resources()->mutable_limits());
  RoundUpToMilli(*spec.mutable_resources()->mutable_requests());
}

void DefaultStorageClass(storage::StorageClass& object) {
  if (!object.has_reclaim_policy()) object.set_reclaim_policy("Delete");
  if (!object.has_volume_binding_mode()) object.set_volume_binding_mode("Immediate");
}

void DefaultCsiDriver(storage::CSIDriver& object) {
  storage::CSIDriverSpec& spec = *object.mutable_spec();
  if (!spec.has_attach_required()) spec.set_attach_required(true);
  if (!spec.has_pod_info_on_mount()) spec.set_pod_info_on_mount(false);
  if (!spec.has_storage_capacity()) spec.set_storage_capacity(false);
  if (!spec.has_fs_group_policy()) spec.set_fs_group_policy("ReadWriteOnceWithFSType");
  if (spec.volume_lifecycle_modes().empty()) spec.add_volume_lifecycle_modes("Persistent");
  if (!spec.has_requires_republish()) spec.set_requires_republish(false);
  if (!spec.has_se_linux_mount()) spec.set_se_linux_mount(false);
}

void DefaultVolumeAttachment(storage::VolumeAttachment& object) {
  if (!object.spec().source().has_inline_volume_spec()) return;
  DefaultVolumeSpec(*object.mutable_spec()->mutable_source()->mutable_inline_volume_spec());
}

}  // namespace berth::api
