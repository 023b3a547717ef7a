// A JSON document that can be changed: what patches work on. Small and plain; the codec of whole
// objects (api/json.h) never goes through it.
//
//   BERTH_ASSIGN_OR_RETURN(JsonValue doc, JsonValue::Parse(text));
//   doc.Set("a", JsonValue("x"));
//   std::string out = doc.ToText();
//
// Members of an object are ordered by name, as Go prints decoded documents. Threads: as a std::map.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <absl/status/statusor.h>

namespace berth::api {

// Levels of arrays and objects in a text that is read.
inline constexpr size_t kJsonNestingMax = 1000;

class JsonValue {
 public:
  enum class Kind : uint8_t { kNull, kBool, kInt, kDouble, kString, kArray, kObject };
  using Array = std::vector<JsonValue>;
  using Object = std::map<std::string, JsonValue, std::less<>>;

  JsonValue() = default;  // null
  explicit JsonValue(bool value) : value_(value) {}
  explicit JsonValue(int64_t value) : value_(value) {}
  explicit JsonValue(double value) : value_(value) {}
  explicit JsonValue(std::string value) : value_(std::move(value)) {}
  explicit JsonValue(const char* value) : value_(std::string(value)) {}
  explicit JsonValue(Array value) : value_(std::move(value)) {}
  explicit JsonValue(Object value) : value_(std::move(value)) {}
  static JsonValue EmptyObject() { return JsonValue(Object()); }
  static JsonValue EmptyArray() { return JsonValue(Array()); }

  // InvalidArgument when the text is not JSON, or is nested deeper than 1,000. A repeated name
  // keeps its last value. Integers beyond int64 become floating point.
  static absl::StatusOr<JsonValue> Parse(std::string_view text);

  Kind kind() const { return static_cast<Kind>(value_.index()); }
  bool is_null() const { return kind() == Kind::kNull; }
  bool is_string() const { return kind() == Kind::kString; }
  bool is_array() const { return kind() == Kind::kArray; }
  bool is_object() const { return kind() == Kind::kObject; }

  // The value must be of that kind.
  bool bool_value() const { return std::get<bool>(value_); }
  int64_t int_value() const { return std::get<int64_t>(value_); }
  double double_value() const { return std::get<double>(value_); }
  const std::string& string() const { return std::get<std::string>(value_); }
  const Array& array() const { return std::get<Array>(value_); }
  Array& array() { return std::get<Array>(value_); }
  const Object& object() const { return std::get<Object>(value_); }
  Object& object() { return std::get<Object>(value_); }

  // Objects only. Null when there is no such member.
  const JsonValue* Find(std::string_view name) const;
  JsonValue* Find(std::string_view name);
  // Adds the member or replaces it.
  JsonValue& Set(std::string_view name, JsonValue value);
  bool Erase(std::string_view name);
  JsonValue Take(std::string_view name);  // erases the member and returns it; null when absent

  std::string ToText() const;  // escaped as Go's encoding/json does
  // Go's %v of the decoded document: "map[image:nokey]", "[a 1]", "<nil>".
  std::string ToGoText() const;

  // 1 and 1.0 are equal.
  friend bool operator==(const JsonValue& a, const JsonValue& b);

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, Array, Object> value_;
};

// A text as JSON: quoted and escaped.
std::string JsonQuoted(std::string_view text);

}  // namespace berth::api
