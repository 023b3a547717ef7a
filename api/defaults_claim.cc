#include "api/defaults_claim.h"

#include "api/fwd.h"
#include "api/schema/resource_v1.pb.h"

namespace berth::api {
namespace {

constexpr const char* kExactCount = "ExactCount";

// An ExactDeviceRequest or a DeviceSubRequest.
template <typename Request>
void DefaultRequest(Request& request) {
  if (request.allocation_mode().empty()) request.set_allocation_mode(kExactCount);
  if (request.allocation_mode() == kExactCount && request.count() == 0) request.set_count(1);
  for (auto& toleration : *request.mutable_tolerations()) {
    if (toleration.operator_().empty()) toleration.set_operator_("Equal");
  }
}

}  // namespace

void DefaultClaimSpec(dra::ResourceClaimSpec& spec) {
  if (!spec.has_devices()) return;
  for (auto& request : *spec.mutable_devices()->mutable_requests()) {
    if (request.has_exactly()) DefaultRequest(*request.mutable_exactly());
    for (auto& one : *request.mutable_first_available()) DefaultRequest(one);
  }
}

}  // namespace berth::api
