// What tests see of the inside of an engine.
#pragma once

#include "framework/cycle/engine_core.h"

namespace berth::framework {

struct EngineTestPeer {
  static EngineCore& Core(Engine& engine) { return *engine.core_; }
};

}  // namespace berth::framework
