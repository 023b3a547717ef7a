// Defaults of pods and what is in them (see api/defaults.h).
#pragma once

#include "api/fwd.h"
#include "api/pod_resources.h"

namespace berth::api {

void DefaultPod(core::Pod& pod);
void DefaultVolume(core::Volume& volume);

// Amounts finer than a thousandth are rounded up to one, as upstream has always done.
void RoundUpToMilli(ResourceList& list);
void RoundUpToMilli(core::ResourceRequirements& resources);

}  // namespace berth::api
