// The strategy of pods (see api/prepare.h).
#pragma once

#include <string_view>

#include "api/fwd.h"

namespace berth::api {

void PreparePodForCreate(core::Pod& pod);
void PreparePodForUpdate(std::string_view subresource, const core::Pod& old, core::Pod& pod);

}  // namespace berth::api
