// The strategy of pods (see api/prepare.h).
#pragma once

#include <string_view>

#include "api/fwd.h"

namespace berth::api {

// Clears what is behind gates that are off in 1.36, of a pod or a template, unless `old` has it.
void DropGatedFields(const core::PodSpec& old, core::PodSpec& spec);
void PreparePodForCreate(core::Pod& pod);
void PreparePodForUpdate(std::string_view subresource, const core::Pod& old, core::Pod& pod);

}  // namespace berth::api
