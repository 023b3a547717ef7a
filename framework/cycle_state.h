// CycleState: what plugins keep for one scheduling attempt of one pod.
//
// A plugin declares a key once and stores a type of its own under it:
//   inline constexpr StateKey kPreFilterState{"PreFilterNodePorts"};
//   state.Write(kPreFilterState, std::make_unique<Wanted>(...));
//   const auto* wanted = state.Read<Wanted>(kPreFilterState);   // null when nobody wrote it
//
// Threads: written by PreFilter, PreScore and Reserve, one at a time; Filter and Score only read,
// perhaps concurrently.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include <absl/container/inlined_vector.h>

#include "framework/fwd.h"

namespace berth::framework {

// Identified by its address: declare it `inline constexpr` or static.
struct StateKey {
  std::string_view name;
};

class StateData {
 public:
  virtual ~StateData() = default;
  // A copy that AddPod/RemovePod may change without touching this one.
  virtual std::unique_ptr<StateData> Clone() const = 0;
};

// Whether the attempt is part of a pod group's cycle (framework.md section 9).
enum class PodGroupCycle : uint8_t {
  kNone,
  kPass,    // Reserve and Permit will be undone, and what they would set off must not happen
  kSubmit,  // in earnest; all other members are being decided too
};

class CycleState {
 public:
  CycleState() = default;
  CycleState(CycleState&&) = default;
  CycleState& operator=(CycleState&&) = default;

  void Write(const StateKey& key, std::unique_ptr<StateData> data);
  void Delete(const StateKey& key);
  template <typename T>
  const T* Read(const StateKey& key) const {
    return static_cast<const T*>(Find(key));
  }
  template <typename T>
  T* Mutable(const StateKey& key) {
    return static_cast<T*>(const_cast<StateData*>(Find(key)));
  }
  // Deep: each value's Clone.
  CycleState Clone() const;

  // Plugins whose PreFilter / PreScore answered Skip, as bits of their place in the profile's list
  // of that extension point. Kept by the runtime.
  uint64_t skipped_filters = 0;
  uint64_t skipped_scores = 0;
  // Plugin latency is sampled in one attempt of ten.
  bool record_plugin_metrics = false;
  PodGroupCycle pod_group_cycle = PodGroupCycle::kNone;

 private:
  const StateData* Find(const StateKey& key) const;
  absl::InlinedVector<std::pair<const StateKey*, std::unique_ptr<StateData>>, 8> values_;
};

}  // namespace berth::framework
