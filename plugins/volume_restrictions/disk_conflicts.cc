#include "plugins/volume_restrictions/disk_conflicts.h"

#include <algorithm>

#include "api/schema/core_v1_pod.pb.h"

namespace berth::plugins::volume_restrictions {
namespace {

using api::core::VolumeSource;

bool IsDisk(const VolumeSource& source) {
  return source.has_gce_persistent_disk() || source.has_aws_elastic_block_store() ||
         source.has_rbd() || source.has_iscsi();
}

// Both mount it for reading only.
template <typename Disk>
bool BothRead(const Disk& a, const Disk& b) {
  return a.read_only() && b.read_only();
}

bool SameImage(const api::core::RBDVolumeSource& a, const api::core::RBDVolumeSource& b) {
  if (a.pool() != b.pool() || a.image() != b.image()) return false;
  return std::any_of(a.monitors().begin(), a.monitors().end(), [&](const auto& monitor) {
    return std::find(b.monitors().begin(), b.monitors().end(), monitor) != b.monitors().end();
  });
}

bool Conflict(const VolumeSource& a, const VolumeSource& b) {
  if (a.has_gce_persistent_disk() && b.has_gce_persistent_disk() &&
      a.gce_persistent_disk().pd_name() == b.gce_persistent_disk().pd_name() &&
      !BothRead(a.gce_persistent_disk(), b.gce_persistent_disk())) {
    return true;
  }
  if (a.has_aws_elastic_block_store() && b.has_aws_elastic_block_store() &&
      a.aws_elastic_block_store().volume_id() == b.aws_elastic_block_store().volume_id()) {
    return true;
  }
  if (a.has_iscsi() && b.has_iscsi() && a.iscsi().iqn() == b.iscsi().iqn() &&
      !BothRead(a.iscsi(), b.iscsi())) {
    return true;
  }
  return a.has_rbd() && b.has_rbd() && SameImage(a.rbd(), b.rbd()) && !BothRead(a.rbd(), b.rbd());
}

}  // namespace

bool HasDisks(const api::core::Pod& pod) {
  const auto& volumes = pod.spec().volumes();
  return std::any_of(volumes.begin(), volumes.end(),
                     [](const auto& volume) { return IsDisk(volume.volume_source()); });
}

bool DisksConflict(const api::core::Pod& pod, const api::core::Pod& other) {
  for (const auto& volume : pod.spec().volumes()) {
    if (!IsDisk(volume.volume_source())) continue;
    for (const auto& held : other.spec().volumes()) {
      if (Conflict(volume.volume_source(), held.volume_source())) return true;
    }
  }
  return false;
}

}  // namespace berth::plugins::volume_restrictions
