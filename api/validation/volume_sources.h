// Rules of the sources of a volume that are more than a few lines: the storage back ends, and the
// claim that an ephemeral volume makes. The caller has seen that there is one source only.
// Source: pkg/apis/core/validation/validation.go.
#pragma once

#include "api/fwd.h"
#include "api/validation/field_path.h"

namespace k8s::io::api::core::v1 {
class AWSElasticBlockStoreVolumeSource;
class AzureDiskVolumeSource;
class AzureFileVolumeSource;
class CephFSVolumeSource;
class CinderVolumeSource;
class EphemeralVolumeSource;
class FCVolumeSource;
class FlexVolumeSource;
class FlockerVolumeSource;
class GCEPersistentDiskVolumeSource;
class GitRepoVolumeSource;
class GlusterfsVolumeSource;
class ISCSIVolumeSource;
class PhotonPersistentDiskVolumeSource;
class PortworxVolumeSource;
class QuobyteVolumeSource;
class RBDVolumeSource;
class ScaleIOVolumeSource;
class StorageOSVolumeSource;
class VsphereVirtualDiskVolumeSource;
}  // namespace k8s::io::api::core::v1

namespace berth::api::validation {

void ValidateBackEnd(const core::AWSElasticBlockStoreVolumeSource&, const FieldPath&, Errors&);
void ValidateBackEnd(const core::AzureDiskVolumeSource&, const FieldPath&, Errors&);
void ValidateBackEnd(const core::AzureFileVolumeSource&, const FieldPath&, Errors&);
void ValidateBackEnd(const core::CephFSVolumeSource&, const FieldPath&, Errors&);
void ValidateBackEnd(const core::CinderVolumeSource&, const FieldPath&, Errors&);
void ValidateBackEnd(const core::FCVolumeSource&, const FieldPath&, Errors&);
void ValidateBackEnd(const core::FlexVolumeSource&, const FieldPath&, Errors&);
void ValidateBackEnd(const core::FlockerVolumeSource&, const FieldPath&, Errors&);
void ValidateBackEnd(const core::GCEPersistentDiskVolumeSource&, const FieldPath&, Errors&);
void ValidateBackEnd(const core::GitRepoVolumeSource&, const FieldPath&, Errors&);
void ValidateBackEnd(const core::GlusterfsVolumeSource&, const FieldPath&, Errors&);
void ValidateBackEnd(const core::ISCSIVolumeSource&, const FieldPath&, Errors&);
void ValidateBackEnd(const core::PhotonPersistentDiskVolumeSource&, const FieldPath&, Errors&);
void ValidateBackEnd(const core::PortworxVolumeSource&, const FieldPath&, Errors&);
void ValidateBackEnd(const core::QuobyteVolumeSource&, const FieldPath&, Errors&);
void ValidateBackEnd(const core::RBDVolumeSource&, const FieldPath&, Errors&);
void ValidateBackEnd(const core::ScaleIOVolumeSource&, const FieldPath&, Errors&);
void ValidateBackEnd(const core::StorageOSVolumeSource&, const FieldPath&, Errors&);
void ValidateBackEnd(const core::VsphereVirtualDiskVolumeSource&, const FieldPath&, Errors&);

void ValidateEphemeralSource(const core::EphemeralVolumeSource& source, const FieldPath& path,
                             Errors& errors);

}  // namespace berth::api::validation
