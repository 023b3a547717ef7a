#include "api/quantity.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "api/ascii.h"
#include "api/schema/quantity.pb.h"

namespace berth::api {
namespace {

constexpr __int128 kNanosPerUnit = 1'000'000'000;
constexpr __int128 kNanosPerMilli = 1'000'000;
constexpr __int128 kNanosMax =
    static_cast<__int128>((static_cast<unsigned __int128>(1) << 127) - 1);
constexpr int kFastDigitsMax = 18;  // digits that surely fit int64

// A text taken apart: sign, digits before and after the point, suffix resolved to base^exponent.
struct QuantityParts {
  bool negative = false;
  std::string_view whole;  // without leading zeros; "0" when nothing is left
  std::string_view fraction;
  int base = 10;
  int64_t exponent = 0;
  QuantityFormat format = QuantityFormat::kDecimalSI;
};

enum class QuantityFault : uint8_t { kNone, kFormat, kSuffix, kNumeric };

absl::Status FaultStatus(QuantityFault fault) {
  switch (fault) {
    case QuantityFault::kFormat:
      return absl::InvalidArgumentError(
          "quantities must match the regular expression "
          "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
    case QuantityFault::kSuffix:
      return absl::InvalidArgumentError("unable to parse quantity's suffix");
    case QuantityFault::kNumeric:
      return absl::InvalidArgumentError("unable to parse numeric part of quantity");
    case QuantityFault::kNone:
      break;
  }
  return absl::OkStatus();
}

size_t SkipDigits(std::string_view text, size_t at) {
  while (at < text.size() && IsAsciiDigit(text[at])) ++at;
  return at;
}

bool ResolveSuffix(std::string_view suffix, QuantityParts& parts) {
  constexpr std::string_view kDecimal = "num kMGTPE";  // -9, -6, -3, 0, 3, ... 18
  constexpr std::string_view kBinary = "KMGTPE";       // Ki is 2^10
  if (suffix.empty()) return true;
  if (suffix.size() == 1 && suffix[0] != ' ') {
    size_t at = kDecimal.find(suffix[0]);
    if (at == std::string_view::npos) return false;
    parts.exponent = static_cast<int64_t>(at) * 3 - 9;
    return true;
  }
  if (suffix.size() == 2 && suffix[1] == 'i') {
    size_t at = kBinary.find(suffix[0]);
    if (at == std::string_view::npos) return false;
    parts.base = 2;
    parts.exponent = static_cast<int64_t>(at + 1) * 10;
    parts.format = QuantityFormat::kBinarySI;
    return true;
  }
  if (suffix[0] != 'e' && suffix[0] != 'E') return false;
  suffix.remove_prefix(suffix.size() > 2 && suffix[1] == '+' ? 2 : 1);
  int64_t exponent = 0;
  const auto [end, error] =
      std::from_chars(suffix.data(), suffix.data() + suffix.size(), exponent);
  parts.exponent = static_cast<int32_t>(exponent);  // wraps, as upstream's does
  parts.format = QuantityFormat::kDecimalExponent;
  return error == std::errc() && end == suffix.data() + suffix.size();
}

QuantityFault SplitQuantity(std::string_view text, QuantityParts& parts) {
  if (text.empty()) return QuantityFault::kFormat;
  size_t at = 0;
  if (text[0] == '-' || text[0] == '+') {
    parts.negative = text[0] == '-';
    at = 1;
  }
  while (at < text.size() && text[at] == '0') ++at;
  size_t end = SkipDigits(text, at);
  parts.whole = text.substr(at, end - at);
  if (parts.whole.empty()) parts.whole = "0";
  at = end;
  if (at < text.size() && text[at] == '.') {
    end = SkipDigits(text, at + 1);
    parts.fraction = text.substr(at + 1, end - at - 1);
    at = end;
  }
  size_t suffix_at = at;
  constexpr std::string_view kSuffixLetters = "eEinumkKMGTP";
  while (at < text.size() && kSuffixLetters.find(text[at]) != std::string_view::npos) ++at;
  if (at > suffix_at || at < text.size()) {
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    if (SkipDigits(text, at) != text.size()) return QuantityFault::kFormat;
  }
  if (!ResolveSuffix(text.substr(suffix_at), parts)) return QuantityFault::kSuffix;
  // Upstream takes "-", "." and "Gi" for zero; only its slow path misses the digits.
  const bool has_digits = suffix_at > 0 && (IsAsciiDigit(text[suffix_at - 1]) || suffix_at > 2);
  return has_digits || parts.exponent >= -9 ? QuantityFault::kNone : QuantityFault::kNumeric;
}

__int128 SaturatingMul(__int128 value, __int128 factor) {
  return value > kNanosMax / factor ? kNanosMax : value * factor;
}

// value * 10^exponent; a positive value never rounds down to zero, fractions round up.
__int128 ScaleByTen(__int128 value, int64_t exponent) {
  for (; exponent > 0 && value != 0 && value != kNanosMax; --exponent) {
    value = SaturatingMul(value, 10);
  }
  bool lost = false;
  for (; exponent < 0 && value != 0; ++exponent) {
    lost = lost || value % 10 != 0;
    value /= 10;
    if (value == 0) break;
  }
  return lost ? value + 1 : value;
}

// The magnitude in nanos. Digits beyond what an int128 holds only matter as "something is there".
__int128 Magnitude(const QuantityParts& parts) {
  __int128 value = 0;
  int64_t exponent = 9;
  bool lost = false;
  constexpr __int128 kRoom = kNanosMax / 100;
  for (char c : parts.whole) {
    if (value > kRoom) {
      lost = lost || c != '0';
      ++exponent;
    } else {
      value = value * 10 + (c - '0');
    }
  }
  for (char c : parts.fraction) {
    if (value > kRoom || exponent < -20) {
      lost = lost || c != '0';
    } else {
      value = value * 10 + (c - '0');
      --exponent;
    }
  }
  if (lost) ++value;
  if (parts.base == 10) return ScaleByTen(value, exponent + parts.exponent);
  for (int64_t i = 0; i < parts.exponent; i += 10) value = SaturatingMul(value, 1024);
  return ScaleByTen(value, exponent);
}

// Upstream keeps the spelling of numbers that need no work, by this test.
bool KeepsSpelling(const QuantityParts& parts) {
  int64_t digits = static_cast<int64_t>(parts.whole.size() + parts.fraction.size());
  if (parts.format == QuantityFormat::kBinarySI) {
    int64_t precision = 14 - digits - parts.exponent * 3 / 10;
    if (!parts.fraction.empty() || precision < 0) return false;
    int last_digits = 0;  // three decide whether 8 divides the number
    for (char c :
         parts.whole.substr(parts.whole.size() - std::min<size_t>(3, parts.whole.size()))) {
      last_digits = last_digits * 10 + (c - '0');
    }
    return last_digits % 8 != 0;
  }
  int64_t scale = parts.exponent - static_cast<int64_t>(parts.fraction.size());
  if (digits > kFastDigitsMax || scale < -9 || scale % 3 != 0 || parts.whole[0] == '0')
    return false;
  std::array<char, kFastDigitsMax> shifted{};
  auto end = std::copy(parts.whole.begin(), parts.whole.end(), shifted.begin());
  end = std::copy(parts.fraction.begin(), parts.fraction.end(), end);
  return !std::string_view(shifted.data(), static_cast<size_t>(end - shifted.begin()))
              .ends_with("000");
}

int64_t RoundAway(__int128 nanos, __int128 unit) {
  __int128 value = nanos / unit;
  if (nanos % unit != 0) value += nanos > 0 ? 1 : -1;
  constexpr __int128 kMax = std::numeric_limits<int64_t>::max();
  constexpr __int128 kMin = std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(std::clamp(value, kMin, kMax));
}

std::string WithSuffix(__int128 magnitude, bool negative, std::string_view suffix) {
  std::array<char, 48> buffer{};
  size_t at = buffer.size();
  do {
    buffer[--at] = static_cast<char>('0' + static_cast<int>(magnitude % 10));
    magnitude /= 10;
  } while (magnitude != 0);
  if (negative) buffer[--at] = '-';
  std::string text(buffer.data() + at, buffer.size() - at);
  text += suffix;
  return text;
}

std::string BinaryText(__int128 units, bool negative) {
  constexpr std::array<std::string_view, 7> kSuffixes = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
  size_t power = 0;
  while (units % 1024 == 0 && power + 1 < kSuffixes.size()) {
    units /= 1024;
    ++power;
  }
  return WithSuffix(units, negative, kSuffixes[power]);
}

std::string DecimalText(__int128 nanos, bool negative, QuantityFormat format) {
  constexpr std::array<std::string_view, 10> kSuffixes = {"n", "u", "m", "",  "k",
                                                          "M", "G", "T", "P", "E"};
  const int power_max = format == QuantityFormat::kDecimalSI ? 9 : 12;
  int power = 0;
  while (nanos % 1000 == 0 && power < power_max) {
    nanos /= 1000;
    ++power;
  }
  if (format == QuantityFormat::kDecimalSI) return WithSuffix(nanos, negative, kSuffixes[power]);
  if (power == 3) return WithSuffix(nanos, negative, "");
  return WithSuffix(nanos, negative, "e" + std::to_string(power * 3 - 9));
}

}  // namespace

absl::StatusOr<Quantity> Quantity::Parse(std::string_view text) {
  QuantityParts parts;
  QuantityFault fault = SplitQuantity(text, parts);
  if (fault != QuantityFault::kNone) return FaultStatus(fault);
  __int128 nanos = Magnitude(parts);
  if (parts.format == QuantityFormat::kBinarySI) {
    // Upstream caps binary quantities, and shows those below one as decimal.
    constexpr __int128 kCap = std::numeric_limits<int64_t>::max() * kNanosPerUnit;
    nanos = std::min(nanos, kCap);
    if (nanos > 0 && nanos < kNanosPerUnit) parts.format = QuantityFormat::kDecimalSI;
  }
  return Quantity(parts.negative ? -nanos : nanos, parts.format);
}

Quantity Quantity::FromInt(int64_t value, QuantityFormat format) {
  return Quantity(value * kNanosPerUnit, format);
}

Quantity Quantity::FromMilli(int64_t milli, QuantityFormat format) {
  return Quantity(milli * kNanosPerMilli, format);
}

int64_t Quantity::Value() const { return RoundAway(nanos_, kNanosPerUnit); }
int64_t Quantity::MilliValue() const { return RoundAway(nanos_, kNanosPerMilli); }

Quantity& Quantity::Add(const Quantity& other) {
  if (nanos_ == 0) format_ = other.format_;
  __int128 sum = 0;
  if (__builtin_add_overflow(nanos_, other.nanos_, &sum)) sum = nanos_ > 0 ? kNanosMax : -kNanosMax;
  nanos_ = sum;
  return *this;
}

Quantity& Quantity::Sub(const Quantity& other) {
  Quantity negated = other;
  return Add(negated.Neg());
}

Quantity& Quantity::Neg() {
  nanos_ = -nanos_;
  return *this;
}

int Quantity::Cmp(const Quantity& other) const {
  return nanos_ < other.nanos_ ? -1 : nanos_ > other.nanos_ ? 1 : 0;
}

std::string Quantity::ToString() const {
  if (nanos_ == 0) return "0";
  const bool negative = nanos_ < 0;
  const __int128 magnitude = negative ? -nanos_ : nanos_;
  QuantityFormat format = format_;
  if (format == QuantityFormat::kBinarySI) {
    if (magnitude >= 1024 * kNanosPerUnit && magnitude % kNanosPerUnit == 0) {
      return BinaryText(magnitude / kNanosPerUnit, negative);
    }
    format = QuantityFormat::kDecimalSI;
  }
  return DecimalText(magnitude, negative, format);
}

absl::StatusOr<std::string> CanonicalQuantityText(std::string_view text) {
  QuantityParts parts;
  QuantityFault fault = SplitQuantity(text, parts);
  if (fault != QuantityFault::kNone) return FaultStatus(fault);
  if (KeepsSpelling(parts)) return std::string(text);
  auto value = Quantity::Parse(text);
  if (!value.ok()) return value.status();
  return value->ToString();
}

Quantity ToQuantity(const resource::Quantity& message) {
  auto value = Quantity::Parse(message.string());
  return value.ok() ? *value : Quantity();
}

void SetQuantity(resource::Quantity& message, const Quantity& value) {
  message.set_string(value.ToString());
}

}  // namespace berth::api
