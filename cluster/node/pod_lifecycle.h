// What a simulated kubelet does with one pod: a state machine over values, without I/O.
//
//              start delay        each init container
//   kStarting -----------> kInitializing --------> kRunning <---------------------+
//       |   \_____________ (no init containers) ______^ |                         | back-off
//       | refused                                       | run time is over        |
//       v                                               v                         |
//   kRejected                      kSucceeded | kFailed | kBackingOff ------------+
//                                    (by restartPolicy and exit code)
//
//   kStarting, kInitializing, kRunning, kBackingOff --deletionTimestamp--> kStopping
//   kStopping --min(grace, stop delay)--> kStopped: the agent deletes the object
//
// Progress lives in memory; everything that must survive is in the pod's status, and Restore reads
// it back, so that an agent that comes back never restarts what runs. Finite pods carry
// annotations: `berth.dev/run-seconds` (a decimal number) and `berth.dev/exit-code`.
// Source of the rules: pkg/kubelet/kubelet_pods.go (getPhase), kuberuntime (back-off).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "api/fwd.h"
#include "cluster/node/delay.h"

namespace berth::node {

inline constexpr std::string_view kRunSecondsAnnotation = "berth.dev/run-seconds";
inline constexpr std::string_view kExitCodeAnnotation = "berth.dev/exit-code";

struct LifecycleOptions {
  Delay start_delay = Delay::Fixed(absl::Milliseconds(50));  // bound and seen -> first container
  Delay init_time = Delay::Fixed(absl::Milliseconds(50));    // of each init container
  // How long containers take to end once asked; never more than the grace period.
  Delay stop_delay = Delay::Fixed(absl::Milliseconds(100));
  // Restarts wait 0, 10, 20, 40 .. 300 s, as the kubelet's do; off: one second.
  bool crash_loop_backoff = true;
  uint64_t seed = 1;  // of the delays
};

enum class Stage : uint8_t {
  kStarting, kInitializing, kRunning, kBackingOff,  // holds its node's resources
  kStopping,                                        // still holds them
  kSucceeded, kFailed, kRejected, kStopped,         // ended
};
std::string_view StageName(Stage stage);
inline bool Ended(Stage stage) { return stage >= Stage::kSucceeded; }

// How one pod will run; the same for the same pod and options.
struct PodPlan {
  enum class RestartPolicy : uint8_t { kAlways, kOnFailure, kNever };
  absl::Duration start_delay;
  absl::Duration init_time;
  absl::Duration stop_delay;
  absl::Duration run_time = absl::InfiniteDuration();
  int32_t exit_code = 0;
  int32_t init_count = 0;  // init containers that run to their end: not sidecars
  RestartPolicy restart_policy = RestartPolicy::kAlways;
  bool crash_loop_backoff = true;
};
// An annotation that does not parse is ignored.
PodPlan MakePlan(const api::core::Pod& pod, const LifecycleOptions& options);

// Why the node refused a pod, in the kubelet's words (admission.h).
struct Refusal {
  std::string reason;   // "OutOfcpu"
  std::string message;
  friend bool operator==(const Refusal&, const Refusal&) = default;
};

// Where a pod is. Times are exact here and whole seconds in the API.
struct PodProgress {
  Stage stage = Stage::kStarting;
  int32_t init_done = 0;
  int32_t restarts = 0;
  bool ran = false;                           // its containers have started once
  absl::Time since;                           // in this stage; in this init container
  absl::Time accepted;                        // status.startTime
  absl::Time run_started = absl::InfinitePast();   // of the current or last run
  absl::Time run_finished = absl::InfinitePast();  // of the last run that ended
  absl::Time stop_at = absl::InfiniteFuture();     // of kStopping
  std::unique_ptr<Refusal> refusal;           // of kRejected
};

// What the pod's status tells about its progress. A pod without one, or one that had not started
// its containers, starts now. deletionTimestamp is not looked at: see Stop.
PodProgress Restore(const api::core::Pod& pod, const PodPlan& plan, absl::Time now);
// True when a node has taken the pod already: it is not asked for admission again.
bool AlreadyAccepted(const api::core::Pod& pod);

// How long a pod that ended waits for its next run; restarts: how often it was restarted already.
absl::Duration RestartDelay(const PodPlan& plan, int32_t restarts);

void Reject(PodProgress& progress, Refusal refusal, absl::Time now);

// Takes every transition that is due. Returns when the next one is; InfiniteFuture for none.
absl::Time Advance(const PodPlan& plan, PodProgress& progress, absl::Time now);

// deletionTimestamp was seen: begins stopping, or stops at once when no container runs.
// Idempotent; a shorter grace than before brings the end forward.
void Stop(const PodPlan& plan, PodProgress& progress, absl::Duration grace, absl::Time now);

}  // namespace berth::node
