#include "base/expression/parser.h"

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "base/expression/lexer.h"

namespace berth::expression {
namespace {

constexpr std::string_view kFunctions[] = {"size", "int", "uint", "double", "string", "dyn"};
constexpr std::string_view kMethods[] = {"startsWith", "endsWith",   "contains",
                                         "size",       "lowerAscii", "upperAscii"};

struct Operator {
  std::string_view symbol;
  Op op;
};
constexpr Operator kRelations[] = {{"==", Op::kEqual},     {"!=", Op::kNotEqual},
                                   {"<", Op::kLess},       {"<=", Op::kLessOrEqual},
                                   {">", Op::kGreater},    {">=", Op::kGreaterOrEqual},
                                   {"in", Op::kIn}};
constexpr Operator kSums[] = {{"+", Op::kAdd}, {"-", Op::kSubtract}};
constexpr Operator kProducts[] = {
    {"*", Op::kMultiply}, {"/", Op::kDivide}, {"%", Op::kModulo}};
constexpr Operator kMacros[] = {{"all", Op::kAll},
                                {"exists", Op::kExists},
                                {"exists_one", Op::kExistsOne},
                                {"filter", Op::kFilter},
                                {"map", Op::kTransform}};

const Op* Find(std::span<const Operator> operators, std::string_view symbol) {
  for (const Operator& entry : operators) {
    if (entry.symbol == symbol) return &entry.op;
  }
  return nullptr;
}

bool Has(std::span<const std::string_view> fixed, const std::vector<std::string>& own,
         std::string_view name) {
  return std::find(fixed.begin(), fixed.end(), name) != fixed.end() ||
         std::find(own.begin(), own.end(), name) != own.end();
}

class Parser {
 public:
  Parser(std::vector<Token> tokens, const Names& names, const Limits& limits)
      : tokens_(std::move(tokens)), names_(names) {
    out_.limits = limits;
  }

  Result<Syntax> Run() {
    out_.root = Expression();
    if (!problem_ && Current().kind != Token::Kind::kEnd) Unexpected("an operator or the end");
    if (problem_) return *std::move(problem_);
    return std::move(out_);
  }

 private:
  // After a problem every token reads as the end, so that all callers come back soon.
  const Token& Current() const { return problem_ ? tokens_.back() : tokens_[at_]; }
  bool Is(std::string_view symbol) const {
    return Current().kind == Token::Kind::kSymbol && Current().text == symbol;
  }
  bool IsName(std::string_view name) const {
    return Current().kind == Token::Kind::kName && Current().text == name;
  }
  bool Take(std::string_view symbol) {
    if (!Is(symbol)) return false;
    ++at_;
    return true;
  }
  void Expect(std::string_view symbol) {
    if (!Take(symbol)) Unexpected(fmt::format("'{}'", symbol));
  }

  int Fail(size_t position, std::string text, bool limit = false) {
    if (!problem_) problem_ = Problem{position, std::move(text), limit};
    return 0;
  }
  int Unexpected(std::string_view wanted) {
    const Token& token = Current();
    const std::string found = token.kind == Token::Kind::kEnd        ? "the end"
                              : token.kind == Token::Kind::kConstant ? token.constant.ToText()
                                                                     : "'" + token.text + "'";
    return Fail(token.position, fmt::format("expected {}, found {}", wanted, found));
  }

  int Add(Op op, size_t position, std::vector<int> children, std::string name = {}, int slot = 0) {
    if (problem_) return 0;
    Node node;
    node.op = op;
    node.position = position;
    node.name = std::move(name);
    node.slot = slot;
    for (int child : children) {
      node.height = std::max(node.height, out_.nodes[static_cast<size_t>(child)].height + 1);
    }
    node.children = std::move(children);
    if (node.height > out_.limits.max_height) return TooHigh(position);
    out_.nodes.push_back(std::move(node));
    return static_cast<int>(out_.nodes.size()) - 1;
  }
  int TooHigh(size_t position) {
    return Fail(position,
                fmt::format("nested too deeply: more than {} levels", out_.limits.max_height),
                true);
  }
  int Constant(size_t position, Value value) {
    const int node = Add(Op::kConstant, position, {});
    if (!problem_) out_.nodes[static_cast<size_t>(node)].constant = std::move(value);
    return node;
  }

