// RFC 3339 instants as Kubernetes writes them: UTC, whole seconds (Time) or six digits (MicroTime).
// Pure functions without locale or time zone database. Error texts are Go's time.Parse's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "api/fwd.h"

namespace berth::api {

// Seconds since 1970 and nanoseconds within the second.
struct Instant {
  int64_t seconds = 0;
  int32_t nanos = 0;
};

inline constexpr size_t kTimeTextMax = 40;

// Writes at most kTimeTextMax characters to `out`; returns the end.
char* WriteTime(int64_t seconds, char* out);                      // 2006-01-02T15:04:05Z
char* WriteMicroTime(int64_t seconds, int32_t nanos, char* out);  // 2006-01-02T15:04:05.000000Z
std::string TimeText(int64_t seconds);                            // as WriteTime

// Time takes any fraction (and drops it); MicroTime wants exactly six digits. InvalidArgument.
absl::StatusOr<Instant> ParseTime(std::string_view text);
absl::StatusOr<Instant> ParseMicroTime(std::string_view text);

// The zero instant, which JSON shows as null, is a message without seconds.
bool IsZeroTime(const meta::Time& time);
bool IsZeroTime(const meta::MicroTime& time);
std::string FormatTime(const meta::Time& time);            // "" when zero
std::string FormatMicroTime(const meta::MicroTime& time);  // "" when zero

}  // namespace berth::api
