// Tokens into a syntax tree: recursive descent, bounded by the limits. Private to base/expression.
#pragma once

#include <string_view>

#include "base/expression/program.h"
#include "base/expression/syntax.h"

namespace berth::expression {

Result<Syntax> ParseSyntax(std::string_view text, const Names& names, const Limits& limits);

}  // namespace berth::expression
