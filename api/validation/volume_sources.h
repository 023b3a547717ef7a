// Rules of the sources of a volume that are more than a few lines: the storage back ends, and the
// claim that an ephemeral volume makes. The caller has seen that there is one source only.
// Source: pkg/apis/core/validation/validation.go.
#pragma once

#include <string>

#include "api/fwd.h"
#include "api/validation/field_path.h"

namespace k8s::io::api::core::v1 {
class AWSElasticBlockStoreVolumeSource;
class AzureDiskVolumeSource;
class AzureFilePersistentVolumeSource;
class AzureFileVolumeSource;
class CephFSPersistentVolumeSource;
class CephFSVolumeSource;
class CinderPersistentVolumeSource;
class CinderVolumeSource;
class CSIPersistentVolumeSource;
class EphemeralVolumeSource;
class FCVolumeSource;
class FlexPersistentVolumeSource;
class FlexVolumeSource;
class FlockerVolumeSource;
class GCEPersistentDiskVolumeSource;
class GitRepoVolumeSource;
class GlusterfsPersistentVolumeSource;
class GlusterfsVolumeSource;
class HostPathVolumeSource;
class ISCSIPersistentVolumeSource;
class ISCSIVolumeSource;
class LocalVolumeSource;
class NFSVolumeSource;
class PhotonPersistentDiskVolumeSource;
class PortworxVolumeSource;
class QuobyteVolumeSource;
class RBDPersistentVolumeSource;
class RBDVolumeSource;
class ScaleIOPersistentVolumeSource;
class ScaleIOVolumeSource;
class StorageOSPersistentVolumeSource;
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

// Of volumes of pods and of persistent volumes.
void ValidateBackEnd(const core::HostPathVolumeSource&, const FieldPath&, Errors&);
void ValidateBackEnd(const core::NFSVolumeSource&, const FieldPath&, Errors&);

// Of persistent volumes only.
void ValidateBackEnd(const core::AzureFilePersistentVolumeSource&, const FieldPath&, Errors&);
void ValidateBackEnd(const core::CephFSPersistentVolumeSource&, const FieldPath&, Errors&);
void ValidateBackEnd(const core::CinderPersistentVolumeSource&, const FieldPath&, Errors&);
void ValidateBackEnd(const core::CSIPersistentVolumeSource&, const FieldPath&, Errors&);
void ValidateBackEnd(const core::FlexPersistentVolumeSource&, const FieldPath&, Errors&);
void ValidateBackEnd(const core::GlusterfsPersistentVolumeSource&, const FieldPath&, Errors&);
void ValidateBackEnd(const core::ISCSIPersistentVolumeSource&, const FieldPath&, Errors&);
void ValidateBackEnd(const core::LocalVolumeSource&, const FieldPath&, Errors&);
void ValidateBackEnd(const core::RBDPersistentVolumeSource&, const FieldPath&, Errors&);
void ValidateBackEnd(const core::ScaleIOPersistentVolumeSource&, const FieldPath&, Errors&);
void ValidateBackEnd(const core::StorageOSPersistentVolumeSource&, const FieldPath&, Errors&);

// Not empty, at most 63 bytes, a DNS subdomain in any case. Also the name of a driver of devices.
void ValidateCsiDriverName(const std::string& name, const FieldPath& path, Errors& errors);

void ValidateEphemeralSource(const core::EphemeralVolumeSource& source, const FieldPath& path,
                             Errors& errors);

}  // namespace berth::api::validation
