#include "cluster/node/delay.h"

#include <cmath>

#include <fmt/core.h>

#include "api/duration.h"
#include "base/random.h"
#include "base/status_macros.h"

namespace berth::node {
namespace {

constexpr double kTailMax = 10;  // of an exponential delay, in means

absl::StatusOr<absl::Duration> ParseOne(std::string_view text) {
  BERTH_ASSIGN_OR_RETURN(const int64_t nanos, api::ParseDuration(text));
  if (nanos < 0) {
    return absl::InvalidArgumentError(fmt::format("invalid delay \"{}\": is negative", text));
  }
  return absl::Nanoseconds(nanos);
}

std::string Text(absl::Duration value) {
  return api::FormatDuration(absl::ToInt64Nanoseconds(value));
}

}  // namespace

absl::StatusOr<Delay> Delay::Parse(std::string_view text) {
  if (text.starts_with("exp:")) {
    BERTH_ASSIGN_OR_RETURN(const absl::Duration mean, ParseOne(text.substr(4)));
    return Exponential(mean);
  }
  const size_t dots = text.find("..");
  if (dots == std::string_view::npos) {
    BERTH_ASSIGN_OR_RETURN(const absl::Duration value, ParseOne(text));
    return Fixed(value);
  }
  BERTH_ASSIGN_OR_RETURN(const absl::Duration low, ParseOne(text.substr(0, dots)));
  BERTH_ASSIGN_OR_RETURN(const absl::Duration high, ParseOne(text.substr(dots + 2)));
  if (high < low) {
    return absl::InvalidArgumentError(
        fmt::format("invalid delay \"{}\": the range ends before it begins", text));
  }
  return Uniform(low, high);
}

absl::Duration Delay::Sample(uint64_t key) const {
  switch (kind_) {
    case Kind::kFixed:
      return low_;
    case Kind::kUniform:
      return low_ + absl::Nanoseconds(
                        Random(key).Between(0, absl::ToInt64Nanoseconds(high_ - low_)));
    case Kind::kExponential:
      return low_ * std::min(kTailMax, -std::log1p(-Random(key).Unit()));
  }
  return low_;
}

std::string Delay::ToString() const {
  switch (kind_) {
    case Kind::kFixed:
      return Text(low_);
    case Kind::kUniform:
      return fmt::format("{}..{}", Text(low_), Text(high_));
    case Kind::kExponential:
      return "exp:" + Text(low_);
  }
  return {};
}

uint64_t StableHash(std::string_view text, uint64_t seed) {
  uint64_t hash = 14695981039346656037ull ^ seed;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1099511628211ull;
  }
  return hash;
}

}  // namespace berth::node
