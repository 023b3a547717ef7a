#include "api/json_syntax.h"

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

}  // namespace

std::string DescribeJsonError(std::string_view json) { return Scanner(json).Run(); }

}  // namespace berth::api
