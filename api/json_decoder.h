// Internal to the codec: one parsed JSON document into one message. Used by json.cc only.
#pragma once

#include <string_view>

#include <absl/status/status.h>
#include <simdjson.h>

#include "api/json.h"

namespace berth::api {

// json: the text it was parsed from, for the words of errors. `out` must be empty. Contract and
// errors: ParseJson in json.h. Null leaves `out` empty.
absl::Status DecodeElement(simdjson::dom::element root, std::string_view json,
                           google::protobuf::Message& out, const DecodeOptions& options,
                           DecodeReport* report);

// What Go calls a JSON value in its error texts: "string", "number", "object", ...
std::string_view JsonWord(simdjson::dom::element value);

}  // namespace berth::api
