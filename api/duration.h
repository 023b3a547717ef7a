// Go's text form of durations: "1h0m0s", "1.5s", "100ms". Nanoseconds in an int64. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

namespace berth::api {

// "0s" for zero; the largest units first, fractions only on the last.
std::string FormatDuration(int64_t nanos);

// InvalidArgument with Go's text: `time: invalid duration "x"`, missing or unknown unit.
absl::StatusOr<int64_t> ParseDuration(std::string_view text);

}  // namespace berth::api
