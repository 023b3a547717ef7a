// Which claims a pod's volumes use, and the storage objects behind them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/fwd.h"
#include "framework/object_source.h"
#include "framework/plugin.h"

namespace k8s::io::api::core::v1 {
class VolumeSource;
}

namespace berth::plugins::volumes {

using ClaimPtr = std::shared_ptr<const api::core::PersistentVolumeClaim>;
using VolumePtr = std::shared_ptr<const api::core::PersistentVolume>;
using ClassPtr = std::shared_ptr<const api::storage::StorageClass>;
using CsiNodePtr = std::shared_ptr<const api::storage::CSINode>;

inline constexpr std::string_view kReadWriteOncePod = "ReadWriteOncePod";
inline constexpr std::string_view kWaitForFirstConsumer = "WaitForFirstConsumer";

// --- of a pod ----------------------------------------------------------------------------------

// The claim behind a volume of a pod: the one it names, or of a generic ephemeral volume the one
// that is made for it, "<pod>-<volume>".
struct ClaimUse {
  std::string name;
  bool ephemeral = false;
};
std::optional<ClaimUse> ClaimUseOf(const api::core::Pod& pod, const api::core::Volume& volume);
// Some volume has a claim; named_only: one that the pod names itself.
bool UsesClaims(const api::core::Pod& pod, bool named_only = false);
// The pod's claims include this one.
bool UsesClaim(const api::core::Pod& pod, const api::core::PersistentVolumeClaim& claim,
               bool named_only = false);
// OK when the claim of an ephemeral volume was made for this pod; else upstream's text.
absl::Status CheckOwner(const api::core::Pod& pod, const api::core::PersistentVolumeClaim& claim);

// What results depend on for a pod that a volume plugin has nothing to say about.
framework::Dependencies NoDependencies();

// --- claims, volumes, classes -------------------------------------------------------------------

// "namespace/name".
std::string KeyOf(const api::core::PersistentVolumeClaim& claim);
// FailedPrecondition: what is asked cannot be answered as the objects are.
absl::Status Problem(std::string_view text);

// The storage class, by the old annotation first; empty: none.
std::string_view ClassOf(const api::core::PersistentVolumeClaim& claim);
std::string_view ClassOf(const api::core::PersistentVolume& volume);
// Bound, and the volume controller said so.
bool IsFullyBound(const api::core::PersistentVolumeClaim& claim);
bool HasAnnotation(const api::meta::ObjectMeta& metadata, std::string_view key);

// The newest known objects by name; null when there is none.
ClaimPtr FindClaim(const framework::ObjectSource& objects, std::string_view namespace_,
                   std::string_view name);
VolumePtr FindVolume(const framework::ObjectSource& objects, std::string_view name);
ClassPtr FindClass(const framework::ObjectSource& objects, std::string_view name);
CsiNodePtr FindCsiNode(const framework::ObjectSource& objects, std::string_view node_name);

// `persistentvolumeclaim "a" not found`, as upstream's listers say it.
std::string ClaimNotFound(std::string_view name);
std::string VolumeNotFound(std::string_view name);
std::string ClassNotFound(std::string_view name);

// --- of cluster events --------------------------------------------------------------------------

inline constexpr std::string_view kClaimResource = "PersistentVolumeClaim";
inline constexpr std::string_view kVolumeResource = "PersistentVolume";
inline constexpr std::string_view kClassResource = "storage.k8s.io/StorageClass";
inline constexpr std::string_view kCsiNodeResource = "storage.k8s.io/CSINode";
inline constexpr std::string_view kCsiDriverResource = "storage.k8s.io/CSIDriver";
inline constexpr std::string_view kCapacityResource = "storage.k8s.io/CSIStorageCapacity";
inline constexpr std::string_view kAttachmentResource = "storage.k8s.io/VolumeAttachment";

}  // namespace berth::plugins::volumes
