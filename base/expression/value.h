// What an expression computes with: null, bool, int, uint, double, string, list, map, and objects
// that only their owner understands (a quantity, a version).
//
//   Value::String("a100"), Value::Int(3), Value::List({Value::Int(1)}), Value::OfMap(map)
//
// Cheap to copy: strings, lists, maps and objects are shared. Threads: immutable.
#pragma once

#include <compare>
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

namespace berth::expression {

class Map;
class Object;

class Value {
 public:
  enum class Type : uint8_t {
    kNull, kBool, kInt, kUint, kDouble, kString, kList, kMap, kObject
  };
  using Items = std::vector<Value>;

  Value() = default;  // null
  static Value Bool(bool value) { return Value(Held(std::in_place_index<1>, value)); }
  static Value Int(int64_t value) { return Value(Held(std::in_place_index<2>, value)); }
  static Value Uint(uint64_t value) { return Value(Held(std::in_place_index<3>, value)); }
  static Value Double(double value) { return Value(Held(std::in_place_index<4>, value)); }
  static Value String(std::string value);
  static Value List(Items items);
  static Value OfMap(std::shared_ptr<const Map> map) { return Value(Held(std::move(map))); }
  static Value OfObject(std::shared_ptr<const Object> object) {
    return Value(Held(std::move(object)));
  }

  Type type() const { return static_cast<Type>(held_.index()); }
  // "int", "string", ...; an object's own name.
  std::string_view TypeName() const;

  // Of that type, or null.
  const bool* AsBool() const { return std::get_if<1>(&held_); }
  const int64_t* AsInt() const { return std::get_if<2>(&held_); }
  const uint64_t* AsUint() const { return std::get_if<3>(&held_); }
  const double* AsDouble() const { return std::get_if<4>(&held_); }
  const std::string* AsString() const { return Pointee<5>(); }
  const Items* AsList() const { return Pointee<6>(); }
  const Map* AsMap() const { return Pointee<7>(); }
  const Object* AsObject() const { return Pointee<8>(); }

  // For messages: strings in quotes, lists in brackets; long ones are cut.
  std::string ToText() const;

 private:
  using Held = std::variant<std::monostate, bool, int64_t, uint64_t, double,
                            std::shared_ptr<const std::string>, std::shared_ptr<const Items>,
                            std::shared_ptr<const Map>, std::shared_ptr<const Object>>;
  explicit Value(Held held) : held_(std::move(held)) {}
  template <size_t kIndex>
  auto Pointee() const -> decltype(std::get<kIndex>(Held()).get()) {
    const auto* held = std::get_if<kIndex>(&held_);
    return held == nullptr ? nullptr : held->get();
  }

  Held held_;
};

// Values by key, looked up when an expression asks.
class Map {
 public:
  virtual ~Map() = default;
  virtual std::optional<Value> Find(const Value& key) const = 0;
  // What `in` answers; a map may have a default for keys it does not contain. has() goes by Find.
  virtual bool Contains(const Value& key) const { return Find(key).has_value(); }
  virtual size_t size() const = 0;
  // What macros go through, in a fixed order.
  virtual std::vector<Value> Keys() const = 0;
};

// The answer of an object's method or a function of the owner: a value, or why there is none.
struct Answer {
  std::optional<Value> value;
  std::string problem;
  static Answer Of(Value value) { return {std::move(value), {}}; }
  static Answer Failed(std::string problem) { return {std::nullopt, std::move(problem)}; }
};

// Something whose owner gives it methods.
class Object {
 public:
  virtual ~Object() = default;
  virtual std::string_view TypeName() const = 0;
  virtual bool Equals(const Object& other) const = 0;
  // Only names that were declared to Parse get here. Must be cheap and pure.
  virtual Answer Call(std::string_view method, std::span<const Value> arguments) const = 0;
};

// Equality as CEL has it: numbers compare by value whatever their type, other types never equal
// each other, lists and maps compare by what they hold. steps: counts down with the work; nullopt
// when it would go below 0.
std::optional<bool> Equal(const Value& a, const Value& b, int64_t& steps);

// Order of two numbers, two strings or two bools; nullopt for anything else.
std::optional<std::partial_ordering> Order(const Value& a, const Value& b);

}  // namespace berth::expression
