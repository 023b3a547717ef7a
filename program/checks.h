// Checks of option values that leave the help text alone: what is allowed stands in its words.
#pragma once

#include <string>
#include <string_view>

#include <CLI/CLI.hpp>
#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <fmt/core.h>

#include "api/duration.h"

namespace berth::program {

inline CLI::Validator Plain(const CLI::Validator& check) { return check.description(""); }

// "90s", "1h": an error that names the flag unless it is at least `least`.
inline absl::StatusOr<absl::Duration> DurationOf(std::string_view flag, const std::string& text,
                                                 absl::Duration least) {
  const auto nanos = api::ParseDuration(text);
  if (!nanos.ok() || absl::Nanoseconds(*nanos) < least) {
    return absl::InvalidArgumentError(fmt::format("{}: invalid duration \"{}\": wants {} or more",
                                                  flag, text, absl::FormatDuration(least)));
  }
  return absl::Nanoseconds(*nanos);
}

}  // namespace berth::program
