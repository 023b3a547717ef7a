#include "base/expression/operators.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <fmt/core.h>

namespace berth::expression {
namespace {

Answer NoOverload(std::string_view what) {
  return Answer::Failed(fmt::format("no such overload: {}", what));
}
Answer OutOfRange(std::string_view type) {
  return Answer::Failed(fmt::format("{} overflow", type));
}

template <typename T>
std::optional<T> Checked(Op op, T a, T b) {
  T out{};
  const bool overflow = op == Op::kAdd        ? __builtin_add_overflow(a, b, &out)
                        : op == Op::kSubtract ? __builtin_sub_overflow(a, b, &out)
                                              : __builtin_mul_overflow(a, b, &out);
  return overflow ? std::nullopt : std::optional<T>(out);
}

template <typename T>
Answer Whole(Op op, T a, T b, std::string_view type, Value (*make)(T)) {
  if (op == Op::kDivide || op == Op::kModulo) {
    if (b == 0) return Answer::Failed(op == Op::kDivide ? "division by zero" : "modulus by zero");
    if (std::is_signed_v<T> && a == std::numeric_limits<T>::min() && b == static_cast<T>(-1)) {
      return OutOfRange(type);
    }
    return Answer::Of(make(static_cast<T>(op == Op::kDivide ? a / b : a % b)));
  }
  const std::optional<T> out = Checked<T>(op, a, b);
  return out ? Answer::Of(make(*out)) : OutOfRange(type);
}

Answer Real(Op op, double a, double b) {
  switch (op) {
    case Op::kAdd:
      return Answer::Of(Value::Double(a + b));
    case Op::kSubtract:
      return Answer::Of(Value::Double(a - b));
    case Op::kMultiply:
      return Answer::Of(Value::Double(a * b));
    case Op::kDivide:
      return Answer::Of(Value::Double(a / b));
    default:
      return NoOverload("double % double");
  }
}

std::string_view SymbolOf(Op op) {
  switch (op) {
    case Op::kAdd:
      return "+";
    case Op::kSubtract:
      return "-";
    case Op::kMultiply:
      return "*";
    case Op::kDivide:
      return "/";
    default:
      return "%";
  }
}

// Code points, as CEL counts.
int64_t Length(std::string_view text) {
  int64_t count = 0;
  for (char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return count;
}

template <typename T>
std::optional<T> Parsed(std::string_view text) {
  T out{};
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

template <typename T>
Answer ToWhole(const Value& from, std::string_view type, Value (*make)(T)) {
  if (const int64_t* number = from.AsInt()) {
    if (std::is_unsigned_v<T> && *number < 0) return OutOfRange(type);
    return Answer::Of(make(static_cast<T>(*number)));
  }
  if (const uint64_t* number = from.AsUint()) {
    if (*number > static_cast<uint64_t>(std::numeric_limits<T>::max())) return OutOfRange(type);
    return Answer::Of(make(static_cast<T>(*number)));
  }
  if (const double* number = from.AsDouble()) {
    const long double truncated = std::trunc(static_cast<long double>(*number));
    if (!(truncated >= static_cast<long double>(std::numeric_limits<T>::min()) &&
          truncated <= static_cast<long double>(std::numeric_limits<T>::max()))) {
      return OutOfRange(type);
    }
    return Answer::Of(make(static_cast<T>(truncated)));
  }
  if (const std::string* text = from.AsString()) {
    const std::optional<T> number = Parsed<T>(*text);
    if (number) return Answer::Of(make(*number));
    return Answer::Failed(fmt::format("{} is no {}", from.ToText(), type));
  }
  return NoOverload(fmt::format("{}({})", type, from.TypeName()));
}

Answer ToDouble(const Value& from) {
  if (from.AsDouble() != nullptr) return Answer::Of(from);
  if (const int64_t* number = from.AsInt()) {
    return Answer::Of(Value::Double(static_cast<double>(*number)));
  }
  if (const uint64_t* number = from.AsUint()) {
    return Answer::Of(Value::Double(static_cast<double>(*number)));
  }
  if (const std::string* text = from.AsString()) {
    if (const auto number = Parsed<double>(*text)) return Answer::Of(Value::Double(*number));
    return Answer::Failed(fmt::format("{} is no double", from.ToText()));
  }
  return NoOverload(fmt::format("double({})", from.TypeName()));
}

Answer ToString(const Value& from) {
  if (from.AsString() != nullptr) return Answer::Of(from);
  if (const uint64_t* number = from.AsUint()) {
    return Answer::Of(Value::String(fmt::format("{}", *number)));
  }
  if (from.AsInt() != nullptr || from.AsDouble() != nullptr || from.AsBool() != nullptr) {
    return Answer::Of(Value::String(from.ToText()));
  }
  return NoOverload(fmt::format("string({})", from.TypeName()));
}

Answer Size(const Value& of) {
  if (const std::string* text = of.AsString()) return Answer::Of(Value::Int(Length(*text)));
  if (const auto* items = of.AsList()) return Answer::Of(Value::Int(std::ssize(*items)));
  if (const Map* map = of.AsMap()) {
    return Answer::Of(Value::Int(static_cast<int64_t>(map->size())));
  }
  return NoOverload(fmt::format("size({})", of.TypeName()));
}

std::string InCase(std::string text, char first, char last) {
  for (char& c : text) {
    if (c >= first && c <= last) c = static_cast<char>(c ^ 0x20);
  }
  return text;
}

}  // namespace

Answer Arithmetic(Op op, const Value& a, const Value& b) {
  if (a.AsInt() != nullptr && b.AsInt() != nullptr) {
    return Whole<int64_t>(op, *a.AsInt(), *b.AsInt(), "integer", &Value::Int);
  }
  if (a.AsUint() != nullptr && b.AsUint() != nullptr) {
    return Whole<uint64_t>(op, *a.AsUint(), *b.AsUint(), "unsigned integer", &Value::Uint);
  }
  if (a.AsDouble() != nullptr && b.AsDouble() != nullptr) {
    return Real(op, *a.AsDouble(), *b.AsDouble());
  }
  if (op == Op::kAdd && a.AsString() != nullptr && b.AsString() != nullptr) {
    return Answer::Of(Value::String(*a.AsString() + *b.AsString()));
  }
  if (op == Op::kAdd && a.AsList() != nullptr && b.AsList() != nullptr) {
    Value::Items joined = *a.AsList();
    joined.insert(joined.end(), b.AsList()->begin(), b.AsList()->end());
    return Answer::Of(Value::List(std::move(joined)));
  }
  return NoOverload(fmt::format("{} {} {}", a.TypeName(), SymbolOf(op), b.TypeName()));
}

Answer Negated(const Value& value) {
  if (const int64_t* number = value.AsInt()) {
    return Whole<int64_t>(Op::kSubtract, 0, *number, "integer", &Value::Int);
  }
  if (const double* number = value.AsDouble()) return Answer::Of(Value::Double(-*number));
  return NoOverload(fmt::format("-{}", value.TypeName()));
}

bool IsStandardFunction(std::string_view name) {
  return name == "size" || name == "int" || name == "uint" || name == "double" ||
         name == "string" || name == "dyn";
}

Answer CallFunction(std::string_view name, std::span<const Value> arguments) {
  if (arguments.size() != 1) {
    return NoOverload(fmt::format("{}() takes one argument, not {}", name, arguments.size()));
  }
  const Value& value = arguments[0];
  if (name == "size") return Size(value);
  if (name == "int") return ToWhole<int64_t>(value, "int", &Value::Int);
  if (name == "uint") return ToWhole<uint64_t>(value, "uint", &Value::Uint);
  if (name == "double") return ToDouble(value);
  if (name == "string") return ToString(value);
  return Answer::Of(value);  // dyn
}

Answer CallMethod(const Value& receiver, std::string_view name,
                  std::span<const Value> arguments) {
  if (name == "size" && arguments.empty()) return Size(receiver);
  const std::string* text = receiver.AsString();
  if (text != nullptr && arguments.empty()) {
    if (name == "lowerAscii") return Answer::Of(Value::String(InCase(*text, 'A', 'Z')));
    if (name == "upperAscii") return Answer::Of(Value::String(InCase(*text, 'a', 'z')));
  }
  const std::string* other = arguments.size() == 1 ? arguments[0].AsString() : nullptr;
  if (text != nullptr && other != nullptr) {
    if (name == "startsWith") return Answer::Of(Value::Bool(text->starts_with(*other)));
    if (name == "endsWith") return Answer::Of(Value::Bool(text->ends_with(*other)));
    if (name == "contains") {
      return Answer::Of(Value::Bool(text->find(*other) != std::string::npos));
    }
  }
  std::string types;
  for (const Value& argument : arguments) {
    types.append(types.empty() ? "" : ", ").append(argument.TypeName());
  }
  return NoOverload(fmt::format("{}.{}({})", receiver.TypeName(), name, types));
}

int64_t SizeOf(const Value& value) {
  if (const std::string* text = value.AsString()) return std::ssize(*text);
  if (const auto* items = value.AsList()) return std::ssize(*items);
  if (const Map* map = value.AsMap()) return static_cast<int64_t>(map->size());
  return 1;
}

}  // namespace berth::expression
