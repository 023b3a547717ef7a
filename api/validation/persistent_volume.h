// Rules of persistent volumes and of claims for them.
// Source: pkg/apis/core/validation/validation.go.
#pragma once

#include <string>
#include <string_view>

#include "api/fwd.h"
#include "api/validation/field_path.h"

namespace google::protobuf {
template <typename T>
class RepeatedPtrField;
}

namespace berth::api::validation {

void ValidatePersistentVolume(const core::PersistentVolume& volume, Errors& errors);
// The source does not change, nor the mode; a node affinity that is set neither, except that
// deprecated topology keys may become the ones that replaced them.
void ValidatePersistentVolumeUpdate(const core::PersistentVolume& volume,
                                    const core::PersistentVolume& old, Errors& errors);
void ValidatePersistentVolumeStatusUpdate(const core::PersistentVolume& volume,
                                          const core::PersistentVolume& old, Errors& errors);
// A volume that an attachment describes in line: CSI only, and nothing that binds it to a claim.
void ValidateInlineVolumeSpec(const core::PersistentVolumeSpec& spec, const FieldPath& path,
                              Errors& errors);

void ValidatePersistentVolumeClaim(const core::PersistentVolumeClaim& claim, Errors& errors);
// May change: the volume's name once, the size of a bound claim upwards, its attributes class.
void ValidatePersistentVolumeClaimUpdate(const core::PersistentVolumeClaim& claim,
                                         const core::PersistentVolumeClaim& old, Errors& errors);
void ValidatePersistentVolumeClaimStatusUpdate(const core::PersistentVolumeClaim& claim,
                                               const core::PersistentVolumeClaim& old,
                                               Errors& errors);

// Shared by the files of this topic.
void ValidateClaimSpec(const core::PersistentVolumeClaimSpec& spec, const FieldPath& path,
                       Errors& errors);
void ValidateAccessModes(const google::protobuf::RepeatedPtrField<std::string>& modes,
                         const FieldPath& path, Errors& errors);

}  // namespace berth::api::validation
