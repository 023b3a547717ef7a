#include "api/json_syntax.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <vector>

#include <fmt/core.h>

namespace berth::api {
namespace {

constexpr size_t kJsonDepthMax = 10000;

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsJsonDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHex(char c) { return IsJsonDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

std::string Shown(char c) {
  if (c == '\'') return "'\\''";
  if (c == '"') return "'\"'";
  if (c == '\\') return "'\\\\'";
  if (c == '\n') return "'\\n'";
  if (c == '\t') return "'\\t'";
  if (c == '\r') return "'\\r'";
  const auto byte = static_cast<unsigned>(static_cast<unsigned char>(c));
  if (byte < 0x20 || byte == 0x7f) return fmt::format("'\\x{:02x}'", byte);
  if (byte >= 0x80) return fmt::format("'\\u{:04x}'", byte);
  return fmt::format("'{}'", c);
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::string Run() {
    Value();
    while (ok() && !open_.empty()) AfterValue();
    if (ok()) {
      SkipSpace();
      if (!AtEnd()) Fail("after top-level value");
    }
    return error_;
  }

 private:
  bool ok() const { return error_.empty(); }
  bool AtEnd() const { return at_ == text_.size(); }

  void Fail(std::string_view where) {
    if (!ok()) return;
    error_ = AtEnd() ? "unexpected end of JSON input"
                     : fmt::format("invalid character {} {}", Shown(text_[at_]), where);
  }

  void SkipSpace() {
    while (!AtEnd() && IsSpace(text_[at_])) ++at_;
  }

  bool Take(char c) {
    if (AtEnd() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  void Open(char bracket) {
    ++at_;
    open_.push_back(bracket);
    if (open_.size() > kJsonDepthMax) error_ = "exceeded max depth";
  }

  // A value, or the opening of one: objects and lists go on in AfterValue.
  void Value() {
    for (;;) {
      SkipSpace();
      if (!ok() || AtEnd()) return Fail("");
      const char c = text_[at_];
      if (c == '{') {
        Open('{');
        SkipSpace();
        if (Take('}')) return Closed();
        Key();
      } else if (c == '[') {
        Open('[');
        SkipSpace();
        if (Take(']')) return Closed();
      } else {
        return Leaf(c);
      }
    }
  }

  void Closed() { open_.pop_back(); }

  void AfterValue() {
    SkipSpace();
    const bool object = open_.back() == '{';
    if (Take(',')) {
      if (object) {
        SkipSpace();
        Key();
      }
      return Value();
    }
    if (Take(object ? '}' : ']')) return Closed();
    Fail(object ? "after object key:value pair" : "after array element");
  }

  void Key() {
    if (!ok()) return;
    if (AtEnd() || text_[at_] != '"') return Fail("looking for beginning of object key string");
    String();
    SkipSpace();
    if (ok() && !Take(':')) Fail("after object key");
  }

  void Leaf(char c) {
    switch (c) {
      case '"':
        return String();
      case 't':
        return Literal("true");
      case 'f':
        return Literal("false");
      case 'n':
        return Literal("null");
      default:
        break;
    }
    if (c == '-' || IsJsonDigit(c)) return Number();
    Fail("looking for beginning of value");
  }

  void Literal(std::string_view word) {
    for (char expected : word) {
      if (!Take(expected)) {
        return Fail(fmt::format("in literal {} (expecting '{}')", word, expected));
      }
    }
  }

  void Digits(std::string_view where) {
    if (AtEnd() || !IsJsonDigit(text_[at_])) return Fail(where);
    while (!AtEnd() && IsJsonDigit(text_[at_])) ++at_;
  }

  void Number() {
    Take('-');
    if (!Take('0')) Digits("in numeric literal");
    if (ok() && Take('.')) Digits("after decimal point in numeric literal");
    if (ok() && (Take('e') || Take('E'))) {
      if (!Take('+')) Take('-');
      Digits("in exponent of numeric literal");
    }
  }

  void String() {
    ++at_;
    while (ok()) {
      if (AtEnd()) return Fail("");
      const char c = text_[at_];
      if (static_cast<unsigned char>(c) < 0x20) return Fail("in string literal");
      ++at_;
      if (c == '"') return;
      if (c == '\\') Escape();
    }
  }

  void Escape() {
    constexpr std::string_view kEscapes = "bfnrt\\/\"";
    if (AtEnd() || (text_[at_] != 'u' && kEscapes.find(text_[at_]) == std::string_view::npos)) {
      return Fail("in string escape code");
    }
    if (text_[at_++] != 'u') return;
    for (int i = 0; i < 4; ++i, ++at_) {
      if (AtEnd() || !IsHex(text_[at_])) return Fail("in \\u hexadecimal character escape");
    }
  }

  std::string_view text_;
  size_t at_ = 0;
  std::vector<char> open_;
  std::string error_;
};

double ValueOf(std::string_view number, bool& in_range) {
  double value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  in_range = error == std::errc();
  // Too small to tell from zero is in range, as for Go.
  const size_t exponent = number.find_first_of("eE");
  if (!in_range && exponent != std::string_view::npos && number[exponent + 1] == '-') {
    in_range = true;
    return 0;
  }
  const double most = std::numeric_limits<double>::max();
  if (!in_range) return number.front() == '-' ? -most : most;
  return value;
}

bool FitsIn64Bits(std::string_view integer) {
  const char* end = integer.data() + integer.size();
  int64_t number = 0;
  uint64_t natural = 0;
  return std::from_chars(integer.data(), end, number).ec == std::errc() ||
         std::from_chars(integer.data(), end, natural).ec == std::errc();
}

// Calls use(begin, end) for each number of a text that follows the grammar, until it says false.
template <typename Use>
void EachNumber(std::string_view json, Use use) {
  for (size_t i = 0; i < json.size(); ++i) {
    if (json[i] == '"') {
      for (++i; i < json.size() && json[i] != '"'; ++i) {
        if (json[i] == '\\') ++i;
      }
    } else if (json[i] == '-' || IsJsonDigit(json[i])) {
      const size_t end = std::min(json.find_first_not_of("+-.0123456789eE", i), json.size());
      if (!use(i, end)) return;
      i = end - 1;
    }
  }
}

}  // namespace

std::string DescribeJsonError(std::string_view json) { return Scanner(json).Run(); }

ReadableNumbers WithReadableNumbers(std::string_view json) {
  ReadableNumbers out;
  size_t copied = 0;
  EachNumber(json, [&](size_t begin, size_t end) {
    const std::string_view number = json.substr(begin, end - begin);
    bool in_range = true;
    const double value = ValueOf(number, in_range);
    const bool integer = number.find_first_of(".eE") == std::string_view::npos;
    if (in_range && (!integer || FitsIn64Bits(number))) return true;
    if (!in_range && out.out_of_range.empty()) out.out_of_range = std::string(number);
    out.json.append(json.substr(copied, begin - copied));
    out.json += fmt::format("{:.17e}", value);
    copied = end;
    return true;
  });
  out.json.append(json.substr(copied));
  return out;
}

std::string_view NumberLiteral(std::string_view json, double value) {
  std::string_view found;
  EachNumber(json, [&](size_t begin, size_t end) {
    bool in_range = true;
    const std::string_view number = json.substr(begin, end - begin);
    if (ValueOf(number, in_range) != value) return true;
    found = number;
    return false;
  });
  return found;
}

}  // namespace berth::api
