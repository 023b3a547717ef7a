// Disks that at most one pod may mount for writing, whatever node it runs on.
#pragma once

#include "api/fwd.h"

namespace berth::plugins::volume_restrictions {

// Some volume is a disk that may be in conflict with another.
bool HasDisks(const api::core::Pod& pod);
// A disk of one pod is a disk of the other, and they cannot share it.
bool DisksConflict(const api::core::Pod& pod, const api::core::Pod& other);

}  // namespace berth::plugins::volume_restrictions
