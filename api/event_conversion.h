// The two forms of one Event: core/v1, which is what the store keeps, and events.k8s.io/v1.
// Nothing is lost either way. Source: pkg/apis/events/v1/conversion.go.
#pragma once

#include "api/fwd.h"

namespace berth::api {

events::Event ToEventsV1(const core::Event& event);
core::Event ToCoreV1(const events::Event& event);

}  // namespace berth::api
