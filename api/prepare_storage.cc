#include "api/prepare_storage.h"

#include "api/prepare_parts.h"
#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/storage_v1.pb.h"

namespace berth::api {
namespace {

// What spec.dataSource can name: a claim, or a snapshot.
bool IsClaimOrSnapshot(std::string_view group, std::string_view kind) {
  return (group.empty() && kind == "PersistentVolumeClaim") ||
         (group == "snapshot.storage.k8s.io" && kind == "VolumeSnapshot");
}

// Sources in other namespaces are behind a gate that is off in 1.36.
void DropSourceNamespace(const core::PersistentVolumeClaimSpec& old,
                         core::PersistentVolumeClaimSpec& spec) {
  if (old.data_source_ref().namespace_().empty() && spec.has_data_source_ref()) {
    spec.mutable_data_source_ref()->clear_namespace_();
  }
}

void AgreeOnSources(core::PersistentVolumeClaimSpec& spec) {
  if (!spec.data_source_ref().namespace_().empty()) return;
  if (spec.has_data_source() && !spec.has_data_source_ref()) {
    const core::TypedLocalObjectReference& from = spec.data_source();
    core::TypedObjectReference& to = *spec.mutable_data_source_ref();
    if (from.has_api_group()) to.set_api_group(from.api_group());
    to.set_kind(from.kind());
    to.set_name(from.name());
  } else if (spec.has_data_source_ref() && !spec.has_data_source() &&
             IsClaimOrSnapshot(spec.data_source_ref().api_group(),
                               spec.data_source_ref().kind())) {
    const core::TypedObjectReference& from = spec.data_source_ref();
    core::TypedLocalObjectReference& to = *spec.mutable_data_source();
    if (from.has_api_group()) to.set_api_group(from.api_group());
    to.set_kind(from.kind());
    to.set_name(from.name());
  }
}

}  // namespace

void CreatePersistentVolume(core::PersistentVolume& volume) {
  volume.clear_status();
  volume.mutable_status()->set_phase("Pending");
  volume.mutable_status()->mutable_last_phase_transition_time();
}

void UpdatePersistentVolume(std::string_view subresource, const core::PersistentVolume& old,
                            core::PersistentVolume& volume) {
  KeepSpecOrStatus(subresource, old, volume);
  if (subresource != "status") return;
  core::PersistentVolumeStatus& status = *volume.mutable_status();
  const core::PersistentVolumeStatus& before = old.status();
  const bool given = status.has_last_phase_transition_time();
  if (before.phase() == status.phase()) {
    if (!given && before.has_last_phase_transition_time()) {
      *status.mutable_last_phase_transition_time() = before.last_phase_transition_time();
    }
  } else if (!given || SemanticEqual(status.last_phase_transition_time(),
                                     before.last_phase_transition_time())) {
    status.mutable_last_phase_transition_time()->Clear();
  }
}

void CreatePersistentVolumeClaim(core::PersistentVolumeClaim& claim) {
  claim.clear_status();
  claim.mutable_status()->set_phase("Pending");
  core::PersistentVolumeClaimSpec& spec = *claim.mutable_spec();
  DropSourceNamespace(core::PersistentVolumeClaimSpec::default_instance(), spec);
  if (!IsClaimOrSnapshot(spec.data_source().api_group(), spec.data_source().kind())) {
    spec.clear_data_source();
  }
  AgreeOnSources(spec);
}

void UpdatePersistentVolumeClaim(std::string_view subresource,
                                 const core::PersistentVolumeClaim& old,
                                 core::PersistentVolumeClaim& claim) {
  KeepSpecOrStatus(subresource, old, claim);
  if (subresource == "status") return;
  DropSourceNamespace(old.spec(), *claim.mutable_spec());
  AgreeOnSources(*claim.mutable_spec());
}

void CreateVolumeAttachment(storage::VolumeAttachment& object) {
  object.clear_status();
  object.mutable_status();
}

void UpdateVolumeAttachment(std::string_view subresource, const storage::VolumeAttachment& old,
                            storage::VolumeAttachment& object) {
  KeepSpecOrStatus(subresource, old, object);
  if (subresource == "status") KeepUsersMetadata(old.metadata(), *object.mutable_metadata());
}

}  // namespace berth::api
