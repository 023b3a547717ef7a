#include "base/expression/lexer.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/core.h>

namespace berth::expression {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsName(char c) { return IsNameStart(c) || IsDigit(c); }

void AppendUtf8(std::string& out, uint32_t point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xC0 | (point >> 6));
    out += static_cast<char>(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0 | (point >> 12));
    out += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (point & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (point >> 18));
    out += static_cast<char>(0x80 | ((point >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (point & 0x3F));
  }
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<std::vector<Token>> Run() {
    while (!problem_) {
      SkipSpace();
      Token token;
      token.position = at_;
      if (at_ >= text_.size()) {
        tokens_.push_back(std::move(token));
        return std::move(tokens_);
      }
      Next(token);
      tokens_.push_back(std::move(token));
    }
    return *std::move(problem_);
  }

 private:
  char Peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  void Fail(size_t position, std::string text) {
    if (!problem_) problem_ = Problem{position, std::move(text)};
  }

  void SkipSpace() {
    while (at_ < text_.size()) {
      if (text_[at_] == '/' && Peek(1) == '/') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else if (std::string_view(" \t\n\r\f").find(text_[at_]) != std::string_view::npos) {
        ++at_;
      } else {
        return;
      }
    }
  }

  void Next(Token& token) {
    const char c = Peek();
    if (IsDigit(c) || (c == '.' && IsDigit(Peek(1)))) return Number(token);
    if (c == '"' || c == '\'') return Quoted(token, false);
    if ((c == 'r' || c == 'R') && (Peek(1) == '"' || Peek(1) == '\'')) {
      ++at_;
      return Quoted(token, true);
    }
    if ((c == 'b' || c == 'B') && (Peek(1) == '"' || Peek(1) == '\'')) {
      return Fail(at_, "bytes literals are not supported");
    }
    if (IsNameStart(c)) {
      token.kind = Token::Kind::kName;
      while (IsName(Peek())) token.text += text_[at_++];
      return;
    }
    Symbol(token);
  }

  void Symbol(Token& token) {
    token.kind = Token::Kind::kSymbol;
    for (std::string_view two : {"&&", "||", "==", "!=", "<=", ">="}) {
      if (text_.substr(at_, 2) == two) {
        token.text = two;
        at_ += 2;
        return;
      }
    }
    if (std::string_view("()[].,?:!<>+-*/%{}").find(Peek()) == std::string_view::npos) {
      return Fail(at_, fmt::format("unexpected character '{}'", Peek()));
    }
    token.text = text_[at_++];
  }

  void Number(Token& token) {
    token.kind = Token::Kind::kConstant;
    const size_t start = at_;
    const bool hex = Peek() == '0' && (Peek(1) == 'x' || Peek(1) == 'X');
    bool real = false;
    if (hex) {
      at_ += 2;
      while (IsDigit(Peek()) || ((Peek() | 0x20) >= 'a' && (Peek() | 0x20) <= 'f')) ++at_;
    } else {
      while (IsDigit(Peek())) ++at_;
      if (Peek() == '.' && IsDigit(Peek(1))) {
        real = true;
        for (++at_; IsDigit(Peek());) ++at_;
      }
      const size_t sign = Peek(1) == '+' || Peek(1) == '-' ? 1 : 0;
      if ((Peek() == 'e' || Peek() == 'E') && IsDigit(Peek(1 + sign))) {
        real = true;
        for (at_ += 1 + sign; IsDigit(Peek());) ++at_;
      }
    }
    const char* first = text_.data() + start + (hex ? 2 : 0);
    const char* last = text_.data() + at_;
    const bool natural = !real && (Peek() == 'u' || Peek() == 'U');
    if (natural) ++at_;
    if (IsName(Peek())) return Fail(start, "malformed number");
    if (real) return Finish(token, start, first, last, double{}, &Value::Double);
    // The least int64 is written with a sign: its magnitude is left to the parser as uint.
    uint64_t magnitude = 0;
    const auto [end, error] = std::from_chars(first, last, magnitude, hex ? 16 : 10);
    if (error != std::errc() || end != last) return Fail(start, "number out of range");
    if (natural) {
      token.constant = Value::Uint(magnitude);
    } else if (magnitude <= uint64_t{1} << 63) {
      token.constant = Value::Int(static_cast<int64_t>(magnitude));
      if (magnitude == uint64_t{1} << 63) token.text = "min";
    } else {
      Fail(start, "number out of range");
    }
  }

  template <typename T>
  void Finish(Token& token, size_t start, const char* first, const char* last, T number,
              Value (*make)(T)) {
    const auto [end, error] = std::from_chars(first, last, number);
    if (error != std::errc() || end != last) return Fail(start, "number out of range");
    token.constant = make(number);
  }

  void Quoted(Token& token, bool raw) {
    token.kind = Token::Kind::kConstant;
    const char quote = Peek();
    const bool triple = Peek(1) == quote && Peek(2) == quote;
    const std::string closing(triple ? 3 : 1, quote);
    at_ += closing.size();
    std::string out;
    while (!problem_) {
      if (at_ >= text_.size() || (!triple && Peek() == '\n')) {
        return Fail(token.position, "string is not closed");
      }
      if (text_.substr(at_, closing.size()) == closing) break;
      if (Peek() == '\\' && !raw) {
        Escape(out);
      } else {
        out += text_[at_++];
      }
    }
    at_ += closing.size();
    token.constant = Value::String(std::move(out));
  }

  void Escape(std::string& out) {
    constexpr std::string_view kLetters = "abfnrtv\\?\"'`";
    constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\?\"'`";
    const size_t start = at_++;
    const char c = Peek();
    if (const size_t i = kLetters.find(c); c != '\0' && i != std::string_view::npos) {
      out += kMeanings[i];
      ++at_;
      return;
    }
    int digits = 0, base = 16;
    if (c == 'x' || c == 'X') digits = 2;
    if (c == 'u') digits = 4;
    if (c == 'U') digits = 8;
    if (digits > 0) ++at_;
    if (c >= '0' && c <= '3') digits = 3, base = 8;
    const std::string_view rest = text_.substr(std::min(at_, text_.size()));
    const size_t length = std::min(static_cast<size_t>(digits), rest.size());
    const char* first = rest.data();
    uint32_t point = 0;
    const auto [end, error] = std::from_chars(first, first + length, point, base);
    if (digits == 0 || error != std::errc() || end != first + digits || point > 0x10FFFF ||
        (point >= 0xD800 && point < 0xE000)) {
      return Fail(start, "unknown escape in a string");
    }
    at_ += static_cast<size_t>(digits);
    AppendUtf8(out, point);
  }

  const std::string_view text_;
  size_t at_ = 0;
  std::vector<Token> tokens_;
  std::optional<Problem> problem_;
};

}  // namespace

Result<std::vector<Token>> Tokenize(std::string_view text) { return Lexer(text).Run(); }

}  // namespace berth::expression
