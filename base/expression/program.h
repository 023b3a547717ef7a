// Expressions: a subset of CEL, parsed once and evaluated often, over values its owner supplies.
//
//   auto parsed = Program::Parse(R"(device.model == "a100" && device.index > 0)",
//                                {.roots = {"device"}});
//   if (const Problem* problem = ProblemOf(parsed)) return problem->ToText();  // "column 8: ..."
//   Result<Value> result = std::get<Program>(parsed).Evaluate(device);
//
// What is there, what is not, and where it differs from CEL: docs/expressions.md. Nothing here
// runs without bound: length and height are limited when parsing, cost when evaluating.
// Threads: a Program is immutable; Evaluate may run concurrently.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/expression/value.h"

namespace berth::expression {

// Why an expression did not parse, or has no value.
struct Problem {
  size_t position = 0;  // bytes from the start of the text
  std::string text;     // "no such key: model"
  // A limit was hit: no || or && may pass over it.
  bool limit = false;
  std::string ToText() const;  // with the column, counted from 1
};

template <typename T>
using Result = std::variant<T, Problem>;

template <typename T>
const Problem* ProblemOf(const Result<T>& result) {
  return std::get_if<Problem>(&result);
}

// The names that an expression may use besides CEL's own; others are refused by Parse.
struct Names {
  std::vector<std::string> roots = {};
  std::vector<std::string> functions = {};  // quantity("1Gi")
  std::vector<std::string> methods = {};    // of objects: capacity.compareTo(...)
};

struct Limits {
  size_t max_length = 10 * 1024;  // bytes of text
  int max_height = 100;           // of the syntax tree: nesting, and operators in a row
  int64_t max_cost = 1'000'000;   // about one a node evaluated or list element looked at
};

// The world of one evaluation.
class Environment {
 public:
  virtual ~Environment() = default;
  virtual Value Root(std::string_view name) const = 0;
  virtual Answer Call(std::string_view function, std::span<const Value>) const {
    return Answer::Failed("no such function: " + std::string(function));
  }
};

struct Syntax;

class Program {
 public:
  // The first problem found.
  static Result<Program> Parse(std::string_view text, const Names& names,
                               const Limits& limits = {});

  Result<Value> Evaluate(const Environment& environment) const;

 private:
  explicit Program(std::shared_ptr<const Syntax> syntax) : syntax_(std::move(syntax)) {}
  std::shared_ptr<const Syntax> syntax_;
};

}  // namespace berth::expression
