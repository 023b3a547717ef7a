// Writes a pod's claims before it is bound: finalizer, allocation, reservation; then waits until
// the devices report what binding needs. The claim for a pod's extended resources is made first,
// and named in the pod's status. One claim after the other; several pods at a time, those that
// share a claim one after the other.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include <absl/time/time.h>

#include "base/executor.h"
#include "base/strings.h"
#include "framework/handle.h"
#include "framework/plugin.h"
#include "plugins/dynamic_resources/claims.h"
#include "plugins/dynamic_resources/given_back.h"
#include "plugins/dynamic_resources/state.h"

namespace berth::plugins::dynamic_resources {

// Threads: the engine's executor. Nothing blocks.
class ClaimWriter {
 public:
  ClaimWriter(framework::Handle& handle, ClaimStore& store, absl::Duration binding_timeout)
      : handle_(handle), store_(store), binding_timeout_(binding_timeout) {
    store_.Listen(alive_.Watch(), [this](const std::string& key) { OnClaimChange(key); });
  }

  ~ClaimWriter();

  // done: Success, or Error with what the API server said. A conflict is tried again a few times,
  // each time once the claim is seen to have changed, or after a second. state: claims that were
  // written are put in it.
  void Write(std::shared_ptr<PodState> state, const framework::PodInfo& pod,
             std::string_view node_name, framework::StatusDone done);
  // What is under way for that pod ends soon, with an error; a reservation that could not be
  // stopped is taken back.
  void Cancel(std::string_view pod_uid);
  // Deletes a claim, its finalizer first. done: Success also when it is gone already.
  void Delete(const ClaimPtr& claim, framework::StatusDone done);
  // Takes a pod's reservation off a claim; a failure is logged.
  void GiveBack(const ClaimPtr& claim, std::string_view pod_uid);

 private:
  struct Run;
  using RunPtr = std::shared_ptr<Run>;
  struct Deletion;
  void NextClaim(const RunPtr& run);
  // The run's turn to write its claim, and the end of it.
  void Begin(const RunPtr& run);
  void Leave(const RunPtr& run);
  void CreateClaim(const RunPtr& run);
  void NameInPod(const RunPtr& run);
  void WriteClaim(const RunPtr& run, const ClaimPtr& claim);
  void WriteFinalizer(const RunPtr& run, const ClaimPtr& claim);
  void WriteStatus(const RunPtr& run, const ClaimPtr& claim);
  void Written(const RunPtr& run, ClaimPtr claim);
  void Failed(const RunPtr& run, const absl::Status& status, std::string_view what);
  // No other attempt.
  void GiveUp(const RunPtr& run, std::string problem);
  // Unless it has been done by then.
  void PostTryAgain(const RunPtr& run, absl::Duration after = absl::ZeroDuration());
  void TryAgain(const RunPtr& run);
  void OnClaimChange(const std::string& key);
  ClaimPtr Newest(const ClaimPtr& claim) const;
  void RemoveFinalizer(const std::shared_ptr<Deletion>& deletion);
  void DeleteNow(const std::shared_ptr<Deletion>& deletion);
  void AwaitDevices(const RunPtr& run);
  void LookAtDevices(const RunPtr& run);
  void LookAgain(const RunPtr& run, const std::string& key, absl::Time now);
  void DevicesAwaited(const RunPtr& run, std::string_view result, framework::Status status);
  void Finish(const RunPtr& run, framework::Status status);
  static const ClaimPtr& Pending(const Run& run);
  bool NothingToWrite(const Run& run) const;
  // Reserved, and not given back since.
  bool HasReservation(const Run& run, const ClaimPtr& held) const;
  bool HasChanged(const api::dra::ResourceClaim& claim) const;

  framework::Handle& handle_;
  ClaimStore& store_;
  const absl::Duration binding_timeout_;
  StringMap<RunPtr> runs_;  // by the pod's uid
  StringMap<std::deque<RunPtr>> turns_;  // by the claim's uid: the first one is writing it
  StringMap<RunPtr> conflicting_;        // by the claim's key: until it is seen to have changed
  GivenBack given_back_;
  Lifetime alive_;
};

}  // namespace berth::plugins::dynamic_resources
