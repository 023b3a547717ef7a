#include "framework/pods_to_activate.h"

namespace berth::framework {

void ActivateLater(CycleState& state, std::string_view pod_key) {
  auto* held = state.Mutable<PodsToActivate>(kPodsToActivate);
  if (held == nullptr) {
    auto made = std::make_unique<PodsToActivate>();
    held = made.get();
    state.Write(kPodsToActivate, std::move(made));
  }
  held->keys->emplace(pod_key);
}

}  // namespace berth::framework
