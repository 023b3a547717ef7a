#include "api/yaml_scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <span>
#include <string>

#include "api/ascii.h"

namespace berth::api {
namespace {

using Kind = YamlScalar::Kind;

bool IsOneOf(std::string_view text, std::span<const std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

YamlScalar ScalarOf(Kind kind) {
  YamlScalar scalar;
  scalar.kind = kind;
  return scalar;
}

YamlScalar BoolScalar(bool flag) {
  YamlScalar scalar = ScalarOf(Kind::kBool);
  scalar.flag = flag;
  return scalar;
}

YamlScalar DoubleScalar(double number) {
  YamlScalar scalar = ScalarOf(Kind::kDouble);
  scalar.number = number;
  return scalar;
}

// The words that are no text, by themselves.
bool ResolveWord(std::string_view text, YamlScalar& out) {
  static constexpr std::array<std::string_view, 5> kNulls = {"", "~", "null", "Null", "NULL"};
  static constexpr std::array<std::string_view, 11> kTrue = {
      "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"};
  static constexpr std::array<std::string_view, 11> kFalse = {
      "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"};
  static constexpr std::array<std::string_view, 6> kInfinite = {".inf",  ".Inf",  ".INF",
                                                                "+.inf", "+.Inf", "+.INF"};
  static constexpr std::array<std::string_view, 3> kMinusInfinite = {"-.inf", "-.Inf", "-.INF"};
  static constexpr std::array<std::string_view, 3> kNan = {".nan", ".NaN", ".NAN"};
  using Limits = std::numeric_limits<double>;
  if (IsOneOf(text, kNulls)) {
    out = ScalarOf(Kind::kNull);
  } else if (IsOneOf(text, kTrue)) {
    out = BoolScalar(true);
  } else if (IsOneOf(text, kFalse)) {
    out = BoolScalar(false);
  } else if (text == "<<") {
    out = ScalarOf(Kind::kMerge);
  } else if (IsOneOf(text, kInfinite)) {
    out = DoubleScalar(Limits::infinity());
  } else if (IsOneOf(text, kMinusInfinite)) {
    out = DoubleScalar(-Limits::infinity());
  } else if (IsOneOf(text, kNan)) {
    out = DoubleScalar(Limits::quiet_NaN());
  } else {
    return false;
  }
  return true;
}

// Go's ParseInt with base 0: 12, 0x1f, 0b11, 0o17, 017.
bool ResolveInteger(std::string_view text, YamlScalar& out) {
  const bool negative = text[0] == '-';
  std::string_view digits = text.substr(negative || text[0] == '+' ? 1 : 0);
  int base = 10;
  if (digits.size() > 1 && digits[0] == '0') {
    const char mark = digits[1];
    base = mark == 'x' || mark == 'X' ? 16 : mark == 'b' || mark == 'B' ? 2 : 8;
    digits.remove_prefix(base != 8 || mark == 'o' || mark == 'O' ? 2 : 1);
  }
  if (digits.empty() || digits[0] == '-' || digits[0] == '+') return false;
  uint64_t magnitude = 0;
  const char* end = digits.data() + digits.size();
  auto [at, error] = std::from_chars(digits.data(), end, magnitude, base);
  if (error != std::errc() || at != end) return false;
  constexpr auto kMax = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (magnitude <= kMax + (negative ? 1 : 0)) {
    out = ScalarOf(Kind::kInt);
    out.integer = static_cast<int64_t>(negative ? ~magnitude + 1 : magnitude);
    return true;
  }
  if (negative) return false;
  out = ScalarOf(Kind::kUint);
  out.unsigned_integer = magnitude;
  return true;
}

// [-+]?[0-9]*\.?[0-9]+([eE][-+][0-9]+)?  An exponent without sign is no number here.
bool LooksLikeFloat(std::string_view text) {
  size_t at = text[0] == '-' || text[0] == '+' ? 1 : 0;
  const auto skip = [&] {
    const size_t start = at;
    while (at < text.size() && IsAsciiDigit(text[at])) ++at;
    return at - start;
  };
  size_t digits = skip();
  if (at < text.size() && text[at] == '.') {
    ++at;
    digits = skip();
  }
  if (digits == 0) return false;
  if (at == text.size()) return true;
  if (text[at] != 'e' && text[at] != 'E') return false;
  ++at;
  if (at == text.size() || (text[at] != '-' && text[at] != '+')) return false;
  ++at;
  return skip() != 0 && at == text.size();
}

bool ResolveFloat(std::string_view text, YamlScalar& out) {
  if (!LooksLikeFloat(text)) return false;
  if (text[0] == '+') text.remove_prefix(1);
  double number = 0;
  const char* end = text.data() + text.size();
  auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || at != end) return false;
  out = DoubleScalar(number);
  return true;
}

// 2001-02-03, 2001-02-03T04:05:06Z and their kin: four digits, a dash, digits and time marks.
bool LooksLikeTimestamp(std::string_view text) {
  if (text.size() < 8 || !std::all_of(text.begin(), text.begin() + 4, IsAsciiDigit) ||
      text[4] != '-') {
    return false;
  }
  size_t at = 5;
  const auto number = [&](size_t max) {
    const size_t start = at;
    while (at < text.size() && at - start < max && IsAsciiDigit(text[at])) ++at;
    return at > start;
  };
  if (!number(2) || at == text.size() || text[at++] != '-' || !number(2)) return false;
  if (at == text.size()) return true;
  if (text[at] != 'T' && text[at] != 't' && text[at] != ' ') return false;
  ++at;
  for (int part = 0; part < 3; ++part) {
    if (part != 0 && (at == text.size() || text[at++] != ':')) return false;
    if (!number(2)) return false;
  }
  return text.find_first_not_of("0123456789.:+-Zz ", at) == std::string_view::npos;
}

}  // namespace

YamlScalar ResolveYamlScalar(std::string_view text) {
  YamlScalar scalar;
  if (ResolveWord(text, scalar)) return scalar;
  const char first = text[0];
  if (!IsAsciiDigit(first) && first != '+' && first != '-' && first != '.') return scalar;
  if (LooksLikeTimestamp(text)) return ScalarOf(Kind::kTimestamp);
  std::string plain(text);
  std::erase(plain, '_');
  if (plain.empty()) return scalar;
  if (first != '.' && ResolveInteger(plain, scalar)) return scalar;
  ResolveFloat(plain, scalar);
  return scalar;
}

bool IsBase60(std::string_view text) {
  size_t at = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  if (at == text.size() || !IsAsciiDigit(text[at])) return false;
  while (at < text.size() && (IsAsciiDigit(text[at]) || text[at] == '_')) ++at;
  size_t groups = 0;
  while (at < text.size() && text[at] == ':') {
    ++at;
    const size_t start = at;
    while (at < text.size() && at - start < 2 && IsAsciiDigit(text[at])) ++at;
    if (at == start || (at - start == 2 && text[start] > '5')) return false;
    ++groups;
  }
  if (groups == 0) return false;
  if (at < text.size() && text[at] == '.') ++at;
  return text.find_first_not_of("0123456789_", at) == std::string_view::npos;
}

}  // namespace berth::api