  int Expression() {
    if (++depth_ > out_.limits.max_height) TooHigh(Current().position);
    int left = Logical("||", Op::kOr);
    const size_t position = Current().position;
    if (Take("?")) {
      const int yes = Logical("||", Op::kOr);
      Expect(":");
      const int no = Expression();
      left = Add(Op::kConditional, position, {left, yes, no});
    }
    --depth_;
    return left;
  }

  // a || b || c is one node; so is a && b && c.
  int Logical(std::string_view symbol, Op op) {
    const size_t position = Current().position;
    std::vector<int> children{Operand(op)};
    while (Take(symbol)) children.push_back(Operand(op));
    return children.size() == 1 ? children[0] : Add(op, position, std::move(children));
  }
  int Operand(Op op) { return op == Op::kOr ? Logical("&&", Op::kAnd) : Binary(0); }

  // Left to right: relations bind least, then sums, then products.
  int Binary(int level) {
    static constexpr std::span<const Operator> kLevels[] = {kRelations, kSums, kProducts};
    if (level == 3) return Unary();
    int left = Binary(level + 1);
    while (true) {
      const Token& token = Current();
      const bool candidate = token.kind == Token::Kind::kSymbol || IsName("in");
      const Op* op = candidate ? Find(kLevels[level], token.text) : nullptr;
      if (op == nullptr) return left;
      const size_t position = token.position;
      ++at_;
      const int right = Binary(level + 1);
      left = Add(*op, position, {left, right});
    }
  }

  int Unary() {
    std::vector<std::pair<Op, size_t>> operators;
    while (Is("!") || Is("-")) {
      operators.emplace_back(Is("!") ? Op::kNot : Op::kNegate, Current().position);
      ++at_;
    }
    const Token& token = Current();
    int node = 0;
    if (token.text == "min" && token.kind == Token::Kind::kConstant) {
      // Its magnitude alone is no int.
      if (operators.empty() || operators.back().first != Op::kNegate) {
        return Fail(token.position, "number out of range");
      }
      operators.pop_back();
      ++at_;
      node = Constant(token.position, Value::Int(std::numeric_limits<int64_t>::min()));
    } else {
      node = Member();
    }
    for (auto it = operators.rbegin(); it != operators.rend(); ++it) {
      node = Add(it->first, it->second, {node});
    }
    return node;
  }

  int Member() {
    int node = Primary();
    while (!problem_) {
      const size_t position = Current().position;
      if (Take("[")) {
        if (Is("?")) return Fail(position, "optional indexing is not supported");
        const int key = Expression();
        Expect("]");
        node = Add(Op::kIndex, position, {node, key});
      } else if (Take(".")) {
        node = Selected(node);
      } else {
        return node;
      }
    }
    return node;
  }

  // After the dot.
  int Selected(int receiver) {
    const Token name = Current();
    if (Is("?")) return Fail(name.position, "optional fields are not supported");
    if (name.kind != Token::Kind::kName) return Unexpected("a name");
    ++at_;
    if (!Take("(")) return Add(Op::kMember, name.position, {receiver}, name.text);
    if (const Op* macro = Find(kMacros, name.text)) return Macro(*macro, name, receiver);
    if (!Has(kMethods, names_.methods, name.text)) return NotSupported(name);
    std::vector<int> children = Arguments(")");
    children.insert(children.begin(), receiver);
    return Add(Op::kMethod, name.position, std::move(children), name.text);
  }
  int NotSupported(const Token& name) {
    return Fail(name.position, fmt::format("function {}() is not supported", name.text));
  }

  std::vector<int> Arguments(std::string_view closing) {
    std::vector<int> out;
    if (Take(closing)) return out;
    do {
      if (closing == "]" && Is("]")) break;  // a list may end with a comma
      out.push_back(Expression());
    } while (Take(","));
    Expect(closing);
    return out;
  }

