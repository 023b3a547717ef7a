#include "api/duration.h"

#include <array>
#include <limits>
#include <optional>

#include <fmt/core.h>

#include "api/ascii.h"

namespace berth::api {
namespace {

struct Unit {
  std::string_view name;
  uint64_t nanos;
};

constexpr uint64_t kSecond = 1'000'000'000;
// The two spellings of micro differ: U+00B5 and U+03BC.
constexpr std::array<Unit, 8> kUnits = {{{"ns", 1},
                                         {"us", 1'000},
                                         {"\xC2\xB5s", 1'000},
                                         {"\xCE\xBCs", 1'000},
                                         {"ms", 1'000'000},
                                         {"s", kSecond},
                                         {"m", 60 * kSecond},
                                         {"h", 3600 * kSecond}}};
constexpr uint64_t kMagnitudeMax = uint64_t{1} << 63;

// value / unit as a decimal without trailing zeros.
std::string Decimal(uint64_t value, uint64_t unit) {
  std::string text = std::to_string(value / unit);
  uint64_t rest = value % unit;
  if (rest == 0) return text;
  text += '.';
  for (unit /= 10; rest != 0; unit /= 10) {
    text += static_cast<char>('0' + rest / unit);
    rest %= unit;
  }
  return text;
}

std::optional<uint64_t> FindUnit(std::string_view name) {
  for (const Unit& unit : kUnits) {
    if (unit.name == name) return unit.nanos;
  }
  return std::nullopt;
}

// One "12.5m" at the front of `text`: whole digits, fraction as digits and their power of ten.
struct Term {
  uint64_t whole = 0;
  uint64_t fraction = 0;
  double fraction_scale = 1;
  bool has_digits = false;
  bool overflow = false;
};

Term TakeNumber(std::string_view& text) {
  Term term;
  size_t at = 0;
  for (; at < text.size() && IsAsciiDigit(text[at]); ++at) {
    term.has_digits = true;
    if (term.whole > kMagnitudeMax / 10) term.overflow = true;
    if (!term.overflow) term.whole = term.whole * 10 + static_cast<uint64_t>(text[at] - '0');
  }
  if (at < text.size() && text[at] == '.') {
    for (++at; at < text.size() && IsAsciiDigit(text[at]); ++at) {
      term.has_digits = true;
      if (term.fraction > kMagnitudeMax / 10 - 1) continue;
      term.fraction = term.fraction * 10 + static_cast<uint64_t>(text[at] - '0');
      term.fraction_scale *= 10;
    }
  }
  text.remove_prefix(at);
  return term;
}

}  // namespace

std::string FormatDuration(int64_t nanos) {
  if (nanos == 0) return "0s";
  const bool negative = nanos < 0;
  uint64_t left = negative ? ~static_cast<uint64_t>(nanos) + 1 : static_cast<uint64_t>(nanos);
  std::string text = negative ? "-" : "";
  if (left < 1'000) return text + Decimal(left, 1) + "ns";
  if (left < 1'000'000) return text + Decimal(left, 1'000) + "\xC2\xB5s";
  if (left < kSecond) return text + Decimal(left, 1'000'000) + "ms";
  const uint64_t hours = left / (3600 * kSecond);
  const uint64_t minutes = left / (60 * kSecond) % 60;
  if (hours != 0) text += std::to_string(hours) + "h";
  if (hours != 0 || minutes != 0) text += std::to_string(minutes) + "m";
  return text + Decimal(left % (60 * kSecond), kSecond) + "s";
}

absl::StatusOr<int64_t> ParseDuration(std::string_view text) {
  const auto invalid = [whole = text](std::string_view what) {
    return absl::InvalidArgumentError(fmt::format("time: {} \"{}\"", what, whole));
  };
  bool negative = false;
  std::string_view rest = text;
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) {
    negative = rest[0] == '-';
    rest.remove_prefix(1);
  }
  if (rest == "0") return 0;
  if (rest.empty()) return invalid("invalid duration");
  uint64_t total = 0;
  while (!rest.empty()) {
    Term term = TakeNumber(rest);
    if (!term.has_digits || term.overflow) return invalid("invalid duration");
    size_t end = rest.find_first_of(".0123456789");
    std::string_view name = rest.substr(0, end);
    if (name.empty()) return invalid("missing unit in duration");
    auto unit = FindUnit(name);
    if (!unit) return invalid(fmt::format("unknown unit \"{}\" in duration", name));
    rest.remove_prefix(name.size());
    if (term.whole > kMagnitudeMax / *unit) return invalid("invalid duration");
    uint64_t nanos = term.whole * *unit;
    nanos += static_cast<uint64_t>(static_cast<double>(term.fraction) *
                                   (static_cast<double>(*unit) / term.fraction_scale));
    total += nanos;
    if (nanos > kMagnitudeMax || total > kMagnitudeMax) return invalid("invalid duration");
  }
  if (negative) return static_cast<int64_t>(~total + 1);
  if (total > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return invalid("invalid duration");
  }
  return static_cast<int64_t>(total);
}

}  // namespace berth::api
