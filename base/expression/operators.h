// What operators, functions and string methods compute. Private to base/expression.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/expression/syntax.h"
#include "base/expression/value.h"

namespace berth::expression {

// + - * / % of two numbers of one type; + also joins strings and lists. Overflow is a failure.
Answer Arithmetic(Op op, const Value& a, const Value& b);
Answer Negated(const Value& value);

// size, int, uint, double, string, dyn.
bool IsStandardFunction(std::string_view name);
Answer CallFunction(std::string_view name, std::span<const Value> arguments);
// Of strings, lists and maps.
Answer CallMethod(const Value& receiver, std::string_view name, std::span<const Value> arguments);

// Roughly how much work it is to look at a value once: the length of a string or a list.
int64_t SizeOf(const Value& value);

}  // namespace berth::expression
