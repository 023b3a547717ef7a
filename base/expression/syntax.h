// The syntax tree of an expression: nodes in one vector, children before parents.
// Private to base/expression.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/expression/program.h"
#include "base/expression/value.h"

namespace berth::expression {

enum class Op : uint8_t {
  kConstant,
  kRoot,         // name
  kVariable,     // slot
  kMember,       // child 0 . name
  kHas,          // has(child 0 . name)
  kIndex,        // child 0 [ child 1 ]
  kNot, kNegate,
  kAnd, kOr,     // two children or more
  kConditional,  // child 0 ? child 1 : child 2
  kEqual, kNotEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual, kIn,
  kAdd, kSubtract, kMultiply, kDivide, kModulo,
  kList,
  kFunction,     // name (children)
  kMethod,       // child 0 . name (further children)
  // Macros over child 0, with the variable in slot: child 1 for each element.
  kAll, kExists, kExistsOne, kFilter,
  kTransform,    // map: child 1, or child 2 where child 1 holds
  kBind,         // cel.bind: child 1 with child 0 in slot
};

struct Node {
  Op op = Op::kConstant;
  size_t position = 0;
  int height = 1;
  int slot = 0;
  std::string name;
  Value constant;
  std::vector<int> children;
};

struct Syntax {
  std::vector<Node> nodes;
  int root = 0;
  int slots = 0;
  Limits limits;
};

}  // namespace berth::expression
