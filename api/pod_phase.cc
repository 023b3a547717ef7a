#include "api/pod_phase.h"

#include "api/schema/core_v1_pod.pb.h"

namespace berth::api {

bool IsTerminal(const core::Pod& pod) {
  const std::string& phase = pod.status().phase();
  return phase == "Succeeded" || phase == "Failed";
}

}  // namespace berth::api
