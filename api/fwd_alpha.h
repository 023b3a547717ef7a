// Forward declarations of what only few look at, beside api/fwd.h.
#pragma once

namespace k8s::io::api::resource::v1alpha3 {
class DeviceTaintRule;
}  // namespace k8s::io::api::resource::v1alpha3

namespace berth::api {
namespace dra_alpha = ::k8s::io::api::resource::v1alpha3;
}  // namespace berth::api
