#include "plugins/volumes/pod_volumes.h"

#include <algorithm>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/storage_v1.pb.h"
#include "api/storage_class.h"
#include "base/strings.h"

namespace berth::plugins::volumes {
namespace {

constexpr const char* kBindCompleted = "pv.kubernetes.io/bind-completed";

template <typename T>
std::shared_ptr<const T> Find(const framework::ObjectSource& objects, std::string_view namespace_,
                              std::string_view name) {
  return std::static_pointer_cast<const T>(objects.Get(api::ResourceOf<T>(), namespace_, name));
}

std::string NotFoundText(std::string_view what, std::string_view name) {
  return fmt::format("{} {} not found", what, api::GoQuoted(name));
}

}  // namespace

std::optional<ClaimUse> ClaimUseOf(const api::core::Pod& pod, const api::core::Volume& volume) {
  const auto& source = volume.volume_source();
  if (source.has_persistent_volume_claim()) {
    return ClaimUse{source.persistent_volume_claim().claim_name(), false};
  }
  if (source.has_ephemeral()) return ClaimUse{pod.metadata().name() + "-" + volume.name(), true};
  return std::nullopt;
}

bool UsesClaims(const api::core::Pod& pod, bool named_only) {
  const auto& volumes = pod.spec().volumes();
  return std::any_of(volumes.begin(), volumes.end(), [&](const auto& volume) {
    return volume.volume_source().has_persistent_volume_claim() ||
           (!named_only && volume.volume_source().has_ephemeral());
  });
}

bool UsesClaim(const api::core::Pod& pod, const api::core::PersistentVolumeClaim& claim,
               bool named_only) {
  if (pod.metadata().namespace_() != claim.metadata().namespace_()) return false;
  const auto& volumes = pod.spec().volumes();
  return std::any_of(volumes.begin(), volumes.end(), [&](const auto& volume) {
    const auto use = ClaimUseOf(pod, volume);
    return use && !(named_only && use->ephemeral) && use->name == claim.metadata().name();
  });
}

absl::Status CheckOwner(const api::core::Pod& pod, const api::core::PersistentVolumeClaim& claim) {
  for (const auto& owner : claim.metadata().owner_references()) {
    if (!owner.controller()) continue;
    if (owner.uid() == pod.metadata().uid()) return absl::OkStatus();
    break;
  }
  return Problem(fmt::format("PVC {} was not created for pod {}/{} (pod is not owner)",
                             KeyOf(claim), pod.metadata().namespace_(), pod.metadata().name()));
}

framework::Dependencies NoDependencies() {
  return {.filter = framework::Scope::kNode,
          .score = framework::Scope::kNode,
          .node_fields = 0,
          .domains = {},
          .objects = {}};
}

std::string KeyOf(const api::core::PersistentVolumeClaim& claim) {
  return claim.metadata().namespace_() + "/" + claim.metadata().name();
}

absl::Status Problem(std::string_view text) {
  return absl::FailedPreconditionError(ToAbsl(text));
}

std::string_view ClassOf(const api::core::PersistentVolumeClaim& claim) {
  return api::StorageClassOf(claim);
}
std::string_view ClassOf(const api::core::PersistentVolume& volume) {
  return api::StorageClassOf(volume);
}

bool HasAnnotation(const api::meta::ObjectMeta& metadata, std::string_view key) {
  return metadata.annotations().contains(std::string(key));
}

bool IsFullyBound(const api::core::PersistentVolumeClaim& claim) {
  return !claim.spec().volume_name().empty() && HasAnnotation(claim.metadata(), kBindCompleted);
}

ClaimPtr FindClaim(const framework::ObjectSource& objects, std::string_view namespace_,
                   std::string_view name) {
  return Find<api::core::PersistentVolumeClaim>(objects, namespace_, name);
}
VolumePtr FindVolume(const framework::ObjectSource& objects, std::string_view name) {
  return Find<api::core::PersistentVolume>(objects, {}, name);
}
ClassPtr FindClass(const framework::ObjectSource& objects, std::string_view name) {
  return Find<api::storage::StorageClass>(objects, {}, name);
}
CsiNodePtr FindCsiNode(const framework::ObjectSource& objects, std::string_view node_name) {
  return Find<api::storage::CSINode>(objects, {}, node_name);
}

std::string ClaimNotFound(std::string_view name) {
  return NotFoundText("persistentvolumeclaim", name);
}
std::string VolumeNotFound(std::string_view name) {
  return NotFoundText("persistentvolume", name);
}
std::string ClassNotFound(std::string_view name) {
  return NotFoundText("storageclass.storage.k8s.io", name);
}

}  // namespace berth::plugins::volumes
