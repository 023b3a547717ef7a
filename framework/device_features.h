// Upstream's gates of dynamic resource allocation that change what plugins do.
#pragma once

namespace berth::framework {

struct DeviceFeatures {
  bool extended_resources = true;  // DRAExtendedResource: a DeviceClass may offer one
  bool taint_rules = false;        // DRADeviceTaintRules: DeviceTaintRule objects count
};

}  // namespace berth::framework
