// Answers that need no call: a line of text, a Status in JSON.
#pragma once

#include <string>

#include <absl/status/status.h>

#include "api/wire.h"

namespace berth::apiserver {

api::HttpResponse TextAnswer(int code, std::string text);
api::HttpResponse StatusAnswer(const absl::Status& failure);

}  // namespace berth::apiserver
