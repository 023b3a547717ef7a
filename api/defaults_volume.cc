#include <vector>

#include "api/defaults_pod.h"
#include "api/defaults_storage.h"
#include "api/image_reference.h"
#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/core_v1_volume.pb.h"

namespace berth::api {
namespace {

constexpr int32_t kFileMode = 0644;
constexpr int64_t kTokenSeconds = 3600;

template <typename Items>
void DefaultFieldRefs(Items& items) {
  for (core::DownwardAPIVolumeFile& file : items) {
    if (file.has_field_ref() && file.field_ref().api_version().empty()) {
      file.mutable_field_ref()->set_api_version("v1");
    }
  }
}

void DefaultProjected(core::ProjectedVolumeSource& projected) {
  if (!projected.has_default_mode()) projected.set_default_mode(kFileMode);
  for (core::VolumeProjection& source : *projected.mutable_sources()) {
    if (source.has_downward_api()) {
      DefaultFieldRefs(*source.mutable_downward_api()->mutable_items());
    }
    if (source.has_service_account_token() &&
        !source.service_account_token().has_expiration_seconds()) {
      source.mutable_service_account_token()->set_expiration_seconds(kTokenSeconds);
    }
  }
}

template <typename Rbd>
void DefaultRbd(Rbd& rbd) {
  if (rbd.pool().empty()) rbd.set_pool("rbd");
  if (rbd.user().empty()) rbd.set_user("admin");
  if (rbd.keyring().empty()) rbd.set_keyring("/etc/ceph/keyring");
}

void DefaultAzureDisk(core::AzureDiskVolumeSource& disk) {
  if (!disk.has_caching_mode()) disk.set_caching_mode("ReadWrite");
  if (!disk.has_kind()) disk.set_kind("Shared");
  if (!disk.has_fs_type()) disk.set_fs_type("ext4");
  if (!disk.has_read_only()) disk.set_read_only(false);
}

template <typename ScaleIo>
void DefaultScaleIo(ScaleIo& volume) {
  if (volume.storage_mode().empty()) volume.set_storage_mode("ThinProvisioned");
  if (volume.fs_type().empty()) volume.set_fs_type("xfs");
}

void DefaultClaimTemplate(core::EphemeralVolumeSource& ephemeral) {
  if (!ephemeral.has_volume_claim_template()) return;
  DefaultClaimSpec(*ephemeral.mutable_volume_claim_template()->mutable_spec());
}

template <typename Source>
void DefaultHostPath(Source& source) {
  if (source.has_host_path() && !source.host_path().has_type()) {
    source.mutable_host_path()->set_type("");
  }
}

template <typename Source>
void DefaultIscsi(Source& source) {
  if (source.has_iscsi() && source.iscsi().iscsi_interface().empty()) {
    source.mutable_iscsi()->set_iscsi_interface("default");
  }
}

bool HasNoSource(const core::VolumeSource& source) {
  std::vector<const google::protobuf::FieldDescriptor*> set;
  source.GetReflection()->ListFields(source, &set);
  return set.empty();
}

}  // namespace

void DefaultVolume(core::Volume& volume) {
  core::VolumeSource& source = *volume.mutable_volume_source();
  if (HasNoSource(source)) source.mutable_empty_dir();
  if (source.has_secret() && !source.secret().has_default_mode()) {
    source.mutable_secret()->set_default_mode(kFileMode);
  }
  if (source.has_config_map() && !source.config_map().has_default_mode()) {
    source.mutable_config_map()->set_default_mode(kFileMode);
  }
  if (source.has_downward_api()) {
    core::DownwardAPIVolumeSource& downward = *source.mutable_downward_api();
    if (!downward.has_default_mode()) downward.set_default_mode(kFileMode);
    DefaultFieldRefs(*downward.mutable_items());
  }
  DefaultHostPath(source);
  if (source.has_projected()) DefaultProjected(*source.mutable_projected());
  DefaultIscsi(source);
  if (source.has_rbd()) DefaultRbd(*source.mutable_rbd());
  if (source.has_azure_disk()) DefaultAzureDisk(*source.mutable_azure_disk());
  if (source.has_scale_io()) DefaultScaleIo(*source.mutable_scale_io());
  if (source.has_ephemeral()) DefaultClaimTemplate(*source.mutable_ephemeral());
  if (source.has_image() && source.image().pull_policy().empty()) {
    const bool latest = ImageTag(source.image().reference()) == "latest";
    source.mutable_image()->set_pull_policy(latest ? "Always" : "IfNotPresent");
  }
}

void DefaultPersistentVolumeSource(core::PersistentVolumeSource& source) {
  DefaultHostPath(source);
  DefaultIscsi(source);
  if (source.has_rbd()) DefaultRbd(*source.mutable_rbd());
  if (source.has_azure_disk()) DefaultAzureDisk(*source.mutable_azure_disk());
  if (source.has_scale_io()) DefaultScaleIo(*source.mutable_scale_io());
}

}  // namespace berth::api
