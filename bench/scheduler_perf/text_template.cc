#include "bench/scheduler_perf/text_template.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "base/strings.h"

namespace berth::bench {
namespace {

constexpr size_t kDepthMax = 20;

// One node of an action: a constant, a field, or a call.
struct Expression {
  enum class Kind : uint8_t { kText, kNumber, kIndex, kCount, kCall };
  Kind kind = Kind::kNumber;
  std::string text;  // of kText; of kCall: the function
  double number = 0;
  bool whole = true;  // of kNumber: prints without a fraction
  std::vector<Expression> operands;
};

struct Value {
  enum class Kind : uint8_t { kText, kWhole, kFloat };
  Kind kind = Kind::kWhole;
  std::string text;
  double number = 0;
};

struct Function {
  std::string_view name;
  char op;     // + - * / %
  bool whole;  // the result is cut
};
constexpr Function kFunctions[] = {
    {"AddFloat", '+', false},      {"AddInt", '+', true},
    {"SubtractFloat", '-', false}, {"SubtractInt", '-', true},
    {"MultiplyFloat", '*', false}, {"MultiplyInt", '*', true},
    {"DivideFloat", '/', false},   {"DivideInt", '/', true},
    {"Mod", '%', true},
};

const Function* FindFunction(std::string_view name) {
  for (const Function& function : kFunctions) {
    if (function.name == name) return &function;
  }
  return nullptr;
}

absl::Status Refusal(std::string_view name, int64_t line, std::string_view what) {
  return absl::InvalidArgumentError(ToAbsl(fmt::format("template: {}:{}: {}", name, line, what)));
}

bool IsWordCharacter(char c) {
  return c == '.' || c == '_' || c == '-' || c == '+' || (c >= '0' && c <= '9') ||
         (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// What stands between "{{" and "}}". Errors are texts; Parse adds where.
class ActionParser {
 public:
  explicit ActionParser(std::string_view text) : text_(text) {}

  // Empty: it is right, and in `out`.
  std::string Parse(Expression& out) {
    Skip();
    if (text_.empty()) return "missing value for command";
    for (const std::string_view word : {"if", "range", "with", "define", "template", "block",
                                        "else", "end", "break", "continue", "and", "or", "not"}) {
      if (Word() == word) return fmt::format("{{{{{}}}}} is not supported", word);
    }
    std::string bad = Command(out, 0);
    Skip();
    if (bad.empty() && !text_.empty()) bad = Unexpected();
    return bad;
  }

 private:
  void Skip() {
    while (!text_.empty() && (text_[0] == ' ' || text_[0] == '\t')) text_.remove_prefix(1);
  }
  std::string_view Word() const {
    size_t size = 0;
    while (size < text_.size() && IsWordCharacter(text_[size])) ++size;
    return text_.substr(0, size);
  }
  std::string Unexpected() const {
    if (text_[0] == '|') return "pipelines are not supported";
    if (text_[0] == '$') return "variables are not supported";
    if (text_[0] == '/') return "comments are not supported";
    return fmt::format("unexpected {:?} in operand", std::string(1, text_[0]));
  }

  // A function with its operands, or one operand.
  std::string Command(Expression& out, size_t depth) {
    if (depth > kDepthMax) return "too deeply nested";
    Skip();
    const std::string_view word = Word();
    const bool call = !word.empty() && word[0] >= 'A' && word[0] <= 'z' && word[0] != '_';
    if (!call) return Operand(out, depth);
    if (FindFunction(word) == nullptr) return fmt::format("function \"{}\" not defined", word);
    out.kind = Expression::Kind::kCall;
    out.text = std::string(word);
    text_.remove_prefix(word.size());
    for (Skip(); !text_.empty() && text_[0] != ')'; Skip()) {
      if (std::string bad = Operand(out.operands.emplace_back(), depth); !bad.empty()) return bad;
    }
    const Function& function = *FindFunction(out.text);
    const bool pair = function.op != '+' && function.op != '*';
    if (pair && out.operands.size() != 2) {
      return fmt::format("wrong number of args for {}: want 2 got {}", out.text,
                         out.operands.size());
    }
    return {};
  }

  std::string Operand(Expression& out, size_t depth) {
    if (text_[0] == '(') {
      text_.remove_prefix(1);
      if (std::string bad = Command(out, depth + 1); !bad.empty()) return bad;
      Skip();
      if (text_.empty() || text_[0] != ')') return "unclosed left paren";
      text_.remove_prefix(1);
      return {};
    }
    if (text_[0] == '"') return Quoted(out);
    const std::string_view word = Word();
    if (word.empty()) return Unexpected();
    text_.remove_prefix(word.size());
    if (word == ".Index" || word == ".Count") {
      out.kind = word == ".Index" ? Expression::Kind::kIndex : Expression::Kind::kCount;
      return {};
    }
    if (word[0] == '.') return fmt::format("the field {} is not supported", word);
    const auto [end, error] =
        std::from_chars(word.data(), word.data() + word.size(), out.number);
    if (error != std::errc() || end != word.data() + word.size()) {
      return fmt::format("bad number syntax: \"{}\"", word);
    }
    out.whole = word.find_first_of(".eE") == word.npos;
    return {};
  }

  std::string Quoted(Expression& out) {
    const size_t end = text_.find('"', 1);
    if (end == text_.npos) return "unterminated quoted string";
    out.kind = Expression::Kind::kText;
    out.text = std::string(text_.substr(1, end - 1));
    if (out.text.find('\\') != out.text.npos) return "escapes are not supported";
    text_.remove_prefix(end + 1);
    return {};
  }

  std::string_view text_;
};

// Throws nothing: errors are texts, as the parser's.
std::string Compute(const Expression& expression, int64_t index, int64_t count, Value& out);

std::string Number(const Expression& expression, int64_t index, int64_t count, double& out) {
  Value value;
  if (std::string bad = Compute(expression, index, count, value); !bad.empty()) return bad;
  if (value.kind != Value::Kind::kText) {
    out = value.number;
    return {};
  }
  const char* end = value.text.data() + value.text.size();
  const auto [stop, error] = std::from_chars(value.text.data(), end, out);
  if (error == std::errc() && stop == end) return {};
  return fmt::format("cannot cast {} to float64", value.text);
}

std::string Apply(const Function& function, const std::vector<double>& operands, Value& out) {
  double result = function.op == '*' ? 1 : 0;
  switch (function.op) {
    case '+':
      for (const double x : operands) result += x;
      break;
    case '*':
      for (const double x : operands) result *= x;
      break;
    case '-':
      result = operands[0] - operands[1];
      break;
    case '/':
      if (operands[1] == 0) return "division by zero";
      result = operands[0] / operands[1];
      break;
    default:  // %
      if (std::trunc(operands[1]) == 0) return "integer divide by zero";
      result = std::fmod(std::trunc(operands[0]), std::trunc(operands[1]));
  }
  out.kind = function.whole ? Value::Kind::kWhole : Value::Kind::kFloat;
  out.number = function.whole ? std::trunc(result) : result;
  return {};
}

std::string Compute(const Expression& expression, int64_t index, int64_t count, Value& out) {
  switch (expression.kind) {
    case Expression::Kind::kText:
      out.kind = Value::Kind::kText;
      out.text = expression.text;
      return {};
    case Expression::Kind::kNumber:
      out.kind = expression.whole ? Value::Kind::kWhole : Value::Kind::kFloat;
      out.number = expression.number;
      return {};
    case Expression::Kind::kIndex:
    case Expression::Kind::kCount:
      out.kind = Value::Kind::kWhole;
      out.number =
          static_cast<double>(expression.kind == Expression::Kind::kIndex ? index : count);
      return {};
    case Expression::Kind::kCall:
      break;
  }
  std::vector<double> operands(expression.operands.size());
  for (size_t i = 0; i < operands.size(); ++i) {
    std::string bad = Number(expression.operands[i], index, count, operands[i]);
    if (!bad.empty()) return bad;
  }
  return Apply(*FindFunction(expression.text), operands, out);
}

std::string Print(const Value& value) {
  switch (value.kind) {
    case Value::Kind::kText: return value.text;
    case Value::Kind::kWhole: return fmt::format("{:.0f}", value.number);
    case Value::Kind::kFloat: break;
  }
  return fmt::format("{}", value.number);
}

}  // namespace

struct TextTemplate::Piece {
  int64_t line = 1;
  std::string text;
  bool is_action = false;
  Expression action;
};

TextTemplate::TextTemplate() = default;
TextTemplate::TextTemplate(TextTemplate&&) noexcept = default;
TextTemplate& TextTemplate::operator=(TextTemplate&&) noexcept = default;
TextTemplate::~TextTemplate() = default;

absl::StatusOr<TextTemplate> TextTemplate::Parse(std::string name, std::string_view text) {
  TextTemplate out;
  out.name_ = std::move(name);
  int64_t line = 1;
  while (!text.empty()) {
    const size_t open = std::min(text.find("{{"), text.size());
    if (open > 0) {
      out.pieces_.push_back({line, std::string(text.substr(0, open)), false, {}});
      line += std::count(text.begin(), text.begin() + static_cast<int64_t>(open), '\n');
      text.remove_prefix(open);
      continue;
    }
    const size_t close = text.find("}}");
    if (close == text.npos) return Refusal(out.name_, line, "unclosed action");
    const std::string_view action = text.substr(2, close - 2);
    if (action.starts_with("- ") || action.ends_with(" -")) {
      return Refusal(out.name_, line, "trimming of white space is not supported");
    }
    Piece piece{line, {}, true, {}};
    if (const std::string bad = ActionParser(action).Parse(piece.action); !bad.empty()) {
      return Refusal(out.name_, line, bad);
    }
    out.constant_ = false;
    out.pieces_.push_back(std::move(piece));
    text.remove_prefix(close + 2);
  }
  return out;
}

absl::StatusOr<std::string> TextTemplate::Render(int64_t index, int64_t count) const {
  std::string out;
  for (const Piece& piece : pieces_) {
    if (!piece.is_action) {
      out += piece.text;
      continue;
    }
    Value value;
    if (const std::string bad = Compute(piece.action, index, count, value); !bad.empty()) {
      return Refusal(name_, piece.line, bad);
    }
    out += Print(value);
  }
  return out;
}

}  // namespace berth::bench
