// BindingCycles: from a reserved node to a bound pod, many at a time.
//
//   PreBindPreFlight -> wait on Permit -> PreBind -> Bind -> PostBind
//          |                 |              |         |
//          +-----------------+--------------+---------+--> Unreserve, forget, failure handling
//
// Each arrow may be a completion that comes later. Source: schedule_one.go (bindingCycle);
// framework.md section 4.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "framework/cycle/engine_core.h"
#include "framework/cycle/fit_error.h"

namespace berth::framework {

struct BindingCycle {
  ProfileUnit* unit = nullptr;
  QueueEntryPtr entry;
  PodPtr assumed;
  std::string node_name;
  CycleState state;
  absl::Time attempt_began;
  int64_t evaluated_nodes = 0, feasible_nodes = 0;  // with a verdict, new or kept; that would do
  CatchUp decided_at;  // what the source had shown then
};

// Threads: the engine's executor.
class BindingCycles {
 public:
  explicit BindingCycles(EngineCore& core) : core_(core) {}

  void Start(std::unique_ptr<BindingCycle> cycle);
  bool Full() const { return in_flight_ >= core_.options.bindings_in_flight_max; }
  int32_t in_flight() const { return in_flight_; }
  // A pod that was refused may be tried again once the source shows what the server had seen.
  void OnSourceProgress();

 private:
  using CyclePtr = std::shared_ptr<BindingCycle>;
  struct CatchingUp {  // of a pod that the queue holds back
    CatchUp wanted;
    std::string node_name, pod_key, uid;
    absl::Time until;
  };
  void AfterPermit(const CyclePtr& cycle, Runtime::PreFlight flight,
                   const Status& status);
  void Bind(const CyclePtr& cycle);
  void BindByPlugins(const CyclePtr& cycle);
  void Bound(const CyclePtr& cycle);
  // diagnosis: null: not a plugin's rejection.
  void Fail(const CyclePtr& cycle, const Status& status, const Diagnosis* diagnosis);
  void Refused(const CyclePtr& cycle, const Status& status, const CatchUp& wanted);
  void Ended();
  bool Forget(BindingCycle& cycle);
  CatchUp Seen(std::string_view node_name) const;
  void ArmCatchUpTimer();

  EngineCore& core_;
  int32_t in_flight_ = 0;
  std::vector<CatchingUp> catching_up_;  // few: conflicts under way, in the order of `until`
  TimerId catch_up_timer_ = 0;
};

// A pod's diagnosis when one node was tried and a plugin rejected the pod there.
Diagnosis RejectedOnOneNode(const Status& status);
// Puts the pods that plugins asked for (framework/pods_to_activate.h) into the active queue.
void ActivateRequested(EngineCore& core, CycleState& state);
// Undoes Reserve and assume, and tells waiting pods that room came back (framework.md section 4).
void TellForgotten(EngineCore& core, const PodPtr& assumed, bool except_itself);

}  // namespace berth::framework
