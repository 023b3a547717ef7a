#include "base/expression/value.h"

#include <algorithm>

#include <fmt/core.h>

namespace berth::expression {
namespace {

constexpr size_t kMaxTextLength = 200;

// Exact for every int64 and uint64: 64 bits of mantissa, or more.
std::optional<long double> AsNumber(const Value& value) {
  if (const int64_t* number = value.AsInt()) return static_cast<long double>(*number);
  if (const uint64_t* number = value.AsUint()) return static_cast<long double>(*number);
  if (const double* number = value.AsDouble()) return static_cast<long double>(*number);
  return std::nullopt;
}

std::optional<bool> EqualLists(const Value::Items& a, const Value::Items& b, int64_t& steps) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    const std::optional<bool> equal = Equal(a[i], b[i], steps);
    if (!equal || !*equal) return equal;
  }
  return true;
}

std::optional<bool> EqualMaps(const Map& a, const Map& b, int64_t& steps) {
  if (a.size() != b.size()) return false;
  for (const Value& key : a.Keys()) {
    if (!b.Contains(key)) return false;
    const std::optional<bool> equal = Equal(*a.Find(key), *b.Find(key), steps);
    if (!equal || !*equal) return equal;
  }
  return true;
}

}  // namespace

Value Value::String(std::string value) {
  return Value(Held(std::make_shared<const std::string>(std::move(value))));
}

Value Value::List(Items items) {
  return Value(Held(std::make_shared<const Items>(std::move(items))));
}

std::string_view Value::TypeName() const {
  constexpr std::string_view kNames[] = {"null_type", "bool", "int",  "uint",
                                         "double",    "string", "list", "map"};
  if (const Object* object = AsObject()) return object->TypeName();
  return kNames[static_cast<size_t>(type())];
}

std::string Value::ToText() const {
  std::string out;
  if (const bool* flag = AsBool()) {
    out = *flag ? "true" : "false";
  } else if (const int64_t* number = AsInt()) {
    out = fmt::format("{}", *number);
  } else if (const uint64_t* natural = AsUint()) {
    out = fmt::format("{}u", *natural);
  } else if (const double* real = AsDouble()) {
    out = fmt::format("{}", *real);
  } else if (const std::string* text = AsString()) {
    out = fmt::format("\"{}\"", *text);
  } else if (const Items* items = AsList()) {
    for (size_t i = 0; i < items->size() && out.size() < kMaxTextLength; ++i) {
      out += (i == 0 ? "" : ", ") + (*items)[i].ToText();
    }
    out = "[" + out + "]";
  } else {
    out = type() == Type::kNull ? "null" : std::string(TypeName());
  }
  if (out.size() > kMaxTextLength) out = out.substr(0, kMaxTextLength) + "...";
  return out;
}

std::optional<bool> Equal(const Value& a, const Value& b, int64_t& steps) {
  if (--steps < 0) return std::nullopt;
  const auto x = AsNumber(a), y = AsNumber(b);
  if (x || y) return x && y && *x == *y;
  if (a.type() != b.type()) return false;
  switch (a.type()) {
    case Value::Type::kBool:
      return *a.AsBool() == *b.AsBool();
    case Value::Type::kString:
      steps -= static_cast<int64_t>(std::min(a.AsString()->size(), b.AsString()->size()) / 10);
      return *a.AsString() == *b.AsString();
    case Value::Type::kList:
      return EqualLists(*a.AsList(), *b.AsList(), steps);
    case Value::Type::kMap:
      return EqualMaps(*a.AsMap(), *b.AsMap(), steps);
    case Value::Type::kObject:
      return a.AsObject()->Equals(*b.AsObject());
    default:
      return true;  // null
  }
}

std::optional<std::partial_ordering> Order(const Value& a, const Value& b) {
  const auto x = AsNumber(a), y = AsNumber(b);
  if (x && y) return *x <=> *y;
  if (a.AsString() != nullptr && b.AsString() != nullptr) {
    return a.AsString()->compare(*b.AsString()) <=> 0;
  }
  if (a.AsBool() != nullptr && b.AsBool() != nullptr) {
    return static_cast<int>(*a.AsBool()) <=> static_cast<int>(*b.AsBool());
  }
  return std::nullopt;
}

}  // namespace berth::expression
