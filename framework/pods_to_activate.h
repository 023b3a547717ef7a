// Pods that a plugin wants tried again once the pod it is called for has got its node:
//
//   Status Gang::Reserve(CycleState& state, const PodInfo& pod, std::string_view) {
//     for (const std::string& sibling : SiblingsOf(pod)) ActivateLater(state, sibling);
//
// What was asked for until Permit is put into the active queue at the end of a scheduling cycle
// that went well; what is asked for in PreBind, Bind and PostBind, after PostBind. A cycle that
// fails activates nothing. (Handle::Activate does it at once, whatever becomes of the cycle.)
// A plugin whose evaluations are shared runs PreScore for many pods at once: what it asks for there
// is not heard. Source: kube-scheduler framework/interface.go (PodsToActivate), schedule_one.go.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "framework/cycle_state.h"

namespace berth::framework {

inline constexpr StateKey kPodsToActivate{"kubernetes.io/pods-to-activate"};

struct PodsToActivate final : StateData {
  using Keys = std::set<std::string, std::less<>>;  // "namespace/name"
  std::shared_ptr<Keys> keys = std::make_shared<Keys>();
  // One and the same for all copies of a state.
  std::unique_ptr<StateData> Clone() const override {
    return std::make_unique<PodsToActivate>(*this);
  }
};

// pod_key: "namespace/name". Pods that do not wait then are left alone. Threads: as CycleState.
void ActivateLater(CycleState& state, std::string_view pod_key);

}  // namespace berth::framework