  // The name of a macro's variable, in force until the scope is closed.
  int OpenScope() {
    const Token name = Current();
    if (name.kind != Token::Kind::kName) return Unexpected("the name of a variable");
    ++at_;
    Expect(",");
    pending_ = name.text;
    return out_.slots++;
  }

  int Macro(Op op, const Token& name, int receiver) {
    const int slot = OpenScope();
    scopes_.emplace_back(pending_, slot);
    std::vector<int> children{receiver, Expression()};
    if (op == Op::kTransform && Take(",")) children.push_back(Expression());
    Expect(")");
    scopes_.pop_back();
    return Add(op, name.position, std::move(children), name.text, slot);
  }

  // cel.bind(name, value, expression)
  int Bind(const Token& start) {
    const int slot = OpenScope();
    const std::string variable = pending_;
    const int value = Expression();
    Expect(",");
    scopes_.emplace_back(variable, slot);
    const int body = Expression();
    Expect(")");
    scopes_.pop_back();
    return Add(Op::kBind, start.position, {value, body}, {}, slot);
  }

  int HasMacro(const Token& name) {
    const int argument = Expression();
    Expect(")");
    if (problem_) return 0;
    Node& node = out_.nodes[static_cast<size_t>(argument)];
    if (node.op != Op::kMember) return Fail(name.position, "has() takes a field: has(a.b)");
    node.op = Op::kHas;
    return argument;
  }

  int Primary() {
    const Token token = Current();
    if (token.kind == Token::Kind::kConstant) {
      ++at_;
      return Constant(token.position, token.constant);
    }
    if (token.kind == Token::Kind::kName) return NameOrCall(token);
    if (Take("(")) {
      const int inner = Expression();
      Expect(")");
      return inner;
    }
    if (Take("[")) return Add(Op::kList, token.position, Arguments("]"));
    if (Is("{")) return Fail(token.position, "map literals are not supported");
    return Unexpected("a value");
  }

  int NameOrCall(const Token& token) {
    ++at_;
    if (token.text == "true") return Constant(token.position, Value::Bool(true));
    if (token.text == "false") return Constant(token.position, Value::Bool(false));
    if (token.text == "null") return Constant(token.position, Value());
    if (token.text == "in") return Fail(token.position, "expected a value, found 'in'");
    if (Take("(")) {
      if (token.text == "has") return HasMacro(token);
      if (!Has(kFunctions, names_.functions, token.text)) return NotSupported(token);
      return Add(Op::kFunction, token.position, Arguments(")"), token.text);
    }
    for (auto it = scopes_.rbegin(); it != scopes_.rend(); ++it) {
      if (it->first == token.text) {
        return Add(Op::kVariable, token.position, {}, token.text, it->second);
      }
    }
    if (token.text == "cel" && TakeBind()) return Bind(token);
    if (!Has({}, names_.roots, token.text)) {
      return Fail(token.position, fmt::format("undeclared name: {}", token.text));
    }
    return Add(Op::kRoot, token.position, {}, token.text);
  }
  bool TakeBind() {
    if (problem_ || tokens_.size() - at_ < 4 || tokens_[at_].text != "." ||
        tokens_[at_ + 1].text != "bind" || tokens_[at_ + 2].text != "(") {
      return false;
    }
    at_ += 3;
    return true;
  }

  const std::vector<Token> tokens_;
  const Names& names_;
  size_t at_ = 0;
  int depth_ = 0;
  std::string pending_;
  std::vector<std::pair<std::string, int>> scopes_;
  Syntax out_;
  std::optional<Problem> problem_;
};

}  // namespace

Result<Syntax> ParseSyntax(std::string_view text, const Names& names, const Limits& limits) {
  if (text.size() > limits.max_length) {
    return Problem{limits.max_length,
                   fmt::format("longer than {} bytes", limits.max_length), true};
  }
  Result<std::vector<Token>> tokens = Tokenize(text);
  if (Problem* problem = std::get_if<Problem>(&tokens)) return std::move(*problem);
  return Parser(std::get<std::vector<Token>>(std::move(tokens)), names, limits).Run();
}

}  // namespace berth::expression
