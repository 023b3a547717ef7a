#include <optional>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "base/expression/operators.h"
#include "base/expression/parser.h"
#include "base/expression/program.h"
#include "base/expression/syntax.h"

namespace berth::expression {
namespace {

// One evaluation. Recursion is as deep as the syntax tree, which Parse bounded.
class Run {
 public:
  Run(const Syntax& syntax, const Environment& environment)
      : syntax_(syntax),
        environment_(environment),
        steps_(syntax.limits.max_cost),
        slots_(static_cast<size_t>(syntax.slots)) {}

  Result<Value> Evaluate() { return Of(syntax_.root); }

 private:
  Result<Value> Of(int index) {
    const Node& node = syntax_.nodes[static_cast<size_t>(index)];
    if (--steps_ < 0) return TooCostly(node);
    switch (node.op) {
      case Op::kConstant:
        return node.constant;
      case Op::kRoot:
        return environment_.Root(node.name);
      case Op::kVariable:
        return slots_[static_cast<size_t>(node.slot)];
      case Op::kMember:
      case Op::kHas:
        return Member(node);
      case Op::kAnd:
      case Op::kOr:
        return Logical(node);
      case Op::kConditional:
        return Conditional(node);
      case Op::kAll:
      case Op::kExists:
      case Op::kExistsOne:
      case Op::kFilter:
      case Op::kTransform:
        return Macro(node);
      case Op::kBind: {
        Result<Value> value = Of(node.children[0]);
        if (ProblemOf(value) != nullptr) return value;
        slots_[static_cast<size_t>(node.slot)] = std::get<Value>(std::move(value));
        return Of(node.children[1]);
      }
      default:
        return Strict(node);
    }
  }

  static Problem Fail(const Node& node, std::string text) {
    return Problem{node.position, std::move(text)};
  }
  Problem TooCostly(const Node& node) const {
    return Problem{node.position,
                   fmt::format("costs more than {} to evaluate", syntax_.limits.max_cost), true};
  }
  static Result<Value> From(const Node& node, Answer answer) {
    if (!answer.value) return Fail(node, std::move(answer.problem));
    return *std::move(answer.value);
  }

  // Operators that need all their operands.
  Result<Value> Strict(const Node& node) {
    Value::Items operands;
    operands.reserve(node.children.size());
    for (int child : node.children) {
      Result<Value> operand = Of(child);
      if (ProblemOf(operand) != nullptr) return operand;
      operands.push_back(std::get<Value>(std::move(operand)));
    }
    switch (node.op) {
      case Op::kList:
        return Value::List(std::move(operands));
      case Op::kIndex:
        return Indexed(node, operands[0], operands[1]);
      case Op::kNot:
        if (const bool* flag = operands[0].AsBool()) return Value::Bool(!*flag);
        return Fail(node, fmt::format("no such overload: !{}", operands[0].TypeName()));
      case Op::kNegate:
        return From(node, Negated(operands[0]));
      case Op::kEqual:
      case Op::kNotEqual: {
        const std::optional<bool> equal = Equal(operands[0], operands[1], steps_);
        if (!equal) return TooCostly(node);
        return Value::Bool(*equal == (node.op == Op::kEqual));
      }
      case Op::kIn:
        return In(node, operands[0], operands[1]);
      case Op::kLess:
      case Op::kLessOrEqual:
      case Op::kGreater:
      case Op::kGreaterOrEqual:
        return Ordered(node, operands[0], operands[1]);
      case Op::kFunction:
      case Op::kMethod:
        return Called(node, operands);
      default:
        steps_ -= node.op == Op::kAdd ? SizeOf(operands[0]) + SizeOf(operands[1]) : 0;
        if (steps_ < 0) return TooCostly(node);
        return From(node, Arithmetic(node.op, operands[0], operands[1]));
    }
  }

