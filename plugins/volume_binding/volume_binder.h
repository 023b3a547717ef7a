// Writes what was decided about a pod's volumes, and waits until others have carried it out: the
// volume controller binds, the provisioner makes volumes.
#pragma once

#include <memory>
#include <string_view>

#include <absl/time/time.h>

#include "base/executor.h"
#include "base/strings.h"
#include "framework/fwd.h"
#include "framework/plugin.h"
#include "plugins/volume_binding/pod_claims.h"

namespace berth::plugins::volume_binding {

// A volume with a reference to the claim that it is to be bound to. changed: it had none, or
// another; the volume itself otherwise.
struct MeantVolume {
  VolumePtr volume;
  bool changed = false;
};
MeantVolume MeanFor(const VolumePtr& volume, const api::core::PersistentVolumeClaim& claim);
// The claim with the node that its volume is to be made for; changed: it had another.
struct PlacedClaim {
  ClaimPtr claim;
  bool changed = false;
};
PlacedClaim PlaceOn(const ClaimPtr& claim, std::string_view node_name);

// Threads: the engine's executor.
class VolumeBinder {
 public:
  // timeout: how long to wait for others, after all is written; 0 is at once too late.
  VolumeBinder(framework::Handle& handle, absl::Duration timeout)
      : handle_(handle), timeout_(timeout) {}

  // Updates the volumes, then the claims, one after the other; then looks every second. `done`
  // hears Success when all claims are bound, else an Error: the API's text when an update failed,
  // "binding volumes: ..." when waiting did.
  void Bind(const framework::PodInfo& pod, std::string_view node_name, PodVolumes volumes,
            framework::StatusDone done);
  // The pod's binding ends at once, with an Error. What is written stays written.
  void Cancel(std::string_view uid);
  size_t runs() const { return runs_.size(); }

 private:
  struct Run;
  using RunPtr = std::shared_ptr<Run>;
  void WriteNext(const RunPtr& run);
  void Written(const RunPtr& run, const absl::Status& status, framework::ObjectPtr object);
  void Wait(const RunPtr& run);
  void Look(const RunPtr& run);
  // Whether all is bound; an error when it never will be.
  absl::StatusOr<bool> IsBound(const Run& run) const;
  void End(const RunPtr& run, framework::Status status);

  framework::Handle& handle_;
  const absl::Duration timeout_;
  StringMap<RunPtr> runs_;  // by the pod's uid
  Lifetime alive_;
};

}  // namespace berth::plugins::volume_binding
