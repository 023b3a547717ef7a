// Explanations as JSON, in the form of the recorded cases (`expect`).
#pragma once

#include "api/json_value.h"
#include "framework/cycle/explain.h"

namespace berth::scheduler {

api::JsonValue ToJson(const framework::Explanation& explanation);
// The form of a step in a sequence: feasible, totals, best, or message, or error.
api::JsonValue ToStepJson(const framework::Explanation& explanation);

}  // namespace berth::scheduler
