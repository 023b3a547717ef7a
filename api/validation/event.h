// Rules of events. Source: pkg/apis/core/validation/events.go.
#pragma once

#include "api/fwd.h"
#include "api/validation/field_path.h"

namespace berth::api::validation {

// What core/v1 has always asked for; updates too.
void ValidateLegacyEvent(const core::Event& event, Errors& errors);
// What events.k8s.io/v1 asks for. The event in its core/v1 form, in which upstream names fields.
void ValidateNewEvent(const core::Event& event, Errors& errors);
void ValidateNewEventUpdate(const core::Event& event, const core::Event& old, Errors& errors);

}  // namespace berth::api::validation
