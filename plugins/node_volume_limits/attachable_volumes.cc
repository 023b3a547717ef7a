#include "plugins/node_volume_limits/attachable_volumes.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/storage_v1.pb.h"
#include "plugins/volumes/csi_translation.h"
#include "plugins/volumes/pod_volumes.h"

namespace berth::plugins::node_volume_limits {
namespace {

using volumes::CsiVolume;

// No driver has such a handle. Upstream draws one at random.
constexpr std::string_view kUnboundHandle = "\x01unbound";

// Of a volume that will be made.
std::optional<CsiVolume> OfClass(const framework::ObjectSource& objects,
                                 const api::core::PersistentVolumeClaim& claim,
                                 const Counting& counting) {
  const std::string_view name = volumes::ClassOf(claim);
  if (name.empty()) return std::nullopt;
  const auto storage_class = volumes::FindClass(objects, name);
  if (storage_class == nullptr) return std::nullopt;
  std::string handle = fmt::format("{}-{}/{}", kUnboundHandle, claim.metadata().namespace_(),
                                   claim.metadata().name());
  const auto* plugin = volumes::InTreePluginNamed(storage_class->provisioner());
  if (plugin == nullptr) return CsiVolume{storage_class->provisioner(), std::move(handle)};
  if (!counting.has_csi_node || !plugin->migrates) return std::nullopt;
  return CsiVolume{std::string(plugin->driver), std::move(handle)};
}

std::optional<CsiVolume> OfClaim(const framework::ObjectSource& objects,
                                 const api::core::PersistentVolumeClaim& claim,
                                 const Counting& counting) {
  const std::string& volume_name = claim.spec().volume_name();
  if (volume_name.empty()) return OfClass(objects, claim, counting);
  const auto volume = volumes::FindVolume(objects, volume_name);
  if (volume == nullptr) return OfClass(objects, claim, counting);
  const auto& source = volume->spec().persistent_volume_source();
  if (source.has_csi()) return CsiVolume{source.csi().driver(), source.csi().volume_handle()};
  const auto* plugin = volumes::InTreePluginOf(*volume);
  if (plugin == nullptr || !plugin->migrates || !counting.has_csi_node) return std::nullopt;
  auto csi = volumes::ToCsi(*volume, *plugin);
  if (!csi.ok()) return std::nullopt;
  return *std::move(csi);
}

void Add(CsiVolume volume, Attachables& out) {
  if (volume.driver.empty() || volume.handle.empty()) return;
  std::string name = volume.driver + "/" + volume.handle;
  out[std::move(name)] = std::move(volume.driver);
}

absl::Status AddInline(const api::core::Volume& volume, const Counting& counting,
                       Attachables& out) {
  const auto* plugin = volumes::InTreePluginOf(volume.volume_source());
  if (plugin == nullptr || !plugin->migrates || !counting.has_csi_node) return absl::OkStatus();
  auto csi = volumes::ToCsi(volume.volume_source(), *plugin);
  if (!csi.ok()) {
    return absl::InvalidArgumentError(
        ToAbsl(fmt::format("converting volume({}) from inline to csi: {}", volume.name(),
                           ToStd(csi.status().message()))));
  }
  // An empty handle counts, as upstream: the volumes of one driver without an id are one.
  out[csi->driver + "/" + csi->handle] = csi->driver;
  return absl::OkStatus();
}

}  // namespace

bool MayHaveAttachables(const api::core::Pod& pod) {
  if (volumes::UsesClaims(pod)) return true;
  const auto& held = pod.spec().volumes();
  return std::any_of(held.begin(), held.end(), [](const auto& volume) {
    return volumes::InTreePluginOf(volume.volume_source()) != nullptr;
  });
}

absl::Status AddAttachables(const framework::ObjectSource& objects, const api::core::Pod& pod,
                            const Counting& counting, Attachables& out) {
  const std::string& pod_namespace = pod.metadata().namespace_();
  for (const auto& volume : pod.spec().volumes()) {
    const auto use = volumes::ClaimUseOf(pod, volume);
    if (!use) {
      absl::Status added = AddInline(volume, counting, out);
      if (!added.ok()) return added;
      continue;
    }
    if (use->name.empty()) {
      return absl::InvalidArgumentError("PersistentVolumeClaim had no name");
    }
    const auto claim = volumes::FindClaim(objects, pod_namespace, use->name);
    if (claim == nullptr) {
      if (!counting.claims_required) continue;
      return absl::NotFoundError(ToAbsl(fmt::format("looking up PVC {}/{}: {}", pod_namespace,
                                                    use->name,
                                                    volumes::ClaimNotFound(use->name))));
    }
    if (use->ephemeral) {
      absl::Status owned = volumes::CheckOwner(pod, *claim);
      if (!owned.ok()) return owned;
    }
    auto attachable = OfClaim(objects, *claim, counting);
    if (attachable) Add(*std::move(attachable), out);
  }
  return absl::OkStatus();
}

void AddAttachment(const framework::ObjectSource& objects,
                   const api::storage::VolumeAttachment& attachment, Attachables& out) {
  const auto& spec = attachment.spec();
  if (spec.attacher().empty() || !spec.source().has_persistent_volume_name()) return;
  const auto volume = volumes::FindVolume(objects, spec.source().persistent_volume_name());
  if (volume == nullptr || !volume->spec().persistent_volume_source().has_csi()) return;
  const auto& csi = volume->spec().persistent_volume_source().csi();
  out[spec.attacher() + "/" + csi.volume_handle()] = spec.attacher();
}

}  // namespace berth::plugins::node_volume_limits
