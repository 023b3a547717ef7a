// What a resource claim means when it leaves things out. Part of api/defaults.h.
// Source: pkg/apis/resource/v1/defaults.go.
#pragma once

namespace k8s::io::api::resource::v1 {
class ResourceClaimSpec;
}

namespace berth::api {

// A request without an allocation mode is for a count, one without a count for one device; a
// toleration without an operator compares the value.
void DefaultClaimSpec(::k8s::io::api::resource::v1::ResourceClaimSpec& spec);

}  // namespace berth::api