  Result<Value> Member(const Node& node) {
    Result<Value> of = Of(node.children[0]);
    if (ProblemOf(of) != nullptr) return of;
    const Map* map = std::get<Value>(of).AsMap();
    if (map == nullptr) {
      return Fail(node, fmt::format("no such field: {} of {}", node.name,
                                    std::get<Value>(of).TypeName()));
    }
    const Value key = Value::String(node.name);
    std::optional<Value> found = map->Find(key);
    if (node.op == Op::kHas) return Value::Bool(found.has_value());  // a default counts
    if (!found) return Fail(node, fmt::format("no such key: {}", node.name));
    return *std::move(found);
  }

  static Result<Value> Indexed(const Node& node, const Value& of, const Value& key) {
    if (const Map* map = of.AsMap()) {
      std::optional<Value> found = map->Find(key);
      if (found) return *std::move(found);
      const std::string* name = key.AsString();
      return Fail(node, fmt::format("no such key: {}", name != nullptr ? *name : key.ToText()));
    }
    if (const auto* items = of.AsList(); items != nullptr && key.AsInt() != nullptr) {
      const int64_t index = *key.AsInt();
      if (index >= 0 && index < std::ssize(*items)) return (*items)[static_cast<size_t>(index)];
      return Fail(node, fmt::format("index out of bounds: {}", index));
    }
    return Fail(node,
                fmt::format("no such overload: {}[{}]", of.TypeName(), key.TypeName()));
  }

  Result<Value> In(const Node& node, const Value& element, const Value& of) {
    if (const Map* map = of.AsMap()) return Value::Bool(map->Contains(element));
    const auto* items = of.AsList();
    if (items == nullptr) {
      return Fail(node,
                  fmt::format("no such overload: {} in {}", element.TypeName(), of.TypeName()));
    }
    for (const Value& item : *items) {
      const std::optional<bool> equal = Equal(element, item, steps_);
      if (!equal) return TooCostly(node);
      if (*equal) return Value::Bool(true);
    }
    return Value::Bool(false);
  }

  static Result<Value> Ordered(const Node& node, const Value& a, const Value& b) {
    const std::optional<std::partial_ordering> order = Order(a, b);
    if (!order) {
      return Fail(node, fmt::format("no such overload: {} and {} have no order", a.TypeName(),
                                    b.TypeName()));
    }
    switch (node.op) {
      case Op::kLess:
        return Value::Bool(*order < 0);
      case Op::kLessOrEqual:
        return Value::Bool(*order <= 0);
      case Op::kGreater:
        return Value::Bool(*order > 0);
      default:
        return Value::Bool(*order >= 0);
    }
  }

  Result<Value> Called(const Node& node, const Value::Items& operands) {
    for (const Value& operand : operands) steps_ -= SizeOf(operand) / 10;
    if (steps_ < 0) return TooCostly(node);
    const std::span<const Value> all(operands);
    if (node.op == Op::kFunction) {
      return From(node, IsStandardFunction(node.name) ? CallFunction(node.name, all)
                                                      : environment_.Call(node.name, all));
    }
    // Searching for one string in another.
    if (node.name == "contains" && operands.size() == 2) {
      steps_ -= SizeOf(operands[0]) / 10 * (SizeOf(operands[1]) / 10);
      if (steps_ < 0) return TooCostly(node);
    }
    if (const Object* object = operands[0].AsObject()) {
      return From(node, object->Call(node.name, all.subspan(1)));
    }
    return From(node, CallMethod(operands[0], node.name, all.subspan(1)));
  }

  // One operand that decides (true for ||) is enough, whatever is wrong with the others.
  Result<Value> Logical(const Node& node) {
    const bool decisive = node.op == Op::kOr;
    std::optional<Problem> first;
    for (int child : node.children) {
      std::optional<Problem> problem;
      const std::optional<bool> flag = Condition(child, problem);
      if (flag && *flag == decisive) return Value::Bool(decisive);
      if (problem && problem->limit) return *std::move(problem);
      if (problem && !first) first = std::move(problem);
    }
    if (first) return *std::move(first);
    return Value::Bool(!decisive);
  }

