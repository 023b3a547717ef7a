// What a pod's phase says of it.
#pragma once

#include "api/fwd.h"

namespace berth::api {

// Succeeded or Failed: it is over. It takes no room, wants none, and never starts again.
bool IsTerminal(const core::Pod& pod);

}  // namespace berth::api
