// --feature-gates: upstream's gates that concern the scheduler, their 1.36 defaults, and what
// became of a request to set them otherwise.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "framework/device_features.h"
#include "framework/pod_group.h"

namespace berth::scheduler {

class FeatureGates {
 public:
  // "A=true,B=false". InvalidArgument with upstream's texts: unknown gate, locked gate, bad value.
  static absl::StatusOr<FeatureGates> Parse(std::string_view text);
  // Its default unless set. name must be one of ours.
  bool Enabled(std::string_view name) const;
  // The gates of pod groups. InvalidArgument for one without those it needs.
  absl::StatusOr<framework::PodGroupFeatures> PodGroups() const;
  // The gates of devices, in the same way.
  absl::StatusOr<framework::DeviceFeatures> Devices() const;
  // Gates set against their default that change nothing here; each deserves a line in the log.
  std::vector<std::string> WithoutEffect() const;

 private:
  // InvalidArgument when the gate is on and one that it needs is off.
  absl::Status Check(std::string_view gate, std::string_view needed) const;

  std::vector<std::pair<std::string, bool>> set_;
};

}  // namespace berth::scheduler