  // nullopt: a problem, also when the value is no bool.
  std::optional<bool> Condition(int child, std::optional<Problem>& problem) {
    Result<Value> value = Of(child);
    if (Problem* held = std::get_if<Problem>(&value)) {
      problem = std::move(*held);
      return std::nullopt;
    }
    if (const bool* flag = std::get<Value>(value).AsBool()) return *flag;
    problem = Fail(syntax_.nodes[static_cast<size_t>(child)],
                   fmt::format("no such overload: {} where a bool is needed",
                               std::get<Value>(value).TypeName()));
    return std::nullopt;
  }

  Result<Value> Conditional(const Node& node) {
    std::optional<Problem> problem;
    const std::optional<bool> flag = Condition(node.children[0], problem);
    if (!flag) return *std::move(problem);
    return Of(node.children[*flag ? 1 : 2]);
  }

  Result<Value> Macro(const Node& node) {
    Result<Value> range = Of(node.children[0]);
    if (ProblemOf(range) != nullptr) return range;
    const Value& over = std::get<Value>(range);
    Value::Items elements;
    if (const auto* items = over.AsList()) {
      elements = *items;
    } else if (const Map* map = over.AsMap()) {
      elements = map->Keys();
    } else {
      return Fail(node, fmt::format("no such overload: {}.{}()", over.TypeName(), node.name));
    }
    steps_ -= std::ssize(elements);
    if (steps_ < 0) return TooCostly(node);
    if (node.op == Op::kAll || node.op == Op::kExists) return Quantified(node, elements);
    return Collected(node, elements);
  }

  // all and exists: as && and || over the elements.
  Result<Value> Quantified(const Node& node, const Value::Items& elements) {
    const bool decisive = node.op == Op::kExists;
    std::optional<Problem> first;
    for (const Value& element : elements) {
      slots_[static_cast<size_t>(node.slot)] = element;
      std::optional<Problem> problem;
      const std::optional<bool> flag = Condition(node.children[1], problem);
      if (flag && *flag == decisive) return Value::Bool(decisive);
      if (problem && problem->limit) return *std::move(problem);
      if (problem && !first) first = std::move(problem);
    }
    if (first) return *std::move(first);
    return Value::Bool(!decisive);
  }

  // exists_one, filter and map: any problem is the result's.
  Result<Value> Collected(const Node& node, const Value::Items& elements) {
    Value::Items out;
    const bool conditional = node.op != Op::kTransform || node.children.size() == 3;
    for (const Value& element : elements) {
      slots_[static_cast<size_t>(node.slot)] = element;
      if (conditional) {
        std::optional<Problem> problem;
        const std::optional<bool> flag = Condition(node.children[1], problem);
        if (!flag) return *std::move(problem);
        if (!*flag) continue;
      }
      if (node.op != Op::kTransform) {
        out.push_back(element);
        continue;
      }
      slots_[static_cast<size_t>(node.slot)] = element;
      Result<Value> made = Of(node.children.back());
      if (ProblemOf(made) != nullptr) return made;
      out.push_back(std::get<Value>(std::move(made)));
    }
    if (node.op == Op::kExistsOne) return Value::Bool(out.size() == 1);
    return Value::List(std::move(out));
  }

  const Syntax& syntax_;
  const Environment& environment_;
  int64_t steps_;
  std::vector<Value> slots_;
};

}  // namespace

std::string Problem::ToText() const { return fmt::format("column {}: {}", position + 1, text); }

Result<Program> Program::Parse(std::string_view text, const Names& names, const Limits& limits) {
  Result<Syntax> parsed = ParseSyntax(text, names, limits);
  if (Problem* problem = std::get_if<Problem>(&parsed)) return std::move(*problem);
  return Program(std::make_shared<const Syntax>(std::get<Syntax>(std::move(parsed))));
}

Result<Value> Program::Evaluate(const Environment& environment) const {
  return Run(*syntax_, environment).Evaluate();
}

}  // namespace berth::expression
